"""The workflow of docs/diff.md and the example of docs/own-logs.md: their steps are run, with stand-ins for what needs a network."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
GOOD = "".join(f"2024-05-02 08:00:0{i},120 INFO shop.Cart - cart {i} opened\n" for i in range(9))
BROKEN = "2024-05-02 08:00:09,900 ERROR shop.Pay - the bank refused the card\n"
GH = """#!/bin/sh
case "$1 $2" in
  "run list") echo 4711 ;;
  "run download") test "$3" = 4711 && mkdir -p green && cp stored/test.log green/test.log ;;
esac
"""


def steps() -> dict[str, dict[str, str]]:
    text = (ROOT / "docs" / "diff.md").read_text()
    block = re.search(r"<!-- workflow -->\n```yaml\n(.*?)```", text, re.DOTALL)
    saved = re.search(r"<!-- steps: saved -->\n```yaml\n(.*?)```", text, re.DOTALL)
    assert block is not None
    assert saved is not None
    every = [*yaml.safe_load(block[1])["jobs"]["test"]["steps"], *yaml.safe_load(saved[1])]
    return {step["name"]: step for step in every if "name" in step}


@pytest.fixture
def server(tmp_path: Path) -> dict[str, str]:
    """A working folder with a good log that a server keeps, and programs of that server."""
    (tmp_path / "stored").mkdir()
    (tmp_path / "stored" / "test.log").write_text(GOOD)
    (tmp_path / "printed").write_text(GOOD + BROKEN)
    programs = tmp_path / "bin"
    programs.mkdir()
    lo2 = f'#!/bin/sh\nexec "{sys.executable}" -m lo2 "$@"\n'
    for name, text in {"gh": GH, "make": "#!/bin/sh\ncat printed\nexit 1\n", "lo2": lo2}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(tmp_path / "step.md")}


def bash(name: str, folder: Path, server: dict[str, str]) -> int:
    return subprocess.run(["bash", "-e", "-c", steps()[name]["run"]], cwd=folder, env=server, check=False).returncode


def test_a_red_run_says_what_is_different_from_the_last_green_one(tmp_path, server):
    assert bash("Test", tmp_path, server) != 0
    assert (tmp_path / "test.log").read_text() == GOOD + BROKEN
    assert bash("What is different from the last green run", tmp_path, server) == 0
    assert (tmp_path / "step.md").read_text().startswith("### lo2 diff: 1 finding")
    assert (tmp_path / "diff.xml").read_text().startswith("<?xml")


def test_a_saved_baseline_of_good_nights_makes_a_bad_night_fail_and_a_good_one_pass(tmp_path, server):
    (tmp_path / "nights").mkdir()
    for night in range(3):
        (tmp_path / "nights" / f"night-{night}.log").write_text(GOOD)
    (tmp_path / "tonight.log").write_text(GOOD)
    assert bash("Keep what good nights say", tmp_path, server) == 0
    for path in (tmp_path / "nights").iterdir():
        path.unlink()
    assert bash("Compare tonight with the kept baseline", tmp_path, server) == 0
    assert (tmp_path / "step.md").read_text().startswith("### lo2 diff: nothing unusual")
    (tmp_path / "tonight.log").write_text(GOOD + BROKEN)
    assert bash("Compare tonight with the kept baseline", tmp_path, server) == 3
    assert "### lo2 diff: 1 finding" in (tmp_path / "step.md").read_text()
    assert "the bank refused the card" in (tmp_path / "diff.html").read_text()


def test_the_scored_example_of_own_logs_prints_what_the_page_shows(tmp_path, monkeypatch, capsys):
    """Lines of the page stand in the output in that order; ``...`` stands for others."""
    from lo2.cli.main import run
    from shop import night

    page = (ROOT / "docs" / "own-logs.md").read_text()
    block = re.search(r"```console\n\$ lo2 (score .*?)\n(.*?)```", page, re.DOTALL)
    assert block is not None
    monkeypatch.chdir(tmp_path)
    for number in range(30):
        night(Path("shop-logs"), number)
    for number in (40, 41, 42):
        night(Path("new-logs"), number, broken=number == 41)
    assert run(["run", "shop-logs", "--skip-if", "--models", "knn_words", "-q"]) == 0
    capsys.readouterr()
    assert run(block[1].split()) == 0
    printed = iter(capsys.readouterr().out.split("\n"))
    for line in block[2].rstrip("\n").split("\n"):
        if line != "...":
            assert line in printed, line  # looks on from where the line before was found


def test_the_example_of_own_logs_prints_what_the_page_shows(tmp_path, monkeypatch, capsys):
    from lo2.cli.main import run

    page = (ROOT / "docs" / "own-logs.md").read_text()
    block = re.search(r"```console\n\$ lo2 (diff .*?)\n(.*?)```", page, re.DOTALL)
    assert block is not None
    good = (
        "2024-05-02 08:00:01,120 INFO shop.Cart - cart 17 opened\n2024-05-02 08:00:01,480 INFO shop.Pay - order 4711 paid by card\n"
        "2024-05-02 08:00:02,020 INFO shop.Cart - cart 17 closed\n"
    )
    bad = (
        "2024-05-09 09:12:01,020 INFO shop.Cart - cart 31 opened\n2024-05-09 09:12:01,770 INFO shop.Pay - order 4801 paid by card\n"
        "2024-05-09 09:12:02,320 INFO shop.Cart - cart 31 closed\n2024-05-09 09:12:03,010 INFO shop.Cart - cart 32 opened\n"
        "2024-05-09 09:12:03,640 ERROR shop.Pay - order 4802 refused by the bank\njava.net.SocketTimeoutException: connect timed out\n"
        "\tat shop.Bank.call(Bank.java:81)\n2024-05-09 09:12:04,110 INFO shop.Cart - cart 32 closed\n"
    )
    monkeypatch.chdir(tmp_path)
    Path("good.log").write_text(good + good.replace("17", "18").replace("4711", "4712"))
    Path("bad.log").write_text(bad)
    assert run(block[1].split()) == 0
    assert capsys.readouterr().out == block[2]
