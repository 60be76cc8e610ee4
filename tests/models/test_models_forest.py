"""The Isolation Forest of the main job: plain, complete, not blind to the new."""

import pickle
import pickletools
from collections import Counter

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.feature_extraction.text import CountVectorizer

from lo2.errors import TooFewError, UsageError
from lo2.models.bundles import bundle_payload
from lo2.models.forest import add_pseudo_novelty, cross_fitted_counts
from lo2.models.matrix import make_vocabulary, token_matrix
from lo2.models.options import ForestOptions
from lo2.models.split import split_runs
from lo2.models.training import predict, train
from models.corpora import corpus


@pytest.fixture(scope="module")
def fitted():
    sequences = corpus(20)
    return train("if", sequences, split_runs(sequences), seed=1)


def test_plain_scikit_learn_gives_the_same_matrix_scores_and_flags(fitted):
    sequences = corpus(5, seed=9)
    model, vectorizer = bundle_payload(fitted)
    assert type(model) is IsolationForest
    assert type(vectorizer) is CountVectorizer
    X = vectorizer.transform([*sequences["e_words"].to_list(), [], ["never", "seen"]])
    assert (fitted.matrix(sequences).toarray() == X[:-2].toarray()).all()
    scores = fitted.score(sequences)
    assert (-model.score_samples(X)[:-2]).tobytes() == scores.tobytes()
    assert ((model.predict(X)[:-2] == -1) == (scores >= fitted.thresholds.overall)).all()


def test_offset_flags_the_threshold_itself(fitted):
    scores = fitted.score(corpus(20))
    at = np.unique(scores)[np.unique(scores).size // 2]
    fitted.estimator.offset_, before = -np.nextafter(at, -np.inf), fitted.estimator.offset_
    try:
        flagged = fitted.estimator.predict(fitted.matrix(corpus(20))) == -1
    finally:
        fitted.estimator.offset_ = before
    assert (flagged == (scores >= at)).all()
    assert flagged[scores == at].all()
    assert 0 < flagged.sum() < flagged.size


def test_pickle_names_only_the_standard_library_numpy_and_scikit_learn(fitted):
    opcodes = pickletools.genops(pickle.dumps(bundle_payload(fitted), protocol=2))
    names = {str(argument) for opcode, argument, _ in opcodes if opcode.name == "GLOBAL"}
    modules = {name.split()[0].split(".")[0] for name in names}
    assert modules == {"__builtin__", "_codecs", "collections", "numpy", "sklearn"}


def test_unknown_tokens_are_counted_not_stored(fitted):
    _, vectorizer = bundle_payload(fitted)
    size = len(vectorizer.vocabulary_)
    assert isinstance(vectorizer.vocabulary_, Counter)
    assert vectorizer.transform([["no", "such", "word"]])[0, 0] == 3
    assert len(vectorizer.vocabulary_) == size


def test_novel_tokens_make_a_sequence_more_anomalous(fitted):
    rows = corpus(20).filter(~pl.col("anomaly")).head(1)
    scores = [
        fitted.score(rows.with_columns(pl.col("e_words").list.concat(pl.lit([f"new{i}" for i in range(n)]))))[0]
        for n in (0, 2, 6)
    ]
    assert scores[0] < scores[1] < scores[2]


def test_the_standard_design_is_blind_where_pseudo_novelty_sees():
    sequences = corpus(20)
    split = split_runs(sequences)
    novel, alone = [
        train("if", sequences, split, options=ForestOptions(pseudo_share=share), seed=1) for share in (0.05, 0.0)
    ]
    row = sequences.filter(~pl.col("anomaly")).head(1)
    odd = row.with_columns(pl.col("e_words").list.concat(pl.lit(["new1", "new2", "new3"])))
    assert novel.score(odd)[0] > novel.score(row)[0]
    assert alone.score(odd)[0] == alone.score(row)[0]


def test_training_rows_are_counted_against_the_other_runs_only():
    tokens = pl.Series([["a", "b"], ["a", "own"], ["a", "own"], ["a", "b"]], dtype=pl.List(pl.String))
    runs = np.array(["1", "2", "2", "3"], dtype=object)
    words = make_vocabulary(tokens)
    presence = token_matrix(tokens, words, binary=True)
    counts = cross_fitted_counts(presence, presence, runs, ForestOptions(rare=0.0, uncommon=0.4))
    # "own" is in run 2 only: novel there. "b" is in 1 of 3 other rows for runs 1 and 3.
    assert counts.tolist() == [[0, 0, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1], [0, 0, 1, 1]]


def test_a_single_training_run_is_left_out_row_by_row():
    tokens = pl.Series([["a", "own"], ["a"]], dtype=pl.List(pl.String))
    words = make_vocabulary(tokens)
    presence = token_matrix(tokens, words, binary=True)
    counts = cross_fitted_counts(presence, presence, np.array(["1", "1"], dtype=object), ForestOptions())
    assert counts[0].tolist() == [1, 0, 0, 1]


def test_pseudo_novelty_touches_the_share_of_rows_asked_for_and_is_seeded():
    counts = np.zeros((100, 4), np.float32)
    add_pseudo_novelty(counts, share=0.05, seed=3)
    again = np.zeros((100, 4), np.float32)
    add_pseudo_novelty(again, share=0.05, seed=3)
    assert (counts == again).all()
    assert ((counts[:, :2] >= 1).all(axis=1)).sum() == 5
    assert counts[:, 2:].sum() == 0


def test_options_reach_the_forest_and_its_vocabulary():
    sequences = corpus(8)
    split = split_runs(sequences)
    options = ForestOptions(n_estimators=7, max_samples=0.5, item="e_trigrams", numeric=("seq_len",))
    fitted = train("if", sequences, split, options=options, seed=2)
    assert (len(fitted.estimator.estimators_), fitted.estimator.max_samples, fitted.estimator.random_state) == (
        7,
        0.5,
        2,
    )
    assert fitted.estimator.contamination == "auto"
    assert fitted.spec.column == "e_trigrams"
    assert fitted.estimator.n_features_in_ == len(fitted.vectorizer.vocabulary_) + 1
    assert predict(fitted, sequences)["score_if"].is_finite().all()
    rare = train("if", sequences, split, options=ForestOptions(rare=0.9, uncommon=0.95), seed=2)
    standard = train("if", sequences, split, seed=2)
    assert Counter(rare.vectorizer.vocabulary_.values())[1] > Counter(standard.vectorizer.vocabulary_.values())[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"contamination": 1.5},
        {"threshold_percentile": 101.0},
        {"n_estimators": 0},
        {"rare": 0.5},
        {"pseudo_share": 1.0},
    ],
)
def test_options_out_of_range_are_wrong_usage(wrong):
    with pytest.raises(UsageError, match="--if-"):
        ForestOptions(**wrong)


def test_options_of_another_model_are_wrong_usage():
    with pytest.raises(UsageError, match="knn_words takes TrainOptions, not ForestOptions"):
        train("knn_words", corpus(5), split_runs(corpus(5)), options=ForestOptions())


def test_two_words_are_too_few_for_the_buckets():
    sequences = corpus(6).with_columns(e_words=pl.lit(["a", "b"]))
    with pytest.raises(TooFewError, match="2 distinct tokens"):
        train("if", sequences, split_runs(sequences))
