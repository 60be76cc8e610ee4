"""Rows and runs judged where hold-outs are few, and where they are not."""

import numpy as np
import polars as pl
import pytest

from lo2.errors import UsageError
from lo2.pipeline.api import as_sequences
from lo2.pipeline.fitting import chosen_models, fit_models
from lo2.pipeline.options import DetectOptions
from models.corpora import corpus


def detection(frame: pl.DataFrame, *names: str, **options: object):
    return fit_models(names or ("knn_words",), as_sequences(frame), DetectOptions(**options))


def test_thirty_runs_with_six_holdouts_flag_the_faults_and_keep_the_promised_rate():
    rates, alarms = [], []
    for seed in range(4):
        found = detection(corpus(30, seed=seed))
        rows = found.predictions["knn_words"].filter(pl.col("split") != "train")
        assert rows.filter("anomaly")["flagged_knn_words"].all()
        rates.append(rows.filter(~pl.col("anomaly"))["flagged_knn_words"].mean())
        runs = found.runs["knn_words"]
        joined = runs.frame.join(runs.labels, on=["run", "test_case"])
        assert (joined.filter("anomaly")["p_value"] <= 0.05).all()
        alarms.append((joined.filter(~pl.col("anomaly"))["p_value"] <= 0.05).mean())
    assert np.mean(rates) <= 0.10  # 96 normal rows at a promised 0.05
    assert np.mean(alarms) <= 0.05


def test_p_values_are_null_on_training_rows_and_flags_too():
    frame = detection(corpus(12)).predictions["knn_words"]
    train = frame.filter(pl.col("split") == "train")
    assert train["p_value_knn_words"].null_count() == train["flagged_knn_words"].null_count() == train.height
    rest = frame.filter(pl.col("split") != "train")
    assert rest["p_value_knn_words"].null_count() == 0


def test_six_runs_are_ranked_and_not_flagged():
    found = detection(corpus(6), "knn_words", "if")
    for name in ("knn_words", "if"):
        assert found.predictions[name][f"flagged_{name}"].null_count() == found.predictions[name].height
        assert not found.runs[name].tellable
    assert any("too few to tell" in text for text in found.warnings)
    assert found.runs["knn_words"].frame["test_case"][0] == "fault"


def test_unlabelled_data_is_judged_and_every_labelled_metric_is_null_with_its_reason():
    for frame in (corpus(30).drop("anomaly"), corpus(30).with_columns(anomaly=pl.lit(value=False))):
        found = detection(frame)
        metrics = found.evaluation.headline["knn_words"]
        assert metrics["auc"].value is None
        assert metrics["auc"].why
        assert found.predictions["knn_words"]["flagged_knn_words"].sum() >= 0
        assert found.runs["knn_words"].frame.height == 60


def test_bundles_judge_new_runs_by_what_they_remember():
    found = detection(corpus(30))
    reference = found.fitted["knn_words"].reference
    assert reference.runs.size == 30
    assert {name: one.size for name, one in reference.normal.items()} == {"code": 24, "token": 24}
    assert reference.holdout["code"].size == 6


def test_the_recommended_detector_comes_first_and_can_be_left_out():
    assert chosen_models(DetectOptions()) == ("knn_words", "if")
    assert chosen_models(DetectOptions(skip_knn=True)) == ("if",)
    assert chosen_models(DetectOptions(skip_if=True, models=("knn_words",))) == ("knn_words",)
    assert chosen_models(DetectOptions(models=("stable",))) == ("knn_words", "if")
    every = chosen_models(DetectOptions(models=("all",), skip_if=True))
    assert every[0] == "knn_words"
    assert "if" not in every
    assert "if_binary_words" not in every
    with pytest.raises(UsageError, match="leave no model"):
        chosen_models(DetectOptions(skip_if=True, skip_knn=True))
