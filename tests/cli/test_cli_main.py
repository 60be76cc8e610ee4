import inspect
import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest

import lo2
from lo2.cli.main import COMMANDS, run
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Working directory that has seen `lo2 load` and `lo2 detect --save-model`."""
    folder = tmp_path_factory.mktemp("cli")
    options = SimulateOptions(
        runs=6, errors_per_run=1, scale=0.01, seed=3, dataset="v2", service_types=("client", "token")
    )
    simulate(folder / "logs", options)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run(["load", "--root", "logs", "--jobs", "1", "-q"]) == 0
        assert run(["detect", "--save-model", "--bootstrap", "100", "-q"]) == 0
    return folder


@pytest.fixture
def here(place, tmp_path, monkeypatch) -> Path:
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself_with_an_example(name, capsys):
    assert run([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert re.search(rf"Example: lo2 {name}\b", shown)
    assert "Traceback" not in shown


def test_the_overview_lists_every_command(capsys):
    assert run([]) == run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["lod"], 2, "Did you mean 'load'"),
        (["--root", "x"], 2, "comes after a command"),
        (["load"], 2, "Neither ROOT nor --root was given. Example: lo2 load"),
        (["load", ""], 2, "An argument is empty"),
        (["load", "--root", ""], 2, "--root is given an empty value"),
        (["score", "--model", ""], 2, "--model is given an empty value"),
        (["run", "logs", "--root", "other"], 2, "name two inputs"),
        (["load", "nowhere"], 4, "does not exist. Expected a folder"),
        (["load", "logs", "--layout", "{run}/x"], 4, "no path matches --layout"),
        (["load", "logs", "--labels", "no.csv"], 4, "--labels no.csv does not exist"),
        (["load", "--root", "logs", "--colour", "red"], 2, "--colour"),
        (["load", "--root", "logs", "--runs", "many"], 2, "--runs"),
        (["load", "--root", "nowhere"], 4, "does not exist. Expected a folder"),
        (["load", "--root", "logs", "--service-types", "tokn", "--variant", "v"], 2, "There is no service 'tokn'"),
        (["load", "--root", "logs", "--normal", "baseline", "--variant", "v"], 4, "Name the normal one with --normal"),
        (["load", "--root", "logs", "--backend", "spark", "--variant", "v"], 2, "sequential, loky, dask"),
        (["detect", "--models", "knn_word"], 2, "Did you mean 'knn_words'"),
        (["detect", "--skip-if", "--skip-knn"], 2, "leave no model"),
        (["detect", "--sequences", "no.parquet"], 4, "lo2 load --root"),
        (["detect", "--variant", "empty"], 4, "lo2 load --variant empty --root"),
        (["detect", "--variant", "v", "--output-dir", "out"], 2, "--variant v stands for"),
        (["detect", "--if-threshold-percentile", "120"], 2, "--if-threshold-percentile"),
        (["detect", "--alert-budget", "1"], 4, "it takes 999"),
        (["detect", "--save-model", "--seed", "5"], 1, "--overwrite-model"),
        (["detect", "--drift-volume", "0", "--report-precision-at", "0"], 2, "--report-precision-at"),
        (["score", "--model", "no.joblib"], 4, "There is no bundle no.joblib"),
        (["score", "--root", "logs", "--sequences", "x"], 2, "two inputs"),
        (["score", "--fail-on", "sometimes"], 2, "Choices: never, flagged"),
        (["explain", "--models", "lof_words"], 2, "There are no predictions of 'lof_words'"),
        (["explain", "--nn-top-k", "0"], 2, "--nn-top-k"),
        (["run", "--root", "other"], 4, "does not exist"),
        (["simulate", "logs", "--runs", "1"], 1, "exists"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_with_its_exit_code(here, capsys, arguments, code, words):
    assert run(arguments) == code
    shown = capsys.readouterr().err
    assert words in shown
    assert "Traceback" not in shown


def test_another_root_is_refused_before_work_with_the_variant_to_type(here, capsys):
    shutil.copytree("logs", "other")
    assert run(["load", "--root", "other", "-q"]) == 1
    assert "--variant lo2_other" in capsys.readouterr().err


def test_an_edited_table_ends_with_exit_3_and_a_tampered_bundle_with_6(here, capsys):
    bundle = Path("models/lo2_if.joblib")
    bundle.write_bytes(bundle.read_bytes() + b"x")
    assert run(["score", "--model", str(bundle)]) == 6
    table = Path("demo/result/lo2/lo2_sequences_enhanced.parquet")
    pl.read_parquet(table).head(9).write_parquet(table)
    assert run(["detect", "-q"]) == 3
    assert "--accept-changed" in capsys.readouterr().err


def test_a_second_writer_ends_with_exit_5(here, capsys):
    import subprocess
    import sys

    script = (
        "import sys\nfrom lo2.artefacts.layout import home\nfrom lo2.artefacts.lock import lock\n"
        "with lock(home()):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        assert run(["detect", "-q"]) == 5
    finally:
        holder.communicate()
    assert "Another run" in capsys.readouterr().err


def test_json_is_for_machines(here, capsys):
    assert run(["detect", "--json", "--bootstrap", "100", "-q"]) == 0
    assert set(json.loads(capsys.readouterr().out)["if"]) >= {"auc", "prevalence"}
    assert run(["score", "--json", "-q"]) == 0
    assert len(json.loads(capsys.readouterr().out)["sequences"]) == 6 * 2 * 2
    assert run(["scan", "--json"]) in (0, 3)
    assert json.loads(capsys.readouterr().out)


def test_a_dry_run_loads_nothing(here, capsys):
    assert run(["load", "--root", "logs", "--dry-run", "--variant", "v"]) == 0
    assert "6 runs" in capsys.readouterr().out
    assert not Path("demo/result/v").exists()


def test_lists_may_be_repeated_or_separated_by_commas(here, capsys):
    run(["load", "--root", "logs", "--dry-run", "--service-types", "client,token"])
    both = capsys.readouterr().out.splitlines()[0]
    run(["load", "--root", "logs", "--dry-run", "--service-types", "client", "--service-types", "token"])
    assert capsys.readouterr().out.splitlines()[0] == both


def test_lo2_home_names_the_result_root(here, monkeypatch):
    monkeypatch.setenv("LO2_HOME", str(here / "elsewhere"))
    assert run(["load", "--root", "logs", "-q"]) == 0
    assert (here / "elsewhere" / "lo2_sequences_enhanced.parquet").is_file()


def test_models_are_listed_with_what_they_learn_from(capsys):
    assert run(["detect", "--list-models"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"knn_words +e_words +normals", shown)
    assert re.search(r"lr_words +e_words +labels", shown)


def test_a_command_is_called_by_the_program_itself_once_its_arguments_are_parsed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    callers, home_of_lo2 = [], Path(lo2.__file__).parent

    def runs(home):
        own = (one for one in inspect.stack()[1:] if Path(one.filename).is_relative_to(home_of_lo2))
        callers.extend(one.function for one in own)
        return []

    monkeypatch.setattr("lo2.cli.ledger.kept_runs", runs)
    assert run(["ledger"]) == 0
    assert callers == ["ledger", "run"]
