"""Distinct rows stand for all rows that are like them."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import LocalOutlierFactor

import lo2
from lo2.errors import SchemaError, UsageError
from lo2.models.base import score_with_model
from lo2.models.distinct import distinct_rows
from lo2.models.foreign import Foreign, foreign_model
from lo2.models.neighbours import MODELS
from models.corpora import corpus

ROWS = st.lists(
    st.tuples(st.lists(st.integers(0, 2), min_size=4, max_size=4), st.integers(0, 1)), min_size=1, max_size=25
)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_distinct_rows_are_the_rows_again(rows):
    X, codes = sparse.csr_matrix(np.array([row for row, _ in rows], np.float32)), [code for _, code in rows]
    first, kind = distinct_rows(X, codes)
    assert (X[first][kind].toarray() == X.toarray()).all()
    assert [codes[i] for i in first[kind]] == codes
    assert first.size == len({(tuple(row), code) for row, code in rows})


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_scores_of_distinct_rows_equal_those_of_all_rows(rows):
    X = sparse.csr_matrix(np.array([row for row, _ in rows], np.float32))
    services = np.array([f"s{code}" for _, code in rows], dtype=object)
    model = MODELS["knn_words"].build(seed=0).fit(X, groups=services)
    found = score_with_model(MODELS["knn_words"], model, X, services)
    np.testing.assert_array_equal(found, -model.score_samples(X, services))


@pytest.mark.parametrize(
    "estimator", [IsolationForest(random_state=0), LocalOutlierFactor(n_neighbors=5, novelty=True)]
)
def test_any_outlier_detector_of_scikit_learn_can_be_measured(estimator):
    found = lo2.detect(corpus(), model=estimator, resamples=100)
    name = type(estimator).__name__
    assert list(found.predictions) == [name]
    assert found.evaluation.headline[name]["auc"].value > 0.5
    assert found.runs[name].frame.height


def test_a_classifier_learns_from_labels_and_rates_anomalies_high():
    found = lo2.detect(corpus(), model=LogisticRegression(max_iter=500), resamples=100)
    assert found.evaluation.headline["LogisticRegression"]["auc"].value > 0.9


def test_what_is_no_estimator_is_a_named_error():
    with pytest.raises(UsageError, match="is no estimator"):
        foreign_model(object())
    with pytest.raises(UsageError, match="Did you mean 'knn_words'"):
        lo2.detect(corpus(), model="knn_word")


def test_fit_sets_an_offset_from_training_scores():
    X = sparse.random(100, 20, 0.3, "csr", np.float32, np.random.default_rng(0))
    model = Foreign(IsolationForest(random_state=0)).fit(X)
    assert (model.predict(X) == -1).mean() == pytest.approx(0.05, abs=0.01)


def test_matrix_gives_what_cross_validation_takes():
    sequences = corpus()
    X, y, groups, names = lo2.matrix(sequences)
    ordered = sequences.sort("seq_id")
    assert X.shape == (sequences.height, len(names))
    assert y.tolist() == ordered["anomaly"].to_list()
    assert groups.tolist() == ordered["run"].to_list()
    row = ordered.row(0, named=True)
    held = dict(zip(row["e_words"], row["e_words_count"], strict=True))
    assert {names[j]: X[0, j] for j in X[0].indices} == held
    assert lo2.matrix(sequences.drop("anomaly"))[1] is None
    with pytest.raises(SchemaError, match="no column 'e_letters'"):
        lo2.matrix(sequences, column="e_letters")


def test_repeated_sequences_change_no_score(tmp_path):
    sequences = corpus()
    twice = pl.concat([sequences, sequences.filter(pl.col("run") > "run05").with_columns(pl.col("seq_id") + "again")])
    frames = [
        lo2.detect(frame, model="knn_words", resamples=100).predictions["knn_words"] for frame in (sequences, twice)
    ]
    again = frames[1].filter(pl.col("seq_id").str.ends_with("again"))
    first = frames[1].filter(pl.col("seq_id").is_in(again["seq_id"].str.strip_suffix("again").to_list()))
    assert again["score_knn_words"].to_list() == first["score_knn_words"].to_list()
