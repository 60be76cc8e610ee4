"""The closing screen: what it puts first, and that it says what the page says."""

from dataclasses import replace
from types import SimpleNamespace

from lo2.artefacts.scan import Scanned
from lo2.cli.closing import closing_found_lines, closing_screen
from lo2.cli.screen import Verbosity
from lo2.evaluation.figures import Counts, Verdict
from lo2.explain.document import Explained, Line
from lo2.report.reasons import reason_of_row, reasons_of_flagged
from lo2.report.values import Explorer, Rating, ReportSummary, SequenceRow


def row(
    run: str, case: str, service: str, rank: int, *, anomaly: bool | None = True, split: str = "test"
) -> SequenceRow:
    name = f"{run}__{case}__{service}"
    return SequenceRow(name, run, case, service, split, anomaly, (Rating(rank, 1.0 / rank, 0.03, True),))


def line(text: str, *, novel: int, number: int = 7) -> Line:
    return Line(text, 0.5, 1, "", "a.log", number, novel)


def why(*lines: Line) -> Explained:
    return Explained(lines, (("word", 0.5),), None)


def test_an_empty_log_leads_only_where_emptiness_is_the_finding_and_then_says_so():
    told, empty = row("r1", "x", "s", 2), row("r2", "y", "s", 1)
    nothing = Explained((), (), None)
    known = {told.seq_id: why(line("ERROR refused", novel=1)), empty.seq_id: nothing}
    common = [one.row for one in reasons_of_flagged([empty, told], known, ())]
    assert common == [told, empty]
    alone = reasons_of_flagged([empty], {empty.seq_id: nothing}, (empty.seq_id,))
    assert alone[0].line is None
    assert reason_of_row(empty, nothing, (empty.seq_id,)) == "the log is empty, normal ones of this service never are"


def test_an_error_that_normal_logs_hold_never_leads():
    background, new = row("r1", "x", "pay", 1), row("r2", "y", "cart", 2)
    known = {
        background.seq_id: why(line("ERROR pool exhausted, retry <*>", novel=0)),
        new.seq_id: why(line("ERROR pool exhausted, retry <*>", novel=0), line("WARN ledger out of step", novel=3)),
    }
    first, second = reasons_of_flagged([background, new], known, ())
    assert (first.row, first.line.text) == (new, "WARN ledger out of step")
    assert second.row == background


def test_three_hits_are_of_different_faults_and_runs_and_no_false_alarm():
    rows = [
        row("r1", "x", "s", 1), row("r1", "x", "s2", 2), row("r1", "y", "s", 3), row("r2", "x", "s", 4),
        row("r2", "y", "s", 5), row("r3", "z", "s", 6), row("r4", "correct", "s", 1, anomaly=False),
        row("r0", "w", "s", 1, split="unused"),
    ]  # fmt: skip
    known = {one.seq_id: why(line("ERROR new", novel=1)) for one in rows}
    found = [one.row for one in reasons_of_flagged(rows, known, ())]
    assert [(one.run, one.test_case) for one in found[:3]] == [("r1", "x"), ("r2", "y"), ("r3", "z")]
    assert found[-1].outcome == "false alarm"
    assert len(found) == 7


def test_where_nobody_can_tell_the_first_by_rank_are_shown():
    rows = [row(f"r{rank}", f"c{rank}", "s", rank) for rank in range(1, 15)]
    rows = [replace(one, ratings=(replace(one.ratings[0], flagged=None),)) for one in rows]
    known = {one.seq_id: why(line("INFO rare", novel=0)) for one in rows}
    assert [one.row.run for one in reasons_of_flagged(rows, known, ())][:3] == ["r1", "r2", "r3"]
    assert len(reasons_of_flagged(rows, known, ())) == 10


def test_without_labels_the_hits_are_of_different_services():
    rows = [row("n1", "all", "pay", 1, anomaly=None), row("n2", "all", "pay", 2, anomaly=None)]
    rows.append(row("n3", "all", "web", 3, anomaly=None))
    known = {one.seq_id: why(line("WARN new", novel=1)) for one in rows}
    assert [one.row.service for one in reasons_of_flagged(rows, known, ())] == ["pay", "web", "pay"]


def test_the_screen_says_what_was_found_then_the_hits_then_one_comparison():
    hit = row("r1", "get_404", "token", 1)
    known = {hit.seq_id: why(line("ERROR not found", novel=1))}
    counts = Counts("knn_words", True, 8, 1, 4, 0, 2, 1, 2, 1, 1, 0)
    verdict = Verdict("good", "1 of 8 logs flagged", "`knn_words` beats every shortcut.", (), ("too few runs",))
    summary = ReportSummary(
        1, "lo2", False, verdict, counts, (), reasons_of_flagged([hit], known, ()), (), (), (), (), (), (),
        Explorer(("knn_words",), (hit,), 1, ()), (), (),
    )  # fmt: skip
    assert list(closing_found_lines(summary)) == [
        "1 of 8 logs flagged",
        "!! too few runs",
        "",
        "1. get_404, log of token, r1",
        "   ERROR not found",
        "   a.log:7",
        "",
        "'knn_words' beats every shortcut.",
    ]


def test_a_hit_says_only_what_is_known_of_it():
    told = {
        row("r1", "", "", 1): "1. r1____, r1",
        replace(row("r1", "", "", 1), seq_id="r1"): "1. r1",
        row("r1", "get_404", "", 1): "1. get_404, r1",
        row("", "get_404", "token", 1, anomaly=None): "1. token",
        row("r1", "correct", "token", 1, anomaly=False): "1. correct, log of token, r1, a false alarm",
    }
    for one, line in told.items():
        verdict = Verdict("unknown", "1 of 8 logs flagged", "", ())
        done = finished().summary
        summary = replace(done, verdict=verdict, findings=reasons_of_flagged([one], {}, ()))
        assert list(closing_found_lines(summary)) == ["1 of 8 logs flagged", "", line, ""]


def finished(*problems: Scanned) -> SimpleNamespace:
    verdict = Verdict("unknown", "1 of 8 logs flagged", "", ())
    summary = ReportSummary(
        1, "lo2", False, verdict, None, (), (), (), (), (), (), (), (), Explorer((), (), 0, ()), (), ()
    )
    return SimpleNamespace(summary=summary, findings=list(problems), report="report.html")


def test_quiet_says_only_what_went_wrong(capsys):
    present = Scanned("sequences", "lo2_sequences_enhanced.parquet", "present", 9, required=True)
    missing = Scanned("templates", "lo2_templates.parquet", "missing", 0, required=True)
    closing_screen(finished(present), Verbosity(quiet=True))
    assert capsys.readouterr() == ("", "")
    closing_screen(finished(present, missing), Verbosity(quiet=True))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "1 need attention, lo2_templates.parquet first (missing)" in shown.err
    closing_screen(finished(present), Verbosity())
    assert capsys.readouterr().out.splitlines() == [
        "1 of 8 logs flagged", "1 required artefact, all present", "open report.html",
    ]  # fmt: skip
