"""Values of the report: read from artefacts, capped and worded as promised."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from lo2.artefacts import provenance
from lo2.artefacts.layout import Home
from lo2.errors import InputError, InputNotFoundError, SchemaError
from lo2.report import ReportOptions, ReportSummary, summarise
from lo2.report.detectors import curves, distribution
from lo2.report.values import Bar, Card, Cell, Panel
from lo2.report.verdict import judge
from lo2.visible import visible

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)> \u202egnp.exe\x07"
MakeHome = Callable[..., Home]


@pytest.fixture(scope="module")
def summary(state: Home) -> ReportSummary:
    return summarise(state)


def test_the_overview_counts_what_was_loaded_and_what_was_not(summary: ReportSummary) -> None:
    data = {fact.label: fact for fact in summary.data}
    assert data["sequences"].value == "96"
    assert data["sequences"].note == "24 normal, 72 anomalous"
    assert data["bytes read"].value == "1.23 MB"
    assert data["dates (UTC)"].value == "2025-02-01"
    skipped = {fact.label: fact for fact in summary.skipped}
    assert skipped["unreadable files"].note == "a/b/token.log: EOFError: cut"
    assert skipped["bytes replaced"].value == "7"
    assert "empty files" in skipped["none of"].value


def test_detectors_stand_by_their_auc_with_their_own_figures(summary: ReportSummary) -> None:
    best, forest = summary.detectors
    assert (best.name, forest.name) == ("knn_words", "if")
    assert best.metric("auc").value == pytest.approx(0.806, abs=0.001)
    assert best.metric("no_such_metric").why == "not measured"
    assert best.prevalence == pytest.approx(2 / 3)  # of the traced rows: 12 anomalous, 6 normal
    assert dict(forest.tokens)["ERR12014"] == 0.5
    assert {fact.label: fact.value for fact in forest.facts}["threshold"] == "1.6"


def test_shortcuts_of_every_service_stand_beside_the_merged_ones(summary: ReportSummary) -> None:
    assert [(panel.service, panel.traced) for panel in summary.panels] == [
        ("", True),
        ("", False),
        ("client", True),
        ("token", True),
    ]
    kinds = {bar.name: bar.kind for bar in summary.panels[0].bars}
    assert (kinds["knn_words"], kinds["seq_len"], kinds["label_shuffle"]) == ("detector", "shortcut", "null")


def test_faults_without_a_trace_are_marked_on_every_card(summary: ReportSummary) -> None:
    assert [card.detector for card in summary.cards] == ["knn_words", "if"]
    signals = {case: {cell.signal for cell in cells if cell} for case, cells in summary.cards[0].rows}
    assert signals == {"get_token_404": {True}, "too_short_400": {False}, "wrong_secret_401": {True}}
    assert "`too_short_400`" in summary.verdict.sentences[-1]


def test_details_hold_tokens_lines_and_the_contrast_to_the_nearest_normal(summary: ReportSummary) -> None:
    first = summary.explorer.details[0]
    assert first.row.seq_id == summary.explorer.rows[0].seq_id
    why = next(one for one in first.explanations if one.detector == "knn_words")
    assert why.tokens[0] == ("ERR12014", 0.5)
    assert why.lines[0].text.startswith("=ERROR ")
    assert (why.lines[0].file, why.lines[0].number) == ("run/case/token.log", 42)
    assert why.neighbour is not None
    assert why.neighbour.differences == (("up | ERR", 0.5, 0.0), (visible(HOSTILE), 0.1, 0.01), ("gone", 0.0, 0.25))
    assert why.neighbour.note == "The order of events parts at 17: a | normal: b."


def test_a_capped_page_keeps_the_mistakes_and_says_what_it_left_out(state: Home) -> None:
    explorer = summarise(state, ReportOptions(report_rows=5, report_mistakes=3, report_details=2)).explorer
    wrong = [row for row in explorer.rows[5:] if row.anomaly != row.ratings[0].flagged]
    assert len(explorer.rows) == 5 + len(wrong)
    assert sum(row.anomaly is True and not row.ratings[0].flagged for row in explorer.rows) == 3
    assert explorer.notes[0].startswith(
        f"This page holds {len(explorer.rows)} of 96 sequences: the first 5 by rank of knn_words"
    )
    assert explorer.notes[1] == "2 sequences have a detail view: the first of those that lo2 explain covered."


def test_an_empty_log_that_ranks_first_has_a_detail_view_though_no_line_explains_it(
    tmp_path: Path, make_home: MakeHome
) -> None:
    home = make_home(tmp_path)
    first = summarise(home).explorer.rows[0].seq_id
    lines, nearest = (home.path(name, model="knn_words") for name in ("line_attribution", "nn_mapping"))
    pl.read_csv(lines).filter(pl.col("seq_id") != first).write_csv(lines)
    alone = pl.when(pl.col("seq_id") != first).then("normal_seq_id").alias("normal_seq_id")
    pl.read_csv(nearest).with_columns(alone).write_csv(nearest)
    provenance.record(home, phase="explain", options={}, seed=0, input_fingerprint=None, written=[lines, nearest])
    assert summarise(home, ReportOptions(report_details=2)).explorer.rows[0].detail == 1


def test_raw_text_is_masked_before_it_reaches_a_page(tmp_path: Path, make_home: MakeHome) -> None:
    home = make_home(tmp_path)
    path = home.path("line_attribution", model="knn_words")
    secret = "Basic Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4"
    path.write_text(path.read_text().replace("=ERROR", secret))
    options = {"show_raw": True}
    provenance.record(home, phase="explain", options=options, seed=0, input_fingerprint=None, written=[path])
    texts = [line.text for d in summarise(home).explorer.details for why in d.explanations for line in why.lines]
    assert any("Basic <*>" in text for text in texts)
    assert not any(secret in text for text in texts)


def test_sequences_alone_give_a_report_that_says_what_is_missing(tmp_path: Path, state: Home) -> None:
    home = Home(tmp_path, tmp_path / "models")
    home.path("sequences").write_bytes(state.path("sequences").read_bytes())
    summary = summarise(home)
    assert summary.verdict.tone == "unknown"
    assert summary.detectors == ()
    assert summary.explorer.notes == ("No predictions yet: run lo2 detect.",)
    assert {section for section, _ in summary.notes} == {"overview", "detectors", "card"}


def test_missing_sequences_and_foreign_columns_are_named(tmp_path: Path, state: Home) -> None:
    home = Home(tmp_path, tmp_path / "models")
    with pytest.raises(InputNotFoundError, match="Run lo2 load"):
        summarise(home)
    home.path("sequences").write_bytes(state.path("sequences").read_bytes())
    pl.DataFrame({"seq_id": ["a"]}).write_parquet(home.path("predictions"))
    with pytest.raises(SchemaError, match=r"lo2_if_predictions.parquet: column 'run'"):
        summarise(home)
    home.path("predictions").unlink()
    home.path("quality").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        summarise(home)


def test_a_band_encloses_its_curve_and_histograms_sum_to_one(state: Home) -> None:
    from lo2.evaluation.merging import TestRows

    table = pl.read_parquet(state.path("predictions", model="knn_words"))
    roc, pr = curves(TestRows.of(table, model="knn_words"), resamples=100)
    assert roc.points[0] == (0.0, 0.0)
    assert roc.points[-1] == (1.0, 1.0)
    assert pr.points[-1] == (1.0, 0.75)
    assert all(low[1] <= high[1] for low, high in zip(roc.low, roc.high, strict=True))
    silent = (pl.col("test_case") == "too_short_400") & (pl.col("split") == "test")
    drawn = distribution(table, table.filter(~silent), model="knn_words", threshold=1.6)
    assert drawn is not None
    assert [group.label for group in drawn.groups] == [
        "hold-out, normal",
        "test, normal",
        "test, fault with trace",
        "test, fault, no trace",
    ]
    assert [round(sum(group.shares), 3) for group in drawn.groups] == [1, 1, 1, 1]
    assert [group.n for group in drawn.groups] == [6, 6, 12, 6]


def test_a_sequence_without_neighbour_says_why(tmp_path: Path, make_home: MakeHome) -> None:
    home = make_home(tmp_path)
    path = home.path("nn_mapping", model="knn_words")
    frame = pl.read_csv(path).with_columns(normal_seq_id=pl.lit(None, pl.String), missing=pl.lit("no normal of key"))
    frame.write_csv(path)
    why = next(one for one in summarise(home).explorer.details[0].explanations if one.detector == "knn_words")
    assert why.neighbour is not None
    assert (why.neighbour.note, why.neighbour.differences) == ("no normal of key", ())


def bar(name: str, auc: float, *, kind: str = "detector", clears: bool | None = None, low: float | None = None) -> Bar:
    return Bar(name, kind, auc, auc - 0.05 if low is None else low, min(auc + 0.05, 1.0), clears, auc < 0.3)


def panel(service: str, *bars: Bar) -> Panel:
    return Panel(service, bars)


def test_an_honest_a_mixed_and_a_leaking_run_tell_different_stories() -> None:
    length = bar("seq_len", 0.6, kind="shortcut")
    good = judge([panel("", bar("knn_words", 0.97, clears=True), length)], [])
    assert (good.tone, good.headline[:12]) == ("good", "`knn_words` ")
    mixed = judge([panel("", bar("knn_words", 0.97, clears=True), bar("if", 0.55, clears=False), length)], [])
    assert mixed.tone == "mixed"
    assert mixed.headline.endswith("1 of 2 detectors does not.")
    bad = judge([panel("", bar("if", 0.55, clears=False), length)], [])
    assert (bad.tone, bad.headline) == ("bad", "No detector clears the best shortcut (file length, AUC 0.60).")
    leak = judge([panel("", bar("if", 0.99, clears=True), bar("duration_sec", 0.98, kind="shortcut"))], [])
    assert leak.tone == "leak"
    assert "the duration alone reaches an AUC of 0.98" in leak.headline


def test_the_verdict_names_services_and_the_shortcut_that_is_not_cleared() -> None:
    merged = panel("", bar("if", 0.8, clears=True), bar("seq_len", 0.6, kind="shortcut"))
    key = panel("key", bar("if", 0.62, clears=False), bar("seq_len", 0.64, kind="shortcut"))
    user = panel("user", bar("if", 0.52, clears=False), bar("seq_len", 0.4, kind="shortcut"))
    token = panel("token", bar("if", 0.95, clears=True), bar("seq_len", 0.6, kind="shortcut"))
    sentence = judge([merged, key, token, user], []).sentences[0]
    assert "separates errors from normal runs on 1 of 3 services" in sentence
    assert "it does not clear the file length shortcut on `key`, nor chance with certainty on `user`." in sentence


def test_figures_of_traced_rows_say_what_they_leave_out() -> None:
    traced = replace(panel("", bar("if", 0.9, clears=True)), traced=True)
    sentences = judge([traced, panel("", bar("if", 0.55, clears=False))], []).sentences
    assert "over all test sequences, silent ones included, `if` has an AUC of 0.55" in sentences[-1]


def test_a_ranking_the_wrong_way_round_is_said() -> None:
    assert any("wrong way round" in one for one in judge([panel("", bar("if", 0.1, clears=False))], []).sentences)


def test_only_faults_silent_in_every_log_count_as_traceless() -> None:
    quiet, loud = Cell(3, False, 0.0, 0.5, 0.4, 0.6), Cell(3, True, 1.0, 1.0, 0.9, 1.0)
    card = Card(
        "if",
        ("key", "token"),
        (("silent", (quiet, quiet)), ("heard", (quiet, loud)), ("unknown", (quiet, replace(quiet, signal=None)))),
    )
    *_, found, silent, unknown = judge([panel("", bar("if", 0.8, clears=True))], [card]).sentences
    assert found.startswith("Of the faults that leave a trace in some log, `if` finds 1 of 1 there")
    assert silent == "The logs hold no trace of `silent`: nothing can find it there."
    assert unknown == "There are too few sequences to tell whether the logs hold a trace of `unknown`."
