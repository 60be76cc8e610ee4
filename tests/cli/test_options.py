"""Options are declared once: every one has a reader, and the help shows first what people use."""

import dataclasses
import gzip
import importlib
import pkgutil
import sys
from pathlib import Path

import pytest

import lo2 as package
from lo2.cli.main import COMMANDS, run


def options_classes() -> dict[str, type]:
    """Every dataclass that has a field with a help text, by its name."""
    found = {}
    for module in pkgutil.walk_packages(package.__path__, "lo2."):
        if module.name.endswith("__main__"):
            continue
        for kind in vars(importlib.import_module(module.name)).values():
            own = isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__module__ == module.name
            if own and any("help" in field.metadata for field in dataclasses.fields(kind)):
                found[kind.__name__] = kind
    return found


# Who only copies, records or prints options does not use them.
NO_READERS = ("lo2/options.py", "dataclasses.py", "<string>", "copy.py", "pickle.py")


@pytest.fixture
def read(monkeypatch) -> dict[str, set[str]]:
    """Fields that code asks for, by class, while commands run."""
    seen: dict[str, set[str]] = {}
    for name, kind in options_classes().items():
        names = {field.name for field in dataclasses.fields(kind)}
        asked = seen.setdefault(name, set())

        def look(self, attribute, *, names=names, asked=asked):
            if attribute in names and attribute not in asked:
                caller = sys._getframe(1).f_code.co_filename
                if not caller.endswith(NO_READERS):
                    asked.add(attribute)
            return object.__getattribute__(self, attribute)

        monkeypatch.setattr(kind, "__getattribute__", look, raising=False)
    return seen


CALLS = {
    "simulate logs --runs 5 --errors-per-run 1 --service-types token --scale 0.02": 0,
    "simulate few --runs 4 --errors-per-run 1 --service-types token --scale 0.02 --first-epoch 1700000000": 0,
    "load logs --jobs 1 --max-ram 2G --save-base-sequences --save-events -v": 0,
    "load few --jobs 1 --backend sequential --profile tree --variant few --group-by token-(.) "
    "--log-format lo2 --labels labels.csv": 0,
    "detect --if-n-estimators 5 --save-model --per-service --cross-fit 2 --save-enhancers --seeds 2 "
    "--save-split split.json --bootstrap 100 --if-numeric seq_len": 0,
    "detect --if-n-estimators 5 --load-model models/lo2_if.joblib --skip-knn --split-file split.json": 0,
    "explain --shap-sample 5 --top 3 --root logs": 0,
    "report": 0,
    "score logs --sequences x": 2,
    "score logs --fail-on never": 0,
    "score --sequences demo/result/lo2/lo2_sequences_enhanced.parquet": 0,
    "run few --jobs 1 --if-n-estimators 5 --variant again -q": 0,
    "run few --jobs 1 --if-n-estimators 5 --variant third --backend dask --json": 0,
    "clean --keep 1 --older-than-days 1 --max-mb 1": 0,
    "diff logs few --context 1 --html a.html --junit a.xml --github --all": 0,
    "diff logs few": 0,
    "diff logs few --add-ignore 0a --ignore-file accepted.yml": 2,
    "pack --out shared.zip": 0,
    "unpack shared.zip --into unpacked": 0,
    "ledger": 0,
    "compare demo/result/lo2 demo/result/lo2": 0,
    "scan": 0,
    "restore --all --dry-run": 0,
    "restore report": 0,
    "demo --logs labels.csv": 1,
    "clean --older-than-days 0 --apply --archive gone.zip": 0,
    "load broken --jobs 1 --variant broken": 1,
}


def test_every_option_has_a_reader(read, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels.csv").write_text("run,label\nx,0\n")
    for run_name in "abc":
        log = tmp_path / "broken" / run_name / "correct" / "token.log.gz"
        log.parent.mkdir(parents=True)
        log.write_bytes(gzip.compress(b"INFO started\n" * 50)[: 20 if run_name == "c" else None])
    for line, code in CALLS.items():
        assert run(line.split()) == code, f"{line}: {capsys.readouterr().err}"
    kinds = options_classes()
    unread = {
        f"{name}.{field.name}"
        for name, kind in kinds.items()
        for field in dataclasses.fields(kind)
        if "help" in field.metadata
        and not any(field.name in read[other] for other, own in kinds.items() if issubclass(own, kind))
    }
    assert not unread


def test_help_shows_what_people_use_and_help_all_the_rest(capsys):
    run(["run", "--help"])
    few = capsys.readouterr().out
    run(["run", "--help-all"])
    every = capsys.readouterr().out
    assert "--variant" in few
    assert "--if-pseudo-share" not in few
    assert "lo2 run --help-all" in few
    assert "--if-pseudo-share" in every
    assert "--help-all" not in every
    assert few.count("  --") < every.count("  --") / 2


def test_the_demo_names_its_own_places(capsys):
    run(["demo", "--help-all"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "default demo/result/lo2_demo, whatever LO2_HOME says" in shown
    assert "default models/lo2_demo" in shown
    assert "default demo/result/lo2," not in shown


MOST_SHOWN = 17  # what the tutorial shows of `lo2 load`; of every other command at most 15


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_no_command_lists_more_than_people_read(command, capsys):
    run([command, "--help"])
    listed = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("  --", "  -"))]
    assert 1 <= len(listed) - 1 <= (MOST_SHOWN if command == "load" else 15), listed


def test_flags_are_declared_on_options_and_derived_in_one_place():
    sources = Path(package.__path__[0]).rglob("*.py")
    assert [path.name for path in sources if "typer.Option(" in path.read_text()] == ["flags.py"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_knows_help_all(command, capsys):
    assert run([command, "--help-all"]) == 0
    assert f"Usage: lo2 {command}" in capsys.readouterr().out


def test_rare_options_work_where_help_does_not_show_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["detect", "--if-pseudo-share", "0.1"]) == 4
    assert "does not exist. Make it with: lo2 load" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("detect", "--seed", "-1"), "--seed -1 is out of range: expected 0 to 4294967295"),
        (("detect", "--seeds", "0"), "--seeds 0 is out of range: expected at least 1"),
        (("detect", "--split-seed", "-4"), "--split-seed -4 is out of range"),
        (("detect", "--if-max-samples", "banana"), "--if-max-samples banana: expected a number from 1"),
        (("detect", "--alert-budget", "-1"), "--alert-budget -1.0 is out of range: expected 0 to 1000"),
        (("detect", "--drift-scores", "-1"), "--drift-scores -1.0 is out of range: expected at least 0"),
        (("load", "x", "--runs", "0"), "--runs 0 is out of range: expected at least 1"),
        (("load", "x", "--jobs", "-2"), "--jobs -2 is out of range: expected at least 0"),
        (("explain", "--top-tokens", "0"), "--top-tokens 0 is out of range: expected at least 1"),
        (("diff", "a", "b", "-C", "-1"), "--context -1 is out of range: expected at least 0"),
        (("clean", "--keep", "-1"), "--keep -1 is out of range: expected at least 0"),
    ],
)
def test_numbers_out_of_range_are_named_with_what_is_expected(arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(list(arguments)) == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())
