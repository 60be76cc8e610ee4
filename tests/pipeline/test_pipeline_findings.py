"""Findings of odd runs against training normals: what is compared, what is not, and why."""

import polars as pl
import pytest

from lo2.features.templates import template_id
from lo2.features.variables import Variables
from lo2.loading.inventory import LoadOptions, take_inventory
from lo2.pipeline.findings import COMPARED, OddRuns, find_odd_test_runs, findings_of_flagged, training_baseline
from lo2.pipeline.reference import SHOWN_RUNS, TrainingReference, make_reference

GOOD = [f"2024-05-01 08:00:{i:02d},120 INFO shop.Cart - cart {i} opened" for i in range(20)]
BROKEN = [
    "2024-05-01 08:00:30,120 ERROR shop.Pay - bank refused order 17",
    "java.net.SocketTimeoutException: connect timed out",
    "\tat shop.Bank.call(Bank.java:81)",
]
OPENED = "cart <*> opened"


def normals(*runs: str, count: int = 20) -> pl.DataFrame:
    known = template_id(OPENED)
    return pl.DataFrame(
        {
            "run": list(runs),
            "test_case": ["all"] * len(runs),
            "seq_id": list(runs),
            "service": ["web"] * len(runs),
            "seq_len": [count] * len(runs),
            "e_words": [["x"]] * len(runs),
            "e_event_drain_id": [[known]] * len(runs),
            "e_event_drain_id_count": [[count]] * len(runs),
        }
    )


def reference_of(rows: pl.DataFrame, texts: dict[str, str]) -> TrainingReference:
    return make_reference(rows, pl.Series(["train"] * rows.height), texts, Variables())


def runs(*p_values: float) -> pl.DataFrame:
    names = [f"run{i}" for i in range(len(p_values))]
    frame = {"run": names, "test_case": ["all"] * len(names), "p_value": list(p_values)}
    return pl.DataFrame({**frame, "earliest_service": ["web"] * len(names)})


@pytest.fixture
def tree(tmp_path):
    """``tree(lines, lines...)``: an inventory of runs with these lines."""

    def make(*logs: list[str]):
        for i, lines in enumerate(logs):
            (tmp_path / f"run{i}").mkdir()
            (tmp_path / f"run{i}" / "web.log").write_text("\n".join(lines) + "\n")
        return take_inventory(tmp_path, LoadOptions(profile="tree", unlabelled=True))

    return make


def test_a_flagged_run_shows_the_lines_that_no_training_run_has_with_their_traces(tree):
    found = findings_of_flagged(
        reference_of(normals("a", "b"), {template_id(OPENED): OPENED}),
        OddRuns(runs(0.01, 0.6), 30),
        tree(GOOD + BROKEN, GOOD + BROKEN),
        command="run",
    )
    assert [path for path, _ in found.targets] == ["run0"]
    assert [(one.kind, one.file, one.line, one.end_line) for one in found.findings] == [("new", "run0/web.log", 21, 23)]
    assert found.findings[0].text == "\n".join(BROKEN)
    assert found.findings[0].template == template_id("bank refused order <*>")
    assert [one.flagged for one in found.runs] == [True, False]


def test_known_lines_and_start_up_are_no_findings(tree):
    start = "2024-05-01 08:00:00,100 INFO com.networknt.server.Server startup - ready"
    found = findings_of_flagged(
        reference_of(normals("a"), {template_id(OPENED): OPENED}),
        OddRuns(runs(0.01), 30),
        tree([*GOOD, start]),
        command="run",
    )
    assert (found.findings, found.why) == ((), "")


def test_a_template_whose_text_was_left_out_is_known_by_its_id(tree):
    found = findings_of_flagged(reference_of(normals("a"), {}), OddRuns(runs(0.01), 30), tree(GOOD), command="run")
    assert found.findings == ()


def test_a_service_that_every_training_run_has_and_the_odd_one_lacks_is_gone(tree):
    known = normals("a", "b")
    both = pl.concat([known, known.with_columns(service=pl.lit("db"))])
    found = findings_of_flagged(
        reference_of(both, {template_id(OPENED): OPENED}), OddRuns(runs(0.01), 30), tree(GOOD), command="run"
    )
    assert [(one.kind, one.service) for one in found.findings] == [("gone", "db")]


def test_a_quiet_night_compares_nothing_and_says_so(tree):
    found = findings_of_flagged(
        reference_of(normals("a"), {template_id(OPENED): OPENED}), OddRuns(runs(0.5), 30), tree(GOOD), command="run"
    )
    assert (found.findings, found.targets, found.why) == ((), (), "no run stands out")


def test_where_no_run_is_flagged_as_a_whole_those_with_flagged_sequences_are_compared(tree):
    found = findings_of_flagged(
        reference_of(normals("a"), {template_id(OPENED): OPENED}),
        OddRuns(runs(0.06, 0.2, 0.3), 30, frozenset({("run1", "all")})),
        tree(GOOD, GOOD + BROKEN, GOOD),
        command="run",
    )
    assert [path for path, _ in found.targets] == ["run1"]
    assert len(found.findings) == 1
    assert [one.flagged for one in found.runs] == [False] * 3
    assert any("no run is flagged as a whole" in note for note in found.notes)


def test_with_too_few_normal_runs_the_first_ranks_are_compared_and_none_is_flagged(tree):
    found = findings_of_flagged(
        reference_of(normals("a"), {template_id(OPENED): OPENED}),
        OddRuns(runs(0.2, 0.3, 0.4, 0.5), 5),
        tree(*[GOOD + BROKEN] * 4),
        command="run",
    )
    assert len(found.targets) == 3
    assert {one.flagged for one in found.runs} == {None}
    assert any("too few normal runs" in note for note in found.notes)


def test_so_many_flagged_runs_are_compared_and_the_rest_is_counted(tree):
    n = COMPARED + 2
    found = findings_of_flagged(
        reference_of(normals("a"), {template_id(OPENED): OPENED}),
        OddRuns(runs(*[0.01] * n), 30),
        tree(*[GOOD] * n),
        command="run",
    )
    assert len(found.targets) == COMPARED
    assert found.notes == ("2 further runs that stand out are not compared line by line",)


def test_without_raw_logs_there_is_the_verdict_and_the_reason():
    found = findings_of_flagged(
        reference_of(normals("a"), {}), OddRuns(runs(0.01), 30), None, command="score", why="no raw logs"
    )
    assert (found.why, [one.flagged for one in found.runs]) == ("no raw logs", [True])


def test_only_runs_of_the_test_side_are_judged_and_normal_runs_of_all_sides_count():
    sides = {"run0": "train", "run1": "test", "run2": "test"}
    predictions = pl.DataFrame(
        {
            "run": list(sides),
            "test_case": ["all"] * 3,
            "split": list(sides.values()),
            "anomaly": [False, False, True],
        }
    )
    odd = find_odd_test_runs(runs(0.01, 0.02, 0.03), predictions)
    assert odd.frame["run"].to_list() == ["run1", "run2"]
    assert odd.n == 1  # of two normal runs each is judged by the other


def test_many_training_runs_are_thinned_evenly():
    many = normals(*[f"n{i:04d}" for i in range(1000)])
    assert (
        training_baseline(reference_of(many, {template_id(OPENED): OPENED})).services["web"].n_good_runs == SHOWN_RUNS
    )


def test_runs_that_keys_cut_from_one_file_are_read_once(tmp_path, monkeypatch):
    from lo2.pipeline import findings as module

    lines = [f"2024-05-01 08:00:{i:02d},120 INFO dfs.Node - got blk_{b}" for b in range(3) for i in range(5)]
    lines.append("2024-05-01 08:00:50,120 ERROR dfs.Node - lost blk_1 for ever and ever")
    (tmp_path / "day" / "all").mkdir(parents=True)
    (tmp_path / "day" / "all" / "web.log").write_text("\n".join(lines) + "\n")
    options = LoadOptions(profile="tree", group_by="blk_[0-9]+", unlabelled=True)
    read: list[int] = []
    real = module.read_shard_logs
    monkeypatch.setattr(
        module, "read_shard_logs", lambda files, *rest: (read.append(len(files)), real(files, *rest))[1]
    )
    frame = runs(0.01, 0.02).with_columns(run=pl.Series(["day.blk_1", "day.blk_2"]))
    text = "got <*>"
    known = normals("a", count=5).with_columns(e_event_drain_id=pl.Series([[template_id(text)]]))
    found = findings_of_flagged(
        reference_of(known, {template_id(text): text}),
        OddRuns(frame, 30),
        take_inventory(tmp_path, options),
        command="run",
    )
    assert read == [1]
    assert [(found.targets[one.target][0], one.line) for one in found.findings] == [("day.blk_1", 16)]
    assert isinstance(found.targets[0][1], int)
