"""Headline metrics: their names, the rows they rest on, their reasons; rows of several services in one ranking."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from lo2.errors import UsageError
from lo2.evaluation.comparison import compare_predictions
from lo2.evaluation.headline import headline, headline_by_service
from lo2.evaluation.merging import merged_score
from lo2.evaluation.metric import Metric, metrics_frame
from lo2.evaluation.options import ScoreOptions

FEW = ScoreOptions(resamples=200)


def test_the_names_are_those_of_the_contract_and_every_value_has_its_n(make_predictions):
    metrics = headline(make_predictions(), model="if", options=FEW)
    assert list(metrics) == [
        "precision_at_10", "precision_at_50", "precision_at_100", "fp_rate_at_0.01", "fp_rate_at_0.05",
        "psi_train_vs_holdout", "auc", "ap", "f1_at_threshold", "recall_at_threshold", "fp_rate_at_threshold",
        "prevalence", "oov_share_median",
    ]  # fmt: skip
    table = metrics_frame(metrics)
    assert table.columns == ["metric", "value", "low", "high", "n", "why"]
    assert table.filter(pl.col("value").is_null() & pl.col("why").is_null()).is_empty()
    assert table.filter(pl.col("value").is_not_null() & (pl.col("n") == 0)).is_empty()
    bounded = table.drop_nulls("low")
    assert (bounded["low"] <= bounded["value"]).all()
    assert (bounded["value"] <= bounded["high"]).all()


def test_the_values_are_those_of_scikit_learn_on_the_test_rows_alone(make_predictions):
    predictions = make_predictions(services=("token",), effect=1.0)
    test = predictions.filter(pl.col("split") == "test")
    labels, scores = test["anomaly"].to_numpy(), test["score_if"].to_numpy()
    metrics = headline(predictions, model="if", options=FEW)
    assert metrics["auc"].value == pytest.approx(roc_auc_score(labels, scores))
    assert metrics["ap"].value == pytest.approx(average_precision_score(labels, scores))
    assert metrics["f1_at_threshold"].value == pytest.approx(f1_score(labels, test["pred_if_threshold"]))
    assert metrics["precision_at_10"].value == pytest.approx(labels[np.argsort(-scores)][:10].mean())
    assert metrics["prevalence"] == Metric(0.8, 0.8, 0.8, 15)
    assert metrics["recall_at_threshold"].n == 12
    assert metrics["fp_rate_at_threshold"].n == 3
    assert metrics["oov_share_median"].value == 0.2


def test_no_metric_moves_when_training_and_unused_rows_do(make_predictions):
    predictions = make_predictions()
    moved = predictions.with_columns(
        score_if=pl.when(pl.col("split").is_in(["train", "unused"])).then(99.0).otherwise("score_if"),
        pred_if_threshold=pl.col("pred_if_threshold") ^ pl.col("split").is_in(["train", "unused"]),
        oov_share=pl.when(pl.col("split") == "test").then("oov_share").otherwise(0.9),
    )
    assert headline(moved, model="if", options=FEW) == headline(predictions, model="if", options=FEW)


def test_row_order_does_not_matter_and_the_seed_moves_the_interval_only(make_predictions):
    predictions = make_predictions(effect=0.5)
    base = headline(predictions, model="if", options=FEW)
    assert headline(predictions.sample(fraction=1.0, shuffle=True, seed=1), model="if", options=FEW) == base
    other = headline(predictions, model="if", options=FEW, seed=1)["auc"]
    assert other.value == base["auc"].value


def test_another_model_is_read_from_its_own_columns(make_predictions):
    forest, words = make_predictions(), make_predictions(model="knn_words")
    assert headline(words, model="knn_words", options=FEW) == headline(forest, model="if", options=FEW)


def test_fp_rate_at_alpha_sets_its_threshold_on_the_holdout_and_states_the_resolution(make_predictions):
    predictions = make_predictions(n_runs=40, n_holdout=20, services=("token",))
    reference = predictions.filter((pl.col("split") == "holdout") & ~pl.col("anomaly"))["score_if"]
    normals = predictions.filter((pl.col("split") == "test") & ~pl.col("anomaly"))["score_if"]
    expected = (normals > reference.sort(descending=True)[1]).mean()
    metrics = headline(predictions, model="if", options=FEW)
    assert metrics["fp_rate_at_0.05"].value == pytest.approx(expected)
    assert metrics["fp_rate_at_0.05"].why == "resolution 1/3; threshold from 20 hold-out normals"
    assert metrics["fp_rate_at_0.01"].value is None
    assert "20 hold-out normals, it takes 100" in metrics["fp_rate_at_0.01"].why


def test_psi_compares_holdout_with_test_normals_and_never_training_rows(make_predictions, rescore):
    predictions = make_predictions(n_runs=40, n_holdout=20, services=("code", "log", "sql", "token"))
    quiet = headline(predictions, model="if", options=FEW)["psi_train_vs_holdout"]
    shifted = predictions["score_if"].to_numpy() + 1e9 * (predictions["split"] == "test").to_numpy()
    drifted = headline(rescore(predictions, shifted), model="if", options=FEW)["psi_train_vs_holdout"]
    assert quiet.value < drifted.value
    assert "hold-out against test normals" in quiet.why
    few = headline(make_predictions(services=("token",)), model="if", options=FEW)["psi_train_vs_holdout"]
    assert few == Metric(None, None, None, 3, "needs ten normal sequences on both sides: 3 in the hold-out, 3 in the "
                         "test runs")  # fmt: skip


@pytest.mark.parametrize(
    ("change", "name", "why"),
    [
        (pl.col("anomaly") & False, "auc", "no anomaly among the 30 labelled test sequences"),
        (pl.col("anomaly") | True, "fp_rate_at_0.05", "no normal sequence among the 30 labelled test sequences"),
        (pl.lit(None, pl.Boolean), "auc", "no labelled test sequence"),
        (pl.col("anomaly"), "precision_at_100", "k is above the 30 labelled test sequences"),
    ],
)
def test_what_cannot_be_computed_is_null_with_its_reason(make_predictions, change, name, why):
    metrics = headline(make_predictions().with_columns(anomaly=change), model="if", options=FEW)
    assert metrics[name].value is None
    assert metrics[name].why == why


def test_one_test_run_gives_values_without_intervals(make_predictions):
    predictions = make_predictions().filter((pl.col("split") != "test") | (pl.col("run") == "r014"))
    found = headline(predictions, model="if", options=FEW)["auc"]
    assert found.value is not None
    assert (found.low, found.high, found.why) == (None, None, "an interval needs two runs or more, found 1")


def test_no_rows_at_all_give_reasons_not_errors(make_predictions):
    metrics = headline(make_predictions().clear(), model="if", options=FEW)
    assert {metric.value for metric in metrics.values()} == {None}


def test_services_are_measured_by_themselves(make_predictions):
    predictions = make_predictions()
    by_service = headline_by_service(predictions, model="if", options=FEW)
    assert list(by_service) == ["code", "token"]
    alone = headline(predictions.filter(pl.col("service") == "token"), model="if", options=FEW)
    assert by_service["token"] == alone


@pytest.mark.parametrize(
    "wrong", [{"report_precision_at": (0,)}, {"report_fp_alpha": (1.0,)}, {"report_fp_alpha": (0.0,)}, {"resamples": 9}]
)
def test_options_out_of_range_are_a_usage_error(wrong):
    with pytest.raises(UsageError):
        ScoreOptions(**wrong)


def test_a_service_of_small_scores_is_not_drowned_by_one_of_large_scores(make_predictions):
    predictions = make_predictions(effect=8.0)  # token scores are 100 times those of code
    test = predictions.filter(pl.col("split") == "test")
    assert roc_auc_score(test["anomaly"], test["score_if"]) < 0.9
    assert headline(predictions, model="if", options=FEW)["auc"].value == 1.0


def test_merged_scores_rank_by_p_value_then_by_distance_from_the_median_and_keep_each_services_order(make_predictions):
    predictions = make_predictions().with_columns(merged_score(make_predictions(), model="if"))
    assert predictions.filter(pl.col("split") == "train")["merged_score"].is_nan().all()
    scored = predictions.filter(pl.col("split") != "train").sort("merged_score")
    assert scored["p_value_if"].is_sorted(descending=True)
    for _, rows in scored.group_by("service"):
        assert rows.sort("merged_score")["score_if"].is_sorted()
    normals = predictions.filter((pl.col("split") == "holdout") & ~pl.col("anomaly"))
    for (_, p), rows in scored.group_by("test_case", "p_value_if"):
        distances = []
        for service, score in rows.sort("merged_score").select("service", "score_if").rows():
            own = normals.filter(pl.col("service") == service)["score_if"].to_numpy()
            distances.append((score - np.median(own)) / np.median(np.abs(own - np.median(own))))
        assert distances == sorted(distances), p


def test_identical_holdout_normals_and_missing_services_leave_the_ranking_finite(make_predictions, rescore):
    predictions = make_predictions()
    flat = rescore(predictions, np.where(predictions["anomaly"].to_numpy(), 2.0, 1.0))
    merged = merged_score(flat, model="if").to_numpy()
    assert np.isfinite(merged[flat["split"].to_numpy() != "train"]).all()
    assert headline(flat, model="if", options=FEW)["auc"].value == 1.0
    nameless = predictions.with_columns(service=pl.lit(None, pl.String))
    assert headline(nameless, model="if", options=FEW)["auc"].value is not None
    without = predictions.with_columns(p_value_if=pl.lit(None, pl.Float64))
    assert merged_score(without, model="if").to_list() == predictions["score_if"].to_list()


def test_a_comparison_is_zero_against_itself_and_its_paired_interval_finds_a_small_steady_gain(
    make_predictions, rescore
):
    better = make_predictions(n_runs=40, effect=1.0)
    scores, anomaly = better["score_if"].to_numpy(), better["anomaly"].to_numpy()
    unit = np.where(better["service"] == "token", 100.0, 1.0)
    worse = rescore(better, scores - 0.6 * unit * anomaly)
    same = compare_predictions(better, better, model_a="if", model_b="if", options=FEW)
    assert same.select(pl.col("difference", "low", "high").drop_nulls().abs().sum()).row(0) == (0.0, 0.0, 0.0)
    gain = compare_predictions(worse, better, model_a="if", model_b="if", options=FEW).row(
        by_predicate=pl.col("metric") == "auc", named=True
    )
    assert gain["difference"] == pytest.approx(gain["b"] - gain["a"])
    assert gain["low"] > 0
    assert gain["a"] == headline(worse, model="if", options=FEW)["auc"].value


def test_a_comparison_takes_only_rows_that_are_test_rows_on_both_sides(make_predictions):
    a = make_predictions(n_runs=15)
    b = make_predictions(n_runs=16)  # its test runs are r013 to r015, those of a are r012 to r014
    found = compare_predictions(a, b, model_a="if", model_b="if", options=FEW)
    assert found["n"].unique().to_list() == [20]
    assert compare_predictions(a, a.clear(), model_a="if", model_b="if", options=FEW).is_empty()
    with pytest.raises(ValueError, match="differ in label"):
        compare_predictions(a, a.with_columns(~pl.col("anomaly")), model_a="if", model_b="if", options=FEW)
