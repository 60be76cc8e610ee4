"""A base install, and one that trains: every command works in it, or names the extra that it lacks, before it works."""

import json
import shutil
import tarfile
import tomllib
from pathlib import Path

import pytest

from lo2.cli.main import COMMANDS
from lo2.extras import EXTRAS
from lo2.models.table import MODELS
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
# What a base install does not hold, with what only the extras bring along.
ABSENT = {*EXTRAS, "zstandard", "compression.zstd", "dask", "numba", "pandas", "PIL"}
TRAINING = {library for library, extra in EXTRAS.items() if extra == "detect"}
RUN = """
import contextlib, importlib.abc, io, json, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any(f"{name}.".startswith(f"{one}.") for one in json.loads(sys.argv[1])):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from lo2.cli.main import run

said = []
for call in json.loads(sys.argv[2]):
    with contextlib.redirect_stderr(io.StringIO()) as err, contextlib.redirect_stdout(io.StringIO()) as out:
        code = run(call)
    said.append([code, err.getvalue(), out.getvalue()])
print(json.dumps(said))
"""
DISTRIBUTIONS = {"sklearn": "scikit-learn"}
TREE = ["--root", "logs", "--service-types", "token"]
NAMED = ["score", "--model", "models/knn_words.joblib", "--root", "logs", "--service-types", "token"]
# Command, exit code, and what the refusal says; in this order each finds what it needs. With `detect` alone:
CALLS: list[tuple[list[str], int, str]] = [
    (["run", *TREE, "-q"], 4, "lo2-pipeline[explain]"),
    (["demo", "-q"], 4, "lo2-pipeline[explain]"),
    (
        ["simulate", "more", "--runs", "2", "--errors-per-run", "1", "--service-types", "token", "--scale", "0.02"],
        0,
        "",
    ),
    (["load", *TREE, "--backend", "dask", "-q"], 4, "lo2-pipeline[dask]"),
    (["load", "--root", "logs.tar.zst", "-q"], 4, "lo2-pipeline[zstd]"),
    (["load", *TREE, "-q"], 0, ""),
    (["detect", "--models", "xgb_words", "-q"], 4, "lo2-pipeline[models]"),
    (["detect", "--models", "lr_words,rarity_words", "--save-model", "-q"], 0, ""),
    (["explain"], 4, "lo2-pipeline[explain]"),
    (["report"], 0, ""),
    (NAMED, 0, ""),
    (["restore", "--all"], 0, ""),
    (["scan"], 3, ""),  # what explains is missing, and said
    (["ledger"], 0, ""),
    (["pack", "--out", "a.zip"], 0, ""),
    (["unpack", "a.zip", "--into", "back"], 0, ""),
    (["clean", "--keep", "1"], 0, ""),
    (["diff", "logs", "more"], 0, ""),
]


# Without any extra, where the calls above have been.
BASE: list[tuple[list[str], int, str]] = [
    (["run", *TREE, "-q"], 4, "lo2-pipeline[explain]"),
    (["demo", "-q"], 4, "lo2-pipeline[explain]"),
    (["explain"], 4, "lo2-pipeline[explain]"),
    (["detect"], 4, "Training knn_words needs scikit-learn: pip install 'lo2-pipeline[detect]'"),
    (["detect", "--help"], 0, ""),
    (NAMED, 0, ""),
    (["score", "more", "--json", "--fail-on", "flagged", "--html", "new.html", "--junit", "new.xml"], 3, "too few"),
    (
        ["score", "more", "--model", "models/lo2_if.joblib"],
        4,
        "if needs scikit-learn: pip install 'lo2-pipeline[detect",
    ),
    (["score", "more", "--model", "models/lr_words.joblib"], 4, "lr_words needs scikit-learn"),
    (["score", "more", "--model", "models/rarity_words.joblib"], 4, "rarity_words needs scikit-learn"),
    (["score", "more", "--model", "bundle-knn-format2/knn_words.joblib", "--no-explain"], 0, ""),
    (["score", "more", "--model", "bundle-knn-format1/knn_words.joblib"], 4, "This bundle needs scikit-learn: pip"),
    (
        ["simulate", "base", "--runs", "2", "--errors-per-run", "1", "--service-types", "token", "--scale", "0.02"],
        0,
        "",
    ),
    (["diff", "base", "more", "--html", "diff.html"], 0, ""),
    (["load", *TREE, "--variant", "base", "--jobs", "2", "-q"], 0, ""),
    (["report"], 0, ""),
    (["restore", "sequences"], 0, ""),
    (["scan"], 3, ""),
    (["ledger"], 0, ""),
    (["compare", "2025-11-03_words_0.05", "2025-11-03_words_0.05"], 0, ""),
    (["pack", "--out", "base.zip"], 0, ""),
    (["unpack", "base.zip", "--into", "base-back"], 0, ""),
    (["clean", "--keep", "1"], 0, ""),
]


# Ways to score that every install has to agree on: rows of the table, new logs with a page, scores alone with drift.
SCORES: list[list[str]] = [
    ["score"],
    ["score", "more", "--fail-on", "findings", "--html", "new.html"],
    ["score", "more", "--no-explain", "--verbose", "--json"],
]


@pytest.fixture(scope="module")
def trains(tmp_path_factory, python) -> tuple[Path, list[tuple[int, str, str]]]:
    """Folder, and what the calls ended with in an interpreter that can import the extra ``detect`` alone."""
    folder = tmp_path_factory.mktemp("base")
    options = SimulateOptions(runs=5, errors_per_run=2, scale=0.02, seed=1, service_types=("token",))
    simulate(folder / "logs", options)
    for golden in (Path(__file__).parent / "golden").glob("bundle-knn-*"):
        shutil.copytree(golden, folder / golden.name)
    with tarfile.open(folder / "logs.tar", "w") as archive:
        archive.add(folder / "logs", arcname="logs")
    shutil.move(folder / "logs.tar", folder / "logs.tar.zst")
    calls = json.dumps([call for call, _, _ in CALLS])
    done = python("-c", RUN, json.dumps(sorted(ABSENT - TRAINING)), calls, cwd=folder)
    return folder, json.loads(done.stdout)


@pytest.fixture(scope="module")
def base(trains, python) -> list[tuple[int, str, str]]:
    """What the calls of a base install ended with."""
    calls = json.dumps([call for call, _, _ in BASE])
    return json.loads(python("-c", RUN, json.dumps(sorted(ABSENT)), calls, cwd=trains[0]).stdout)


def check(row: tuple[list[str], int, str], found: tuple[int, str, str]) -> None:
    (call, expected, named), (code, said, _) = row, found
    assert code == expected, f"{call}: {said}"
    assert named in said
    assert "Traceback" not in said


@pytest.mark.parametrize("i", range(len(CALLS)), ids=lambda i: " ".join(CALLS[i][0][:4]))
def test_an_install_that_trains_works_or_names_the_extra(trains, i):
    check(CALLS[i], trains[1][i])


@pytest.mark.parametrize("i", range(len(BASE)), ids=lambda i: " ".join(BASE[i][0][:4]))
def test_a_base_install_works_or_names_the_extra(base, i):
    check(BASE[i], base[i])


def scored(given: Path, folder: Path, python, absent: set[str]) -> dict[str, bytes]:
    """What every way to score wrote and said in a copy of a folder, by an interpreter that lacks these libraries."""
    shutil.copytree(given, folder)
    shutil.rmtree(folder / "demo/result/lo2/scored", ignore_errors=True)
    done = python("-c", RUN, json.dumps(sorted(absent)), json.dumps(SCORES), cwd=folder)
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("scored/*/*/**/*.*")}
    said = {f"call {i}": f"{code} {out}".encode() for i, (code, _, out) in enumerate(json.loads(done.stdout))}
    return found | said | {"page": (folder / "new.html").read_bytes()}


def test_scores_explanations_and_pages_have_the_same_bytes_without_scikit_learn(trains, base, python, tmp_path):
    """``base`` has been: nothing changes the folder of the calls above any more."""
    there, here = (
        scored(trains[0], tmp_path / name, python, absent)
        for name, absent in {"there": ABSENT - TRAINING, "here": ABSENT}.items()
    )
    names = {path.rpartition("/")[2] for path in there}
    assert {"lo2_knn_words_predictions.parquet", "lo2_runs.parquet", "knn_words_nn_mapping.csv"} <= names
    assert {"knn_words_line_attribution.csv", "knn_words_top_tokens.txt", "findings.json", "report.html"} <= names
    assert [there[f"call {i}"][:1] for i in range(len(SCORES))] == [b"0", b"3", b"0"]
    assert b'"drift": [' in there["call 2"]
    assert there.keys() == here.keys()
    assert [name for name in there if there[name] != here[name]] == []


def test_every_command_is_tried_in_a_base_install():
    assert {call[0] for call, _, _ in BASE} == set(COMMANDS)


def test_in_python_a_base_install_names_the_extra(python, tmp_path):
    code = """
import polars as pl
import lo2
lo2.diff, lo2.load, lo2.templates
frame = pl.DataFrame({"e_words": [["a"], ["b"]]})
reused = lo2.AnomalyDetector()
reused.train_df = reused.test_df = frame
calls = {"detect": lo2.detect, "matrix": lo2.matrix, "AnomalyDetector": lambda _: reused.prepare_train_test_data()}
for name, call in calls.items():
    try:
        call(frame)
    except ImportError as error:
        assert f"{name} needs" in str(error) and "lo2-pipeline[detect]" in str(error), error
    else:
        raise AssertionError(name)
"""
    start = RUN.partition("from lo2")[0]
    python("-c", start + code, json.dumps(sorted(ABSENT)), cwd=tmp_path)


def test_in_python_a_base_install_scores_and_explains_what_a_full_one_does(trains, python):
    code = """
import lo2
bundle = lo2.open_bundle("models/knn_words.joblib")
found = bundle.explain("more")
print(bundle.score("more").write_csv(), found.explanation.lines.write_csv(), found.explanation.tokens.write_csv())
"""
    start = RUN.partition("from lo2")[0]
    here, there = (
        python("-c", start + code, json.dumps(sorted(absent)), cwd=trains[0]).stdout
        for absent in (ABSENT, ABSENT - TRAINING)
    )
    assert here == there
    assert "score_knn_words" in here


def test_a_missing_extra_is_found_before_work_starts(trains):
    """`run` and `demo` came first; nothing of a result root was there when `load` followed."""
    record = json.loads((trains[0] / "demo/result/lo2/provenance.json").read_text())
    assert not record["phases"]["load"].get("earlier")


def test_every_optional_library_is_in_the_extra_that_is_named():
    extras = PROJECT["optional-dependencies"]
    for library, extra in EXTRAS.items():
        assert any(name.startswith(DISTRIBUTIONS.get(library, library)) for name in extras[extra]), library
    assert set(extras) == {*EXTRAS.values(), "all"}
    assert extras["all"] == [f"lo2-pipeline[{','.join(name for name in extras if name != 'all')}]"]
    assert {spec.library for spec in MODELS.values()} - {""} <= set(EXTRAS)
