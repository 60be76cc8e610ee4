"""What a row of a table belongs to is said once: splits and measures agree on rows without a run."""

import numpy as np
import polars as pl

from lo2.evaluation.counts import count_flagged
from lo2.evaluation.merging import TestRows
from lo2.evaluation.runs import judge_runs
from lo2.evaluation.shortcuts import PANEL
from lo2.evaluation.warnings import figure_warnings
from lo2.explain.earliest import earliest_lines
from lo2.models.split import split_runs
from lo2.pipeline.findings import find_odd_test_runs
from lo2.rows import run_names, service_names
from lo2.schema import predictions_table

TABLE = pl.DataFrame(
    {
        "seq_id": ["a", "b", "c", "d", "e"],
        "run": ["1", None, None, "2", "2"],
        "service": ["web", None, "web", "db", "db"],
        "anomaly": [False] * 5,
    }
)


def test_rows_without_a_run_are_runs_of_their_own_for_everybody():
    assert run_names(TABLE).to_list() == ["1", "b", "c", "2", "2"]
    sides = split_runs(TABLE)
    assert sides.filter(TABLE["run"] == "2").n_unique() == 1
    assert sorted(sides.to_list()).count("test") in (1, 2)
    schema = {name: column.dtype for name, column in predictions_table("if").items()}
    frame = TABLE.with_columns(
        pl.lit("test").alias("split"), score_if=pl.Series(np.arange(5.0)), pred_if_threshold=pl.lit(value=False)
    )
    missing = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in frame.columns]
    rows = TestRows.from_predictions(frame.with_columns(missing), model="if")
    assert rows.runs.tolist() == run_names(TABLE).to_list()
    assert rows.services.tolist() == service_names(TABLE).to_list()


def test_a_table_without_runs_or_services_has_one_run_per_sequence_and_no_names():
    plain = TABLE.select("seq_id")
    assert run_names(plain).to_list() == ["a", "b", "c", "d", "e"]
    assert service_names(plain).to_list() == [""] * 5


def test_verdicts_counts_and_findings_agree_on_rows_without_a_run():
    facts = {"test_case": "all", "normal": ~TABLE["anomaly"], "p_value": 0.5, "score": 1.0, "n_error": 0.0}
    judged = judge_runs(
        TABLE.with_columns(run_names(TABLE), **{k: pl.lit(v) if k != "normal" else v for k, v in facts.items()})
    )
    predictions = TABLE.with_columns(test_case=pl.lit("all"), split=pl.lit("test"), flagged_if=pl.lit(value=False))
    assert sorted(judged.frame["run"]) == ["1", "2", "b", "c"]
    assert count_flagged(predictions, model="if", runs=judged).runs == judged.frame.height
    shortcut = {"detector": "seq_len", "auc": 1.0, "low": 1.0, "high": 1.0, "inverted": False}
    (said,) = figure_warnings(
        {"if": predictions.with_columns(score_if=0.5)}, {}, pl.DataFrame([shortcut], PANEL), {}, {}
    )[-1:]
    assert "on 4 test runs" in said
    assert sorted(find_odd_test_runs(judged.frame, predictions).frame["run"]) == ["1", "2", "b", "c"]
    lines = pl.DataFrame(
        {"seq_id": "b", "contribution": 1.0, "first_time": None, "file": "b.log", "line": 3, "text": "x"}
    )
    named = earliest_lines(judged.frame, predictions, lines).filter(pl.col("earliest_line").is_not_null())
    assert named["run"].to_list() == ["b"]
