"""Training, thresholds, p-values, services, cross-fitting."""

import numpy as np
import polars as pl
import pytest

from lo2.errors import CheckFailedError, SchemaError, TooFewError, UsageError
from lo2.models.base import Reference
from lo2.models.judgement import LeftOutScores, judgement_of_scores
from lo2.models.options import SplitOptions, TrainOptions
from lo2.models.split import split_runs
from lo2.models.threshold import fit_thresholds
from lo2.models.training import predict, predict_per_service, train, train_cross_fitted, train_per_service
from models.corpora import corpus


@pytest.fixture(scope="module")
def world():
    sequences = corpus(20)
    split = split_runs(sequences)
    return sequences, split, train("oov_words", sequences, split)


def test_threshold_is_the_percentile_of_holdout_normals(world):
    sequences, split, _ = world
    options = TrainOptions(contamination=0.3)
    fitted = train("rarity_words", sequences, split, options=options)
    scores = fitted.score(sequences.filter(split == "holdout"))
    assert fitted.thresholds.overall == np.percentile(scores, 70)
    assert fitted.thresholds.n == fitted.reference.holdout_rows == 8
    assert {s: t.n for s, t in fitted.thresholds.by_service.items()} == {"code": 4, "token": 4}
    explicit = train(
        "rarity_words", sequences, split, options=TrainOptions(contamination=0.3, threshold_percentile=100)
    )
    assert explicit.thresholds.overall == scores.max()
    assert explicit.thresholds.percentile == 100


def test_no_holdout_normal_is_too_few(world):
    sequences, split, _ = world
    with pytest.raises(TooFewError, match="no normal sequence is held out"):
        train("oov_words", sequences.filter(split != "holdout"), split.filter(split != "holdout"))
    with pytest.raises(TooFewError):
        fit_thresholds([], [], percentile=95)


def test_predictions_rank_flag_and_say_what_is_new(world):
    sequences, split, fitted = world
    found = predict(fitted, sequences[::-1], split[::-1])
    assert found["seq_id"].is_sorted()
    score, rank = found["score_oov_words"], found["rank_oov_words"]
    assert (rank == score.rank("min", descending=True)).all()
    assert rank.min() == 1
    assert (found["pred_oov_words_threshold"] == (score >= fitted.thresholds.overall)).all()
    assert (found["pred_ano"] == found["pred_oov_words_threshold"]).all()
    assert (found["p_value_oov_words"].is_null() == (found["split"] == "train")).all()
    anomalous = found.filter("anomaly")
    assert (anomalous["oov_share"] > 0.05).all()
    assert (found.filter(pl.col("split") == "train")["oov_share"] == 0).all()


def test_new_data_without_split_counts_as_test(world):
    found = predict(world[2], world[0].select("seq_id", "e_words"))
    assert set(found["split"]) == {"test"}
    assert found["anomaly"].null_count() == found["service"].null_count() == found.height


def test_p_values_are_conformal_within_the_service():
    reference = Reference(0, 6, {"a": np.array([1.0, 2.0, 3.0]), "b": np.array([10.0, 20.0, 30.0])})
    services = np.array(["a", "b", "c"], dtype=object)
    found = judgement_of_scores(reference, np.array([2.5, 2.5, 25.0]), services, level=0.25)
    assert found.p_value.tolist() == [2 / 4, 4 / 4, 2 / 7]
    assert found.flagged.to_list() == [False, False, False]
    assert np.isnan(judgement_of_scores(Reference(0, 0), np.ones(3), services, level=0.05).p_value).all()


def test_too_few_normals_flag_nothing_and_say_so():
    reference = Reference(0, 2, {"a": np.array([1.0, 2.0])})
    found = judgement_of_scores(reference, np.array([9.0]), np.array(["a"], dtype=object), level=0.05)
    assert found.flagged.to_list() == [None]
    assert found.reasons == {"a": "too few to tell (2 normal sequences)"}
    assert found.p_value.tolist() == [1 / 3]


def test_services_with_few_normals_are_judged_together_in_units_of_their_own_spread():
    holdout = {name: scale * np.arange(1.0, 8.0) for name, scale in (("a", 1), ("b", 100), ("c", 10_000))}
    services = np.array(["a", "b", "c"], dtype=object)
    found = judgement_of_scores(Reference(0, 21, holdout), np.array([100.0, 400.0, 9e9]), services, level=0.05)
    assert found.flagged.to_list() == [True, False, True]


def test_a_hundred_holdout_normals_are_enough_and_left_out_scores_are_not_asked():
    scores, services = np.arange(100.0), np.array(["a"] * 100, dtype=object)
    runs = np.array([str(i) for i in range(100)], dtype=object)
    left = LeftOutScores(np.zeros(100), np.ones(100, bool), runs)
    reference = Reference(0, 100, {"a": scores})
    assert judgement_of_scores(reference, scores, services, level=0.05, left_out=left).p_value[-1] == 2 / 101
    reference = Reference(0, 99, {"a": scores[:99]})
    assert judgement_of_scores(reference, scores, services, level=0.05, left_out=left).p_value[-1] == 1.0


@pytest.mark.parametrize("kinds", [2, 7, 40, 10_000])
def test_the_promised_rate_holds_on_ties(kinds):
    generator, flagged = np.random.default_rng(kinds), []
    for _ in range(300):
        drawn = np.floor(generator.random(60) ** 2 * kinds)
        services, runs = np.array(["a"] * 60, dtype=object), np.array([str(i) for i in range(60)], dtype=object)
        left = LeftOutScores(drawn, np.ones(60, bool), runs)
        found = judgement_of_scores(Reference(0, 0), drawn, services, level=0.05, left_out=left, repeats=True)
        flagged.append(found.flagged.to_numpy().mean())
    assert np.mean(flagged) <= 0.05 + 1e-9


def test_where_normals_repeat_the_rare_ones_are_not_flagged_for_being_rare():
    holdout = np.concatenate([np.zeros(960), np.repeat(np.linspace(0.01, 0.1, 4), 10)])
    services = np.array(["a", "a"], dtype=object)
    scores = np.array([0.05, 0.5])
    plain = judgement_of_scores(Reference(0, 1000, {"a": holdout}), scores, services, level=0.05)
    repeats = judgement_of_scores(Reference(0, 1000, {"a": holdout}), scores, services, level=0.05, repeats=True)
    assert plain.flagged.to_list() == [True, True]
    assert repeats.flagged.to_list() == [False, True]


def test_training_sees_no_anomaly_no_holdout_and_no_test_row(world):
    sequences, split, fitted = world
    names = sequences.filter(split == "train")["seq_id"].to_list()
    assert fitted.reference.training_rows == len(names)
    changed = sequences.with_columns(
        pl.when(split == "train").then("e_words").otherwise(pl.lit(["other"])).alias("e_words")
    )
    again = train("oov_words", changed, split)
    assert again.vectorizer.vocabulary_ == fitted.vectorizer.vocabulary_


def test_supervised_models_learn_from_both_labels_of_training_runs_only(world):
    sequences, split, _ = world
    fitted = train("lr_words", sequences, split)
    runs = set(sequences.filter(split == "train")["run"])
    learnt = sequences.filter(pl.col("run").is_in(runs))
    assert learnt["anomaly"].sum() == learnt.height / 2
    assert fitted.reference.training_rows == learnt.height
    with pytest.raises(TooFewError, match="needs both kinds"):
        train("lr_words", sequences.filter(~pl.col("anomaly")), split.filter(~sequences["anomaly"]))


def test_leaking_split_is_refused(world):
    sequences, split, _ = world
    with pytest.raises(CheckFailedError):
        train("oov_words", sequences, split.replace("unused", "train"))


def test_unknown_model_and_wrong_columns_are_named(world):
    sequences, split, _ = world
    with pytest.raises(UsageError, match="Did you mean 'knn_words'"):
        train("knn_word", sequences, split)
    with pytest.raises(SchemaError, match="'e_words'"):
        train("oov_words", sequences.drop("e_words"), split)
    with pytest.raises(SchemaError, match="String, expected List"):
        train("oov_words", sequences.with_columns(e_words=pl.lit("a b")), split)


def test_missing_counts_are_said_and_count_once(world):
    sequences, split, _ = world
    fitted = train("knn_words", sequences.drop("e_words_count"), split)
    assert fitted.notes == ("no column 'e_words_count': tokens count as present or absent",)
    assert fitted.matrix(sequences.drop("e_words_count")).data.max() <= 4
    assert train("knn_words", sequences, split).notes == ()


def test_every_service_gets_a_model_and_one_with_too_little_a_reason():
    sequences = corpus(10)
    empty = pl.col("service") == "token"
    sequences = sequences.with_columns(
        pl.when(empty).then(pl.lit([], pl.List(pl.String))).otherwise("e_words").alias("e_words")
    )
    fitted, skipped = train_per_service("knn_words", sequences, split_runs(sequences))
    assert list(fitted) == ["code"]
    assert "0 distinct tokens" in skipped["token"]
    assert set(predict_per_service(fitted, sequences)["service"]) == {"code"}
    with pytest.raises(SchemaError, match="'service'"):
        train_per_service("knn_words", sequences.drop("service"), split_runs(sequences))


def test_rows_of_several_services_are_ranked_by_p_value_then_distance():
    sequences = corpus(20)
    split = split_runs(sequences)
    fitted, skipped = train_per_service("rarity_words", sequences, split)
    assert not skipped
    found = predict_per_service(fitted, sequences, split).sort("rank_rarity_words")
    assert found.height == sequences.height
    tested = found.filter(pl.col("split") != "train")
    assert tested["p_value_rarity_words"].is_sorted()
    for _, rows in tested.group_by("service"):
        assert rows.sort("rank_rarity_words")["score_rarity_words"].is_sorted(descending=True)


def test_cross_fitting_scores_every_row_out_of_sample():
    sequences = corpus(10)
    found = train_cross_fitted("oov_words", sequences, folds=5)
    assert set(found["split"]) == {"test"}
    assert found["p_value_oov_words"].null_count() == 0
    # 10 runs in 5 folds: 8 normals of the other folds stand behind every p-value of a service.
    assert found["p_value_oov_words"].min() == pytest.approx(1 / 9)
    planted, normal = found.filter("anomaly"), found.filter(~pl.col("anomaly"))
    assert planted["score_oov_words"].min() > normal["score_oov_words"].max()
    unique = sequences.with_columns(pl.concat_list("e_words", "run").alias("e_words"))
    novel = train_cross_fitted("oov_words", unique, folds=5).filter(~pl.col("anomaly"))
    assert (novel["oov_share"] > 0).all()


def test_random_split_trains_on_other_runs(world):
    sequences, split, _ = world
    assert not split_runs(sequences, SplitOptions(split_seed=1)).equals(split)
