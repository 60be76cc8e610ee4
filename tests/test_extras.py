"""A base install: every command works in it, or names the extra that it lacks, before it works."""

import json
import shutil
import tarfile
import tomllib
from pathlib import Path

import pytest

from lo2.extras import EXTRAS
from lo2.models import MODELS
from lo2.simulate import SimulateOptions, simulate

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
# What a base install does not hold, with what only the extras bring along.
ABSENT = {*EXTRAS, "zstandard", "compression.zstd", "dask", "numba", "pandas", "PIL"}
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
TREE = ["--root", "logs", "--service-types", "token"]
NAMED = ["score", "--model", "models/knn_words.joblib", "--root", "logs", "--service-types", "token"]
# Command, exit code, and what the refusal says; in this order each finds what it needs.
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


@pytest.fixture(scope="module")
def base(tmp_path_factory, python) -> tuple[Path, list[tuple[int, str]]]:
    """Folder, and what the calls ended with in an interpreter that cannot import the extras."""
    folder = tmp_path_factory.mktemp("base")
    options = SimulateOptions(runs=5, errors_per_run=2, scale=0.02, seed=1, service_types=("token",))
    simulate(folder / "logs", options)
    with tarfile.open(folder / "logs.tar", "w") as archive:
        archive.add(folder / "logs", arcname="logs")
    shutil.move(folder / "logs.tar", folder / "logs.tar.zst")
    calls = json.dumps([call for call, _, _ in CALLS])
    done = python("-c", RUN, json.dumps(sorted(ABSENT)), calls, cwd=folder)
    return folder, json.loads(done.stdout)


@pytest.mark.parametrize("i", range(len(CALLS)), ids=lambda i: " ".join(CALLS[i][0][:4]))
def test_a_base_install_works_or_names_the_extra(base, i):
    call, expected, named = CALLS[i]
    code, said = base[1][i]
    assert code == expected, f"{call}: {said}"
    assert named in said
    assert "Traceback" not in said


def test_a_missing_extra_is_found_before_work_starts(base):
    """`run` and `demo` came first; nothing of a result root was there when `load` followed."""
    record = json.loads((base[0] / "demo/result/lo2/provenance.json").read_text())
    assert not record["phases"]["load"].get("earlier")


def test_every_optional_library_is_in_the_extra_that_is_named():
    extras = PROJECT["optional-dependencies"]
    for library, extra in EXTRAS.items():
        assert any(name.startswith((library, f"{library}-cpu")) for name in extras[extra]), library
    assert set(extras) == {*EXTRAS.values(), "all"}
    assert extras["all"] == [f"lo2-pipeline[{','.join(name for name in extras if name != 'all')}]"]
    assert {spec.library for spec in MODELS.values()} - {""} <= set(EXTRAS)
