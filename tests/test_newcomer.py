"""CONTRIBUTING.md as a newcomer follows it: its files and changed lines in a copy of the tree, then what comes of them."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest

from conftest import REPOSITORY
from lo2.artefacts import provenance
from lo2.artefacts.layout import Home

STEPS = re.compile(r"`((?:src|tests)/[\w./]+)`:\n\n```(python|diff)\n(.*?)```", re.DOTALL)
SMALL = ["--runs", "6", "--errors-per-run", "3", "--scale", "0.02", "--service-types", "token", "--seed", "1"]
# What is called in the changed tree, in this order; all end with 0.
CALLS = [
    ["simulate", "logs", *SMALL],
    ["load", "shop", "--save-events", "--variant", "shop", "-q"],
    ["run", "logs", "--models", "novel_words", "-q"],
    ["explain"],
    ["score", "logs", "--model", "models/novel_words.joblib", "-q"],
    ["pack", "--out", "shared.zip"],
    ["restore", "volume"],
    ["scan", "--strict"],
    ["where", "--variant", "other"],
]
RUN = """
import contextlib, io, json, sys
from lo2.cli.main import run

said = []
for call in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = run(call)
    said.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(said))
"""


def changed(text: str, diff: str) -> str:
    """Text after the hunks of a diff, whose lines before the change must stand in it exactly once."""
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] != "+")
        assert text.count(before) == 1, f"not once in the file:\n{before}"
        text = text.replace(before, "".join(line[1:] for line in lines if line[0] != "-"))
    return text


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """Copy of the source tree in which every step of the page was done."""
    copy = tmp_path_factory.mktemp("newcomer") / "tree"
    copy.mkdir()
    for name in ("src", "tests", "tools", "docs"):
        shutil.copytree(
            REPOSITORY / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "golden", "interop")
        )
    for name in ("pyproject.toml", "CONTRIBUTING.md", "README.md"):
        shutil.copy(REPOSITORY / name, copy)
    for path, kind, block in STEPS.findall((REPOSITORY / "CONTRIBUTING.md").read_text()):
        file = copy / path
        assert file.exists() == (kind == "diff"), path
        file.write_text(block if kind == "python" else changed(file.read_text(), block))
    return copy


def in_tree(tree: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Outcome of an interpreter that imports the changed tree."""
    path = os.pathsep.join([str(tree / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)


@pytest.fixture(scope="module")
def work(tree) -> tuple[Path, list[tuple[int, str, str]]]:
    """Folder in which the calls were made, and what they ended with, said and complained of."""
    folder = tree.parent / "work"
    for run in ("monday", "tuesday"):
        (folder / "shop" / run).mkdir(parents=True)
        start = datetime(2024, 3, 5, 9, 7)
        lines = [f"[{start + timedelta(seconds=i)} | warn @ billing] slow {i}\n" for i in range(40)]
        (folder / "shop" / run / "billing.log").write_text("".join(lines))
    done = in_tree(tree, "-c", RUN, json.dumps(CALLS), cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


@pytest.mark.parametrize("i", range(len(CALLS)), ids=lambda i: " ".join(CALLS[i][:2]))
def test_every_command_goes_through_with_all_five_added(work, i):
    code, _, complaint = work[1][i]
    assert code == 0, complaint


def test_the_page_has_all_five():
    paths = {path for path, _, _ in STEPS.findall((REPOSITORY / "CONTRIBUTING.md").read_text())}
    rooms = {path.split("/")[2] for path in paths}
    assert rooms == {"loading", "features", "schema.py", "models", "artefacts", "pipeline", "cli"}


def test_the_format_is_read(work):
    events = pl.read_parquet(work[0] / "demo/result/shop/lo2_events.parquet")
    assert set(events.select("level", "logger").rows()) == {("WARN", "billing")}
    assert events["m_message"][:2].to_list() == ["slow 0", "slow 1"]
    assert events["m_timestamp"][0] == datetime(2024, 3, 5, 9, 7)


def test_the_feature_fills_its_columns(work):
    frame = pl.read_parquet(work[0] / "demo/result/lo2/lo2_sequences_enhanced.parquet")
    assert frame.select((pl.col("e_word_pairs").list.len() > 5).all()).item()
    assert frame["e_word_pairs_len"].equals(frame["e_word_pairs"].list.len(), check_names=False)
    assert frame["e_word_pairs"][0][0].count(" ") == 1


def test_the_model_is_trained_saved_explained_and_compared(work):
    home = work[0] / "demo/result/lo2"
    assert pl.read_parquet(home / "lo2_novel_words_predictions.parquet")["score_novel_words"].max() > 0
    assert "novel_words" in (home / "metrics/comparison.csv").read_text()
    lines = pl.read_csv(home / "explainability/novel_words_line_attribution.csv")
    assert lines.height > 0
    assert (work[0] / "models/novel_words_reference.parquet").is_file()
    assert list(home.glob("scored/*/novel_words/lo2_novel_words_predictions.parquet"))


def test_the_artefact_is_written_recorded_and_shared(work):
    home = work[0] / "demo/result/lo2"
    volume = json.loads((home / "metrics/volume.json").read_text())
    assert volume.pop("format") == 1
    assert list(volume) == ["token"]
    recorded = provenance.load_provenance(Home(home, work[0] / "models"))
    assert recorded.artefacts["metrics/volume.json"].phase == "detect"
    with ZipFile(work[0] / "shared.zip") as shared:
        assert any(name.endswith("metrics/volume.json") for name in shared.namelist())


def test_the_command_prints(work):
    assert work[1][-1][1].strip() == "demo/result/other"


def test_the_docs_follow(tree):
    done = in_tree(tree, "tools/make_docs.py", cwd=tree)
    assert done.returncode == 0, done.stderr
    for page, text in {
        "formats": "`at sign`", "features": "`e_word_pairs`", "models": "`novel_words`",
        "artefacts": "`metrics/volume.json`", "cli": "## lo2 where",
    }.items():  # fmt: skip
        assert text in (tree / "docs" / f"{page}.md").read_text(), page


def test_the_tests_of_the_tables_cover_what_was_added(tree):
    """The battery, the examples of a header, help and faults of a command, the doctest of a feature."""
    chosen = ["tests/models/test_models_battery.py", "tests/loading/formats/test_tables.py", "tests/cli/test_faults.py",
              "tests/cli/test_cli_main.py", "src/lo2/features/word_pairs.py"]  # fmt: skip
    named = "novel_words or (examples_of_headers and sign) or (where and (sentence or explains)) or word_pairs"
    done = in_tree(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", named, *chosen, cwd=tree)
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 25


def test_the_examples_keep_the_style_of_the_house(tree):
    for how in (["check"], ["format", "--check"]):
        done = in_tree(tree, "-m", "ruff", *how, "src", cwd=tree)
        assert done.returncode == 0, done.stdout + done.stderr
