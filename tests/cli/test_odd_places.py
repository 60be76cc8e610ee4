"""Every command in folders whose names are patterns to a shell, to Polars and to ``glob``."""

import json
from pathlib import Path

import pytest

from lo2.cli.main import COMMANDS

ODD = "a[1]*?"
SMALL = ("--service-types", "token", "--errors-per-run", 2, "--scale", 0.02)
# In this order each finds what it needs; `demo` does all of it once more, in a variant of its own.
CALLS: dict[str, list[object]] = {
    "simulate": ["simulate", f"logs {ODD}", "--runs", 5, "--seed", 1, *SMALL],
    "load": ["load", "--root", f"logs {ODD}", "--save-events", "--save-base-sequences", "--service-types", "token"],
    "detect": ["detect", "--save-model", "--save-enhancers", "--models", "knn_words"],
    "explain": ["explain"],
    "report": ["report"],
    "run": ["run", "--root", f"logs {ODD}", "--service-types", "token", "--overwrite-model"],
    "score": ["score", "--root", f"logs {ODD}", "--service-types", "token"],
    "scan": ["scan", "--strict"],
    "restore": ["restore", "--all"],
    "ledger": ["ledger", "--json"],
    "compare": ["compare"],
    "clean": ["clean", "--keep", 1, "--apply"],
    "pack": ["pack", "--out", f"{ODD}.zip", "--include-parquet"],
    "diff": ["diff", f"logs {ODD}", f"logs {ODD}"],
}


@pytest.fixture(scope="module")
def said(tmp_path_factory, lo2) -> dict[str, str]:
    """What every command printed, in folders of this name."""
    folder: Path = tmp_path_factory.mktemp("odd") / ODD
    folder.mkdir()
    where = ("--output-dir", f"result {ODD}", "--models-dir", f"models {ODD}")
    found = {"folder": str(folder)}
    for name, call in CALLS.items():
        given = [] if name in ("simulate", "diff") else where
        if name == "compare":
            call = [*call, *(run["name"] for run in json.loads(found["ledger"])[:1] * 2)]
        found[name] = lo2(*call, *given, cwd=folder).stdout
    found["unpack"] = lo2("unpack", f"{ODD}.zip", "--into", f"back {ODD}", cwd=folder).stdout
    return found


def test_every_command_works_in_a_folder_whose_name_is_a_pattern(said):
    assert COMMANDS.keys() - said.keys() == {"demo"}  # `scan` ended with 0: nothing is missing there


def test_the_detector_of_a_program_reads_there(said, monkeypatch):
    from lo2 import AnomalyDetector

    folder = Path(said["folder"])
    monkeypatch.setenv("LO2_HOME", str(folder / f"result {ODD}"))
    detector = AnomalyDetector()
    detector.item_list_col = "e_words"
    assert detector._detector_test_frame().height > 0
