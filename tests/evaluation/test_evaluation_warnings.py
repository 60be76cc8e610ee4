"""What is said aloud before anybody reads a figure."""

import numpy as np
import polars as pl

from lo2.evaluation.drift import drift, drift_sample
from lo2.evaluation.metric import Metric
from lo2.evaluation.shortcuts import PANEL
from lo2.evaluation.warnings import figure_warnings


def predictions(scores: np.ndarray, *, runs: int = 4) -> pl.DataFrame:
    n = scores.size
    return pl.DataFrame(
        {"seq_id": [f"s{i}" for i in range(n)], "run": [f"run{i % runs}" for i in range(n)], "service": ["app"] * n,
         "split": ["holdout" if i % runs == 0 else "test" for i in range(n)], "anomaly": [False] * n, "score_if": scores,
         "oov_share": [0.0] * n}
    )  # fmt: skip


def panel(high: float) -> pl.DataFrame:
    return pl.DataFrame([("seq_len", 0.9, 0.7, high, None, False)], schema=PANEL, orient="row")


def test_equal_scores_are_called_a_detector_that_ranks_nothing():
    found = figure_warnings({"if": predictions(np.zeros(20))}, {}, panel(0.9), {}, {})
    assert found == ["if: all 20 scores are equal: it ranks nothing, and none of them is suspicious"]
    assert figure_warnings({"if": predictions(np.arange(20.0))}, {}, panel(0.9), {}, {}) == []


def test_a_threshold_that_flags_every_normal_sequence_is_said():
    metrics = {"if": {"fp_rate_at_threshold": Metric(1.0, 1.0, 1.0, 12)}}
    found = figure_warnings({"if": predictions(np.arange(20.0))}, metrics, panel(0.9), {}, {})
    assert found == ["if: its threshold flags all 12 normal test sequences: do not read it"]


def test_a_shortcut_that_reaches_1_on_few_runs_decides_nothing():
    assert (
        "reaches 1.00 on 3 test runs"
        in figure_warnings({"if": predictions(np.arange(20.0))}, {}, panel(1.0), {}, {})[0]
    )
    many = predictions(np.arange(90.0), runs=30)
    assert figure_warnings({"if": many}, {}, panel(1.0), {}, {}) == []


def test_services_with_too_few_normals_are_named_once():
    reasons = {"if": {"api": "too few to tell (3 normal sequences)", "web": "too few to tell (2 normal sequences)"}}
    found = figure_warnings({"if": predictions(np.arange(20.0))}, {}, panel(0.9), {}, reasons)
    assert found == ["if: too few to tell (3 normal sequences) in api, and so in 1 more services: ranked, not flagged"]


def test_drift_beyond_a_quarter_and_chance_is_loud_and_less_is_not():
    generator = np.random.default_rng(0)
    before, same, later = (
        drift_sample(predictions(generator.normal(shift, size=800)), model="if", split="test") for shift in (0, 0, 1.5)
    )
    assert drift(before, same).loud == ()
    assert (
        drift(before, later).loud[0].startswith("drift: scores of later normal sequences are not those of the hold-out")
    )
    assert drift(before, later).breaches == ()
