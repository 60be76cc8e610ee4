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
from lo2.simulate import SimulateOptions, simulate

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
    with contextlib.redirect_stderr(io.StringIO()) as err, contextlib.redirect_stdout(io.StringIO()):
        code = run(call)
    said.append([code, err.getvalue()])
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
    (["detect", "--save-model", "-q"], 0, ""),
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
    (["detect"], 4, "scikit-learn: pip install 'lo2-pipeline[detect]'"),
    (NAMED, 4, "lo2-pipeline[detect]"),
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


@pytest.fixture(scope="module")
def trains(tmp_path_factory, python) -> tuple[Path, list[tuple[int, str]]]:
    """Folder, and what the calls ended with in an interpreter that can import the extra ``detect`` alone."""
    folder = tmp_path_factory.mktemp("base")
    options = SimulateOptions(runs=5, errors_per_run=2, scale=0.02, seed=1, service_types=("token",))
    simulate(folder / "logs", options)
    with tarfile.open(folder / "logs.tar", "w") as archive:
        archive.add(folder / "logs", arcname="logs")
    shutil.move(folder / "logs.tar", folder / "logs.tar.zst")
    calls = json.dumps([call for call, _, _ in CALLS])
    done = python("-c", RUN, json.dumps(sorted(ABSENT - TRAINING)), calls, cwd=folder)
    return folder, json.loads(done.stdout)


@pytest.fixture(scope="module")
def base(trains, python) -> list[tuple[int, str]]:
    """What the calls of a base install ended with."""
    calls = json.dumps([call for call, _, _ in BASE])
    return json.loads(python("-c", RUN, json.dumps(sorted(ABSENT)), calls, cwd=trains[0]).stdout)


def check(row: tuple[list[str], int, str], found: tuple[int, str]) -> None:
    (call, expected, named), (code, said) = row, found
    assert code == expected, f"{call}: {said}"
    assert named in said
    assert "Traceback" not in said


@pytest.mark.parametrize("i", range(len(CALLS)), ids=lambda i: " ".join(CALLS[i][0][:4]))
def test_an_install_that_trains_works_or_names_the_extra(trains, i):
    check(CALLS[i], trains[1][i])


@pytest.mark.parametrize("i", range(len(BASE)), ids=lambda i: " ".join(BASE[i][0][:4]))
def test_a_base_install_works_or_names_the_extra(base, i):
    check(BASE[i], base[i])


def test_every_command_is_tried_in_a_base_install():
    assert {call[0] for call, _, _ in BASE} == set(COMMANDS)


def test_in_python_a_base_install_names_the_extra(python, tmp_path):
    code = """
import lo2
lo2.diff, lo2.load, lo2.templates
for name in ("detect", "explain", "open_bundle", "matrix"):
    try:
        getattr(lo2, name)
    except ImportError as error:
        assert "lo2-pipeline[detect]" in str(error), error
    else:
        raise AssertionError(name)
"""
    start = RUN.partition("from lo2")[0]
    python("-c", start + code, json.dumps(sorted(ABSENT)), cwd=tmp_path)


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
