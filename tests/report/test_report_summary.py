"""Values of the report: read from artefacts, capped and worded as promised."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from lo2.artefacts.layout import Home
from lo2.errors import InputError, InputNotFoundError, SchemaError
from lo2.evaluation.curves import ranking_curves, score_distribution
from lo2.report.html import render_html
from lo2.report.options import ReportOptions
from lo2.report.sources import Sources
from lo2.report.summary import summarise
from lo2.report.values import ReportSummary

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)> \u202egnp.exe\x07"
MakeHome = Callable[..., Home]


@pytest.fixture(scope="module")
def summary(state: Home) -> ReportSummary:
    return summarise(Sources.from_home(state))


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


def test_the_leading_detector_stands_first_with_its_own_figures(summary: ReportSummary) -> None:
    first, forest = summary.detectors
    assert (first.name, forest.name) == ("knn_words", "if")
    assert first.figures.metric("auc").value == pytest.approx(0.843, abs=0.001)
    assert first.figures.metric("no_such_metric").why == "not measured"
    assert first.figures.prevalence == pytest.approx(2 / 3)  # of the detectable rows: 12 anomalous, 6 normal
    assert dict(forest.tokens)["ERR12014"] == 0.5
    assert {fact.label: fact.value for fact in forest.facts}["threshold"] == "1.6"


def test_tiles_and_sentence_say_the_same_counts(summary: ReportSummary) -> None:
    counts, tiles = summary.counts, {fact.label: fact for fact in summary.tiles}
    assert counts is not None
    assert (counts.labelled, counts.logs, counts.normals, counts.faults, counts.silent) == (True, 24, 6, 2, 1)
    assert tiles["flagged"].value == str(counts.flagged)
    assert summary.verdict.found.startswith(
        f"{counts.flagged} of 24 logs flagged; {counts.found} of 2 detectable faults"
    )
    assert tiles["false alarms"].note == "of 6 normal test logs"


def test_the_first_three_findings_are_of_different_faults_and_runs(summary: ReportSummary) -> None:
    first = [one.row for one in summary.findings[:3]]
    assert len({row.run for row in first}) == 3
    assert len({row.test_case for row in first}) >= 2
    assert {row.split for row in first} == {"test"}
    assert {row.outcome for row in first} == {"found"}
    assert all(row.detail for row in first)


def test_shortcuts_of_every_service_stand_beside_the_merged_ones(summary: ReportSummary) -> None:
    assert [(panel.service, panel.detectable) for panel in summary.panels] == [
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
    assert signals == {
        "get_token_404": {True},
        "too_short_400": {False},
        "authorization_code_invalid_password_401": {True},
    }
    assert "`too_short_400`" in summary.verdict.sentences[-1]


def test_details_hold_lines_tokens_and_the_contrast_to_the_nearest_normal(summary: ReportSummary) -> None:
    first = summary.explorer.details[0]
    assert first.row.seq_id == summary.explorer.rows[0].seq_id
    why = next(one for one in first.explanations if one.detector == "knn_words").why
    assert why.tokens == (("ERR12014", 0.5), (HOSTILE, -0.25))  # neither "at" nor "-"
    assert why.lines[0].text.startswith("=ERROR ")
    assert (why.lines[0].file, why.lines[0].number) == ("run/case/token.log", 42)
    assert why.neighbour is not None
    assert [(one.text, one.here) for one in why.neighbour.differences] == [
        ("up | ERR", 0.5),
        (HOSTILE, 0.1),
        ("gone", 0),
    ]
    assert why.neighbour.parts_at == "17: a | normal: b"


def test_every_flagged_row_has_a_detail_the_last_ones_a_short_one(state: Home) -> None:
    explorer = summarise(Sources.from_home(state), ReportOptions(report_details=4)).explorer
    flagged = [row for row in explorer.rows if row.ratings[0].flagged and row.split != "train"]
    assert len(flagged) > 4
    assert all(row.detail for row in flagged)
    in_full = [detail.row for detail in explorer.details if not detail.brief]
    assert [row.split for row in in_full] == ["test"] * 4
    assert in_full == [row for row in flagged if row.split == "test"][:4]
    short = next(detail for detail in explorer.details if detail.brief).explanations
    assert [one.detector for one in short] == ["knn_words"]
    assert short[0].why.lines
    assert not short[0].why.tokens
    assert "are short" in explorer.notes[-1]


def test_a_capped_page_keeps_the_mistakes_and_says_what_it_left_out(state: Home) -> None:
    options = ReportOptions(report_rows=5, report_mistakes=3)
    explorer = summarise(Sources.from_home(state), options).explorer
    assert sum(row.outcome == "missed" for row in explorer.rows[5:]) == 3
    assert 5 < len(explorer.rows) <= 14
    assert explorer.notes[0].startswith(
        f"This page holds {len(explorer.rows)} of 96 sequences: the first 5 by rank of knn_words"
    )


def test_a_p_value_at_its_floor_says_so(tmp_path: Path, make_home: MakeHome) -> None:
    home = make_home(tmp_path)
    path = home.path("predictions", model="knn_words")
    frame = pl.read_parquet(path)
    floor = pl.col("p_value_knn_words").clip(lower_bound=1 / 13).alias("p_value_knn_words")  # 12 normals a service
    frame.with_columns(floor).write_parquet(path)
    ratings = [row.ratings[0] for row in summarise(Sources.from_home(home)).explorer.rows]
    assert {one.least for one in ratings if one.p_value is not None and one.p_value < 0.0770} == {True}
    assert {one.least for one in ratings if one.p_value is not None and one.p_value > 0.0770} == {False}


def test_a_secret_in_a_line_is_counted_and_said(tmp_path: Path, make_home: MakeHome) -> None:
    home = make_home(tmp_path)
    path = home.path("explanation")
    path.write_text(path.read_text().replace("=ERROR", "Basic Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4"))
    summary = summarise(Sources.from_home(home))
    assert summary.secrets == 1
    assert "1 of its lines hold what looks like a secret" in render_html(summary)
    assert "no known pattern found" not in render_html(summary)


def test_sequences_alone_give_a_report_that_says_what_is_missing(tmp_path: Path, state: Home) -> None:
    home = Home(tmp_path, tmp_path / "models")
    home.path("sequences").write_bytes(state.path("sequences").read_bytes())
    summary = summarise(Sources.from_home(home))
    assert summary.verdict.tone == "unknown"
    assert summary.detectors == ()
    assert summary.explorer.notes == ("No predictions yet: run lo2 detect.",)
    assert {section for section, _ in summary.notes} == {"data", "evaluation", "findings"}


def test_missing_sequences_and_foreign_columns_are_named(tmp_path: Path, state: Home) -> None:
    home = Home(tmp_path, tmp_path / "models")
    with pytest.raises(InputNotFoundError, match="Run lo2 load"):
        summarise(Sources.from_home(home))
    home.path("sequences").write_bytes(state.path("sequences").read_bytes())
    pl.DataFrame({"seq_id": ["a"], "start_time": ["2024-01-01"]}).write_parquet(home.path("sequences"))
    with pytest.raises(SchemaError, match="'start_time' is String, expected Datetime"):
        summarise(Sources.from_home(home))
    home.path("sequences").write_bytes(state.path("sequences").read_bytes())
    pl.DataFrame({"seq_id": ["a"]}).write_parquet(home.path("predictions"))
    with pytest.raises(SchemaError, match=r"lo2_if_predictions.parquet: column 'run'"):
        summarise(Sources.from_home(home))
    home.path("predictions").unlink()
    home.path("quality").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        summarise(Sources.from_home(home))


def test_a_band_encloses_its_curve_and_histograms_sum_to_one(state: Home) -> None:
    from lo2.evaluation.merging import TestRows

    table = pl.read_parquet(state.path("predictions", model="knn_words"))
    roc, pr = ranking_curves(TestRows.from_predictions(table, model="knn_words"))
    assert roc.points[0] == (0.0, 0.0)
    assert roc.points[-1] == (1.0, 1.0)
    assert pr.points[-1] == (1.0, 0.75)
    assert all(low[1] <= high[1] for low, high in zip(roc.low, roc.high, strict=True))
    silent = (pl.col("test_case") == "too_short_400") & (pl.col("split") == "test")
    drawn = score_distribution(table, table.filter(~silent), model="knn_words", threshold=1.6)
    assert drawn is not None
    assert [group.label for group in drawn.groups] == [
        "hold-out, normal",
        "test, normal",
        "test, fault with a trace",
        "test, fault, no trace",
    ]
    assert [round(sum(group.shares), 3) for group in drawn.groups] == [1, 1, 1, 1]
    assert [group.n for group in drawn.groups] == [6, 6, 12, 6]
