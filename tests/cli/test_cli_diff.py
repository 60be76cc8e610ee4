"""``lo2 diff`` on the command line: outputs, exit codes, accepted findings, saved baselines."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lo2.cli.main import run

GOOD = "".join(f"2024-05-02 08:00:0{i},120 INFO shop.Cart - cart {i} opened\n" for i in range(9))
BROKEN = "2024-05-02 08:00:09,900 ERROR shop.Pay - the bank refused the card\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    Path("good.log").write_text(GOOD)
    Path("bad.log").write_text(GOOD + BROKEN)
    return tmp_path


def test_two_logs_give_the_findings_on_stdout(here, capsys):
    assert run(["diff", "good.log", "bad.log"]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].startswith("10 lines of bad.log against 9 lines of good.log")
    assert "bad.log:10  new" in shown
    assert "10 | 2024-05-02 08:00:09,900 ERROR shop.Pay - the bank refused the card" in shown
    assert "\x1b" not in shown


def test_the_same_log_twice_has_nothing_to_show(here, capsys):
    assert run(["diff", "good.log", "good.log", "--fail-on", "findings"]) == 0
    assert "Nothing in it is unusual" in capsys.readouterr().out


def test_context_and_colour_are_as_asked(here, capsys):
    run(["diff", "good.log", "bad.log", "-C", "0", "--color", "always"])
    shown = capsys.readouterr().out
    assert "cart 8 opened" not in shown
    assert "\x1b[31m" in shown


def test_a_pattern_with_blanks_and_commas_is_one_pattern_as_in_load(here, capsys):
    Path("good.log").write_text("INFO cart of kim jones opened\n")
    Path("bad.log").write_text("INFO cart of ada smith opened\n")
    pattern = "of (?P<value>[a-z]{2,9} [a-z]{2,9}) opened"
    assert run(["diff", "good.log", "bad.log", "--variable", pattern, "--fail-on", "findings"]) == 0
    assert run(["diff", "good.log", "bad.log", "--fail-on", "findings"]) == 3


def test_json_is_one_document(here, capsys):
    assert run(["diff", "good.log", "bad.log", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["target"] == {"path": "bad.log", "lines": 10}
    assert values["findings"][0]["text"] == BROKEN.strip()


def test_several_bad_logs_take_the_good_one_as_an_option(here, capsys):
    Path("worse.log").write_text(GOOD + BROKEN)
    assert run(["diff", "bad.log", "worse.log", "--baseline", "good.log"]) == 0
    assert "Shared by several of 2 bad runs:" in capsys.readouterr().out


def test_findings_fail_a_check_where_asked(here, capsys):
    assert run(["diff", "good.log", "bad.log", "--fail-on", "new"]) == 3
    assert "1 new finding " in capsys.readouterr().err
    Path("short.log").write_text(
        "".join(f"{word} is running\n" for word in ["cart", "bank", "order", "card", "user", "mail"])
    )
    Path("shorter.log").write_text("cart is running\nbank is running\n")
    assert run(["diff", "short.log", "shorter.log", "--fail-on", "new"]) == 0
    assert run(["diff", "short.log", "shorter.log", "--fail-on", "findings"]) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["good.log"],
        ["good.log", ""],
        ["good.log", "bad.log", "--fail-on", "x"],
        ["good.log", "bad.log", "--top", "0"],
        ["good.log", "bad.log", "--color", "blue"],
        ["good.log", "bad.log", "--add-ignore", "0a"],
        ["good.log", "bad.log", "--add-ignore", "0a", "--ignore-file", "i.yml"],
    ],
)
def test_what_does_not_fit_is_wrong_usage(here, arguments, capsys):
    assert run(["diff", *arguments]) == 2
    assert capsys.readouterr().err.startswith("lo2: ")


def test_a_missing_log_and_a_missing_ignore_file_are_input_errors(here, capsys):
    assert run(["diff", "good.log", "nothing.log"]) == 4
    assert run(["diff", "good.log", "bad.log", "--ignore-file", "none.yml"]) == 4


def test_an_accepted_finding_is_left_out_from_then_on(here, capsys):
    run(["diff", "good.log", "bad.log", "--json"])
    name = json.loads(capsys.readouterr().out)["findings"][0]["template"]
    accept = ["--ignore-file", "accepted.yml", "--add-ignore", name, "--reason", "the bank is down at night"]
    assert run(["diff", "good.log", "bad.log", *accept]) == 0
    text = Path("accepted.yml").read_text()
    assert "the bank is down at night" in text
    assert "ERROR shop.Pay the bank refused the card" in text
    capsys.readouterr()
    assert run(["diff", "good.log", "bad.log", "--ignore-file", "accepted.yml", "--fail-on", "findings"]) == 0
    assert "1 finding accepted before" in capsys.readouterr().out
    run(["diff", "good.log", "good.log", "--ignore-file", "accepted.yml"])
    assert f"{name} (the bank is down at night) no longer matches" in capsys.readouterr().out


def test_an_ignore_file_that_is_none_is_refused(here):
    Path("accepted.yml").write_text("!!python/object/apply:os.system ['touch pwned']\n")
    assert run(["diff", "good.log", "bad.log", "--ignore-file", "accepted.yml"]) == 4
    assert not Path("pwned").exists()


def test_a_saved_baseline_stands_for_the_good_logs(here, capsys):
    assert run(["diff", "good.log", "bad.log", "--save-baseline", "week.json", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    Path("good.log").unlink()
    assert run(["diff", "week.json", "bad.log", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == first
    Path("week.json").write_text(Path("week.json").read_text()[:-30])
    assert run(["diff", "week.json", "bad.log"]) == 4


def test_a_saved_baseline_of_a_tree_pairs_as_the_tree_does(here, capsys):
    for run_name, cases in (("good", ("login", "order")), ("bad", ("login", "order"))):
        for case in cases:
            place = Path(run_name) / f"{run_name}-night" / case
            place.mkdir(parents=True)
            lines = [f"INFO {case} step {step} of the flow" for step in ("one", "two", "three")]
            refused = ["ERROR the bank refused the card"] if run_name == "bad" and case == "order" else []
            (place / "web.log").write_text("\n".join([*lines, *refused]) + "\n")
    assert run(["diff", "good", "bad", "--save-baseline", "week.json", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert [(one["service"], one["kind"]) for one in first["findings"]] == [("order/web", "new")]
    assert run(["diff", "week.json", "bad", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == first


def test_page_and_test_report_are_written(here, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    assert run(["diff", "good.log", "bad.log", "--html", "page.html", "--junit", "report.xml", "-q"]) == 0
    assert "the bank refused the card" in Path("page.html").read_text()
    assert 'timestamp="2026-01-01T00:00:00"' in Path("report.xml").read_text()


def test_the_summary_of_a_step_goes_where_the_server_says(here, capsys, monkeypatch):
    assert run(["diff", "good.log", "bad.log", "--github"]) == 0
    assert capsys.readouterr().out.startswith("### lo2 diff: 1 finding")
    Path("step.md").write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "step.md")
    assert run(["diff", "good.log", "bad.log", "--github"]) == 0
    assert Path("step.md").read_text().startswith("before\n### lo2 diff: 1 finding")
    assert "bad.log:10  new" in capsys.readouterr().out


def test_standard_input_is_a_side(here):
    arguments = [sys.executable, "-m", "lo2", "diff", "good.log", "-", "--json"]
    done = subprocess.run(arguments, input=GOOD + BROKEN, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["findings"][0]["line"] == 10


def test_equal_input_gives_equal_bytes(here, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    outputs = []
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        arguments = [sys.executable, "-m", "lo2", "diff", "good.log", "bad.log", "--html", f"{seed}.html", "-q"]
        done = subprocess.run(arguments, capture_output=True, check=True)
        outputs.append((done.stdout, Path(f"{seed}.html").read_bytes()))
    assert outputs[0] == outputs[1]
