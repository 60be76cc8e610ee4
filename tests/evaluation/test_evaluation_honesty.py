"""Shortcut panel, detection card, signals and drift: what must be caught, and what must not be claimed."""

import numpy as np
import polars as pl
import pytest

from lo2.evaluation.card import detection_card
from lo2.evaluation.drift import drift, drift_sample
from lo2.evaluation.merging import TestRows
from lo2.evaluation.options import DriftLimits, ScoreOptions
from lo2.evaluation.shortcuts import SHORTCUTS, _shuffled_shortcut_aucs, service_shortcut_panels, shortcut_panel
from lo2.evaluation.signals import signals
from lo2.metrics.ranking import auc_of

FEW = ScoreOptions(resamples=200)


def sequences_for(predictions, *, leak=False, seed=1, first=False):
    """Sequences of the same rows; ``leak`` makes normal files long, ``first`` runs the normal case first (v1)."""
    generator, n = np.random.default_rng(seed), predictions.height
    normal = ~predictions["anomaly"].to_numpy()
    seconds = np.where(normal & leak, 60.0, 10.0) + generator.normal(size=n)
    day = predictions["run"].rank("dense").to_numpy() * 100.0
    place = day + np.where(normal & first, 0.0, generator.uniform(1, 2, size=n))
    return predictions.select("seq_id", "run", "test_case", "service", "anomaly").with_columns(
        duration_sec=pl.Series(seconds),
        seq_len=pl.Series((seconds * 10).astype(np.uint32)),
        n_error=pl.Series(generator.poisson(2.0, size=n).astype(np.uint32)),
        start_time=pl.Series((place * 1e6).astype(np.int64)).cast(pl.Datetime("ms")),
        startup_lines=pl.lit(0, pl.UInt32),
    )


def row(table, **keys):
    return table.row(by_predicate=pl.all_horizontal(pl.col(k) == v for k, v in keys.items()), named=True)


def test_the_panel_catches_a_duration_leak_and_denies_the_detector_that_rides_on_it(make_predictions, rescore):
    predictions = make_predictions(n_runs=30)
    sequences = sequences_for(predictions, leak=True)
    length = rescore(predictions, -sequences["duration_sec"].to_numpy())
    panel = shortcut_panel(sequences, {"if": length}, options=FEW)
    assert panel.columns == ["detector", "auc", "low", "high", "clears_shortcuts", "inverted"]
    assert panel["detector"].to_list() == ["if", *SHORTCUTS, "label_shuffle"]
    assert row(panel, detector="duration_sec")["auc"] == 1.0
    assert row(panel, detector="seq_len")["auc"] == 1.0
    assert row(panel, detector="if")["auc"] == 1.0
    assert row(panel, detector="if")["clears_shortcuts"] is False
    assert panel.filter(pl.col("detector") != "if")["clears_shortcuts"].null_count() == panel.height - 1


def test_without_a_leak_a_real_detector_clears_the_shortcuts_and_these_stay_at_chance(make_predictions):
    predictions = make_predictions(n_runs=60, effect=4.0)
    panel = shortcut_panel(sequences_for(predictions), {"if": predictions}, options=FEW)
    assert row(panel, detector="if")["clears_shortcuts"] is True
    for name in ("seq_len", "duration_sec", "n_error", "position_in_run", "label_shuffle"):
        found = row(panel, detector=name)
        assert found["low"] <= 0.5 <= found["high"], name
        assert found["clears_shortcuts"] is None
    assert row(panel, detector="startup_lines")["auc"] == 0.5


def test_the_place_in_the_run_is_a_shortcut_where_the_normal_case_runs_first(make_predictions):
    predictions = make_predictions()
    panel = shortcut_panel(sequences_for(predictions, first=True), {"if": predictions}, options=FEW)
    assert row(panel, detector="position_in_run")["auc"] == 1.0


def test_the_direction_of_a_shortcut_is_not_learned_on_test_rows(make_predictions):
    predictions = make_predictions(n_runs=30, services=("token",))
    sequences = sequences_for(predictions, leak=True)
    test = predictions["split"] == "test"
    # In test runs alone the leak points the other way: a direction picked there would still reach 1.
    turned = sequences.with_columns(duration_sec=pl.when(test).then(-pl.col("duration_sec")).otherwise("duration_sec"))
    panel = shortcut_panel(turned, {"if": predictions}, options=FEW)
    assert row(panel, detector="duration_sec")["auc"] < 0.5
    kept = predictions.filter(pl.col("split") != "unused")
    assert row(shortcut_panel(turned, {"if": kept}, options=FEW), detector="duration_sec")["auc"] > 0.5


def test_an_inverted_ranking_is_flagged_and_does_not_clear(make_predictions, rescore):
    predictions = make_predictions(effect=4.0)
    upside_down = rescore(predictions, -predictions["score_if"].to_numpy())
    found = row(shortcut_panel(sequences_for(predictions), {"if": upside_down}, options=FEW), detector="if")
    assert found["auc"] < 0.3
    assert found["inverted"] is True
    assert found["clears_shortcuts"] is False


def test_a_detector_at_chance_or_with_one_run_does_not_clear_even_without_shortcuts(make_predictions):
    blind, sharp = make_predictions(effect=0.0), make_predictions(effect=9.0)
    bare = blind.select("seq_id")
    assert row(shortcut_panel(bare, {"if": blind}, options=FEW), detector="if")["clears_shortcuts"] is False
    panel = shortcut_panel(bare, {"if": sharp}, options=FEW)
    assert row(panel, detector="if")["clears_shortcuts"] is True
    assert row(panel, detector="seq_len")["auc"] is None
    one = sharp.filter((pl.col("split") != "test") | (pl.col("run") == "r014"))
    assert row(shortcut_panel(bare, {"if": one}, options=FEW), detector="if")["clears_shortcuts"] is False


def test_a_detector_at_chance_does_not_clear_shortcuts_that_mislead(make_predictions):
    """Better than shortcuts that turn round between training and test is not yet better than a coin."""
    blind = make_predictions(effect=0.0)
    turned = (blind["anomaly"] != (blind["split"] == "test")).to_numpy()
    noise = np.random.default_rng(1).integers(0, 9, blind.height)
    sequences = blind.select("seq_id").with_columns(seq_len=pl.Series(np.where(turned, 100, 10) + noise))
    panel = shortcut_panel(sequences, {"if": blind}, options=FEW)
    assert row(panel, detector="seq_len")["auc"] < 0.1
    assert row(panel, detector="if")["auc"] > 0.4
    assert row(panel, detector="if")["clears_shortcuts"] is False


def test_p_values_of_signals_are_adjusted_as_benjamini_and_hochberg_do():
    from scipy.stats import false_discovery_control

    from lo2.evaluation.signals import SIGNALS, _adjust_signal_p_values

    found = [0.2, 0.030, None, 0.031, 0.001, 0.032, 1.0]
    cells = pl.DataFrame(
        {"test_case": [*"abcdefg"], "service": "s", "p_adjusted": found, "signal_in_data": True}
    ).with_columns(pl.lit(None, kind).alias(name) for name, kind in SIGNALS.items() if name in ("token", "token_auc"))
    adjusted = _adjust_signal_p_values(cells).sort("test_case")
    expected = false_discovery_control([value for value in found if value is not None])
    np.testing.assert_allclose(adjusted["p_adjusted"].drop_nulls(), expected)
    assert adjusted["signal_in_data"].to_list() == [False, True, False, True, True, True, False]


def test_several_detectors_share_rows_and_services_have_panels_of_their_own(make_predictions):
    forest, words = make_predictions(), make_predictions(model="knn_words", effect=4.0)
    sequences = sequences_for(forest)
    panel = service_shortcut_panels(sequences, {"if": forest, "knn_words": words}, options=FEW)
    assert panel["service"].unique(maintain_order=True).to_list() == ["code", "token"]
    token = {"if": forest.filter(pl.col("service") == "token"), "knn_words": words.filter(pl.col("service") == "token")}
    alone = shortcut_panel(sequences, token, options=FEW)
    assert panel.filter(pl.col("service") == "token").drop("service").equals(alone)
    with pytest.raises(ValueError, match="test rows of if, knn_words differ"):
        shortcut_panel(sequences, {"if": forest, "knn_words": words[:-1]}, options=FEW)


def test_unlabelled_rows_give_an_empty_handed_panel(make_predictions):
    predictions = make_predictions().with_columns(anomaly=pl.lit(None, pl.Boolean))
    panel = shortcut_panel(sequences_for(make_predictions()), {"if": predictions}, options=FEW)
    assert panel["auc"].null_count() == panel.height


def words_for(predictions, tokens_of):
    generator = np.random.default_rng(0)
    tokens = [tokens_of(case) for case in predictions["test_case"]]
    counts = [generator.integers(1, 30, size=len(found)).tolist() for found in tokens]
    return predictions.select("seq_id", "run", "test_case", "service", "anomaly").with_columns(
        e_words=pl.Series(tokens, dtype=pl.List(pl.String)), e_words_count=pl.Series(counts, dtype=pl.List(pl.UInt32))
    )


def test_signals_name_the_token_of_a_fault_and_find_nothing_where_nothing_is(make_predictions):
    predictions = make_predictions(n_runs=25)
    sequences = words_for(predictions, lambda case: ["GET", "ok", "end", *(["ERR1"] if case == "fault1" else [])])
    found = signals(sequences)
    assert found.filter("signal_in_data").select("test_case", "service", "token", "token_auc").rows() == [
        ("fault1", "code", "ERR1", 1.0),
        ("fault1", "token", "ERR1", 1.0),
    ]
    assert found.filter(~pl.col("signal_in_data")).height == 6
    assert found.select("n_fault", "n_normal").unique().rows() == [(25, 25)]


def test_signals_see_a_missing_token_but_not_a_longer_file(make_predictions):
    predictions = make_predictions(n_runs=25)
    sequences = words_for(predictions, lambda case: ["GET", "end", *([] if case == "fault2" else ["ok"])])
    longer = pl.when(pl.col("test_case") == "fault0").then(pl.col("e_words_count") * 6).otherwise("e_words_count")
    found = signals(sequences.with_columns(longer.cast(pl.List(pl.UInt32))))
    best = row(found, test_case="fault2", service="token")
    assert (best["token"], best["token_auc"], best["signal_in_data"]) == ("ok", 0.0, True)
    assert row(found, test_case="fault0", service="token")["signal_in_data"] is False


def test_too_few_sequences_are_no_evidence_either_way(make_predictions):
    predictions = make_predictions(n_runs=7, n_holdout=1)
    sequences = words_for(predictions, lambda case: ["GET", *(["ERR1"] if case != "correct" else []), "a", "b", "c"])
    assert signals(sequences.filter(pl.col("run") < "r004"))["signal_in_data"].null_count() == 8
    assert signals(sequences.clear()).is_empty()
    only_words = signals(sequences.drop("e_words_count"))
    assert only_words["token"].to_list() == ["ERR1"] * 8


def test_sequences_without_cases_or_labels_have_no_signals(make_predictions):
    predictions = make_predictions(n_runs=25)
    sequences = words_for(predictions, lambda case: ["GET"])
    assert signals(sequences.drop("test_case", "service")).is_empty()
    assert signals(sequences.with_columns(anomaly=pl.lit(None, pl.Boolean))).is_empty()
    nameless = signals(sequences.with_columns(service=pl.lit(None, pl.String)))
    assert nameless["service"].unique().to_list() == [""]


def naive_mann_whitney(fault, normal):
    wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in fault for b in normal)
    return wins / (len(fault) * len(normal))


def test_signal_statistics_equal_a_loop_and_scipy(make_predictions):
    from scipy.stats import mannwhitneyu

    predictions = make_predictions(n_runs=25, n_faults=1, services=("token",))
    sequences = words_for(predictions, lambda case: ["GET", "ok"])
    part = pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.col("e_words").list.head(1)).otherwise("e_words")
    sequences = sequences.with_columns(part).with_columns(
        pl.col("e_words_count").list.head(pl.col("e_words").list.len())
    )
    rates = [
        dict(zip(words, counts, strict=True)).get("ok", 0) / sum(counts)
        for words, counts in sequences.select("e_words", "e_words_count").rows()
    ]
    fault = [rate for rate, bad in zip(rates, sequences["anomaly"], strict=True) if bad]
    normal = [rate for rate, bad in zip(rates, sequences["anomaly"], strict=True) if not bad]
    found = signals(sequences.with_columns(pl.col("e_words").list.eval(pl.element().replace("GET", "zzz"))))
    single = row(found, test_case="fault0", service="token")
    expected = {"ok": naive_mann_whitney(fault, normal), "zzz": 1 - naive_mann_whitney(fault, normal)}
    assert single["token_auc"] == pytest.approx(expected[single["token"]])
    p_value = mannwhitneyu(fault, normal, method="asymptotic").pvalue
    assert single["p_adjusted"] == pytest.approx(min(1.0, 2 * p_value))


def test_the_card_counts_recall_and_ranks_each_fault_against_its_own_service(make_predictions, rescore):
    predictions = make_predictions(n_runs=12)
    test_case, service = predictions["test_case"].to_numpy(), predictions["service"].to_numpy()
    scores = np.where(test_case == "fault1", 5.0, 0.0) + np.where(service == "token", 100.0, 0.0)
    flagged = (predictions["test_case"] == "fault1") & (predictions["run"] != "r011")
    predictions = rescore(predictions, scores).with_columns(pred_if_threshold=flagged)
    card = detection_card(predictions, model="if", options=FEW)
    assert card.columns == ["test_case", "service", "n", "recall", "auc", "low", "high", "signal_in_data"]
    assert card.select("test_case", "service").equals(card.select("test_case", "service").sort(pl.all()))
    found = row(card, test_case="fault1", service="code")
    assert (found["n"], found["recall"], found["auc"], found["low"]) == (3, pytest.approx(2 / 3), 1.0, 1.0)
    assert row(card, test_case="fault2", service="token")["auc"] == 0.5
    assert card["signal_in_data"].null_count() == card.height


def test_the_card_takes_its_signals_from_the_data_and_has_no_auc_without_normals(make_predictions):
    predictions = make_predictions(n_runs=25)
    found = signals(words_for(predictions, lambda case: ["GET", *(["ERR1"] if case == "fault1" else [])]))
    card = detection_card(predictions, model="if", signals=found, options=FEW)
    assert card.filter("signal_in_data")["test_case"].unique().to_list() == ["fault1"]
    assert card.height == 8
    bare = detection_card(predictions.filter(pl.col("anomaly") | (pl.col("service") == "code")), model="if")
    assert bare.filter(pl.col("service") == "token")["auc"].null_count() == 4
    assert detection_card(predictions.filter(pl.col("split") != "test"), model="if").is_empty()


def templates_for(predictions, *, factor=1, rare=1):
    lists = {"e_event_drain_id": [["t1", "t2"]], "e_event_drain_id_count": [[90, rare]]}
    repeated = {name: pl.Series(values * predictions.height) for name, values in lists.items()}
    length = pl.Series(np.random.default_rng(2).integers(80, 120, predictions.height) * factor).cast(pl.UInt32)
    return predictions.select("seq_id").with_columns(seq_len=length, **repeated)


@pytest.fixture
def reference(make_predictions):
    predictions = make_predictions(n_runs=60, n_holdout=30)
    return drift_sample(predictions, templates_for(predictions), model="if", split="holdout")


def test_the_same_kind_of_data_stays_within_its_limits(make_predictions, reference):
    predictions = make_predictions(n_runs=60, n_holdout=30, seed=9)
    new = drift_sample(predictions, templates_for(predictions), model="if", split="holdout")
    report = drift(reference, new, limits=DriftLimits(scores=0.25, templates=0.25, volume=0.25, unseen_tokens=0.05))
    assert report.breaches == ()
    assert report.frame["service"].unique(maintain_order=True).to_list() == ["all", "code", "token"]
    assert report.frame["signal"].unique(maintain_order=True).to_list() == [
        "scores", "templates", "volume", "unseen_tokens"
    ]  # fmt: skip
    # A limit that chance alone exceeds is no finding: PSI is above 0 for any two samples.
    assert drift(reference, new, limits=DriftLimits(scores=0.0, volume=0.0)).breaches == ()
    assert report.frame["n_reference"].to_list() == [60] * 4 + [30] * 8


@pytest.mark.parametrize("signal", ["scores", "templates", "volume", "unseen_tokens"])
def test_each_signal_breaches_its_limit_and_no_other(make_predictions, reference, signal):
    predictions = make_predictions(n_runs=60, n_holdout=30, seed=9, services=("code", "token"))
    sequences = templates_for(
        predictions, factor=3 if signal == "volume" else 1, rare=80 if signal == "templates" else 1
    )
    if signal == "scores":
        predictions = predictions.with_columns(pl.col("score_if") * 5 + 700)
    if signal == "unseen_tokens":
        predictions = predictions.with_columns(oov_share=pl.lit(0.3))
    new = drift_sample(predictions, sequences, model="if", split="holdout")
    limits = DriftLimits(scores=0.4, templates=0.25, volume=0.4, unseen_tokens=0.05)
    broken = drift(reference, new, limits=limits).breaches
    assert broken
    assert all(f": {signal} " in breach for breach in broken)
    assert drift(reference, new).breaches == ()


def test_a_share_of_anomalies_is_not_drift_where_labels_tell_but_is_where_they_do_not(make_predictions, reference):
    predictions = make_predictions(n_runs=60, n_holdout=30, effect=50.0, seed=9)
    limits = DriftLimits(scores=0.4)
    told = drift_sample(predictions, model="if", split=None)
    untold = drift_sample(predictions.with_columns(anomaly=pl.lit(None, pl.Boolean)), model="if", split=None)
    assert told.rows.height == 33 * 2
    assert drift(reference, told, limits=limits).breaches == ()
    assert drift(reference, untold, limits=limits).breaches


def test_what_drift_cannot_say_has_a_reason(make_predictions, reference):
    few = make_predictions(n_runs=9, n_holdout=3, services=("mail", "token"))
    report = drift(reference, drift_sample(few, model="if", split="holdout"), limits=DriftLimits(scores=0.0))
    assert report.breaches == ()
    assert report.frame["service"].to_list() == ["token"] * 4 + ["mail"]
    assert row(report.frame, service="token", signal="scores")["why"].startswith("needs ten sequences on both sides")
    assert row(report.frame, service="token", signal="templates")["why"] == "no templates on one of the sides"
    assert row(report.frame, service="mail", signal="scores")["why"] == "the hold-out has no such service"


@pytest.mark.parametrize("mixed", [0.1, 0.5])
def test_scores_that_a_stratum_lacks_draw_nothing_so_that_leaving_them_out_changes_no_shuffle(mixed):
    generator = np.random.default_rng(3)
    n = 400
    strata = generator.integers(0, 6, n).astype(np.float64)
    labels = generator.random(n) < mixed * (strata + 1) / 6
    names = np.full(n, "", dtype=np.str_)
    score = generator.integers(0, 60, n).astype(np.float64)
    rows = TestRows(score, labels, labels, names, names, score[:0], names)
    falling, kind = np.unique(-score, return_inverse=True)
    slow, anomalies = np.random.default_rng(5), np.zeros((30, falling.size))
    for stratum in np.unique(strata):
        chosen = strata == stratum
        held, wanted = np.bincount(kind[chosen], minlength=falling.size), int(labels[chosen].sum())
        if wanted:
            anomalies += slow.multivariate_hypergeometric(held, wanted, size=30, method="marginals")
    total = np.bincount(kind).astype(np.float64)
    expected = auc_of(anomalies, total - anomalies)
    assert _shuffled_shortcut_aucs(rows, strata, 30, 5).tolist() == expected.tolist()
