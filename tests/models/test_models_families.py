"""What each family of the registry promises beyond the battery."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics.pairwise import cosine_distances
from sklearn.tree import DecisionTreeClassifier

from lo2.errors import MissingExtraError, TooFewError
from lo2.explain.attributions import attributions
from lo2.models import products
from lo2.models.classifiers import SmoothedTree
from lo2.models.density import NearestCentre
from lo2.models.estimators import Supervised
from lo2.models.nearest import NearestUsual
from lo2.models.neighbours import NearestNormal
from lo2.models.ngrams import EventGrams, RareOrder
from lo2.models.rarity import RareTokens, UnseenTokens
from lo2.models.split import split_runs
from lo2.models.table import MODELS
from lo2.models.training import train
from lo2.pipeline.cards import read_fitted_with_card
from lo2.rows import service_names
from models.corpora import corpus


def counts(rows: int, columns: int, *, seed: int = 0) -> sparse.csr_matrix:
    return sparse.random(rows, columns, 0.3, "csr", np.float32, np.random.default_rng(seed)).ceil()


@pytest.mark.parametrize("cells", [16_000_000, 40])
def test_nearest_distance_is_cosine_of_tfidf_whatever_the_batches(monkeypatch, cells):
    monkeypatch.setattr(products, "CELLS", cells)
    X, query = counts(30, 12), counts(20, 12, seed=1)
    tfidf = TfidfTransformer(sublinear_tf=True).fit(X.astype(np.float64))
    expected = cosine_distances(tfidf.transform(query.astype(np.float64)), tfidf.transform(X.astype(np.float64)))
    model = NearestNormal().fit(X)
    np.testing.assert_allclose(-model.score_samples(query), expected.min(axis=1), atol=1e-9)
    distances, indices = model.kneighbors(query, n_neighbors=3)
    np.testing.assert_allclose(distances, np.sort(expected, axis=1)[:, :3], atol=1e-9)
    assert (np.take_along_axis(expected, indices, axis=1).round(9) == distances.round(9)).all()


def test_neighbours_are_of_the_same_service_and_ties_go_by_row():
    X = sparse.csr_matrix([[0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]], dtype=np.float32)
    model = NearestNormal().fit(X, groups=["b", "a", "a", "a"])
    query = sparse.csr_matrix([[0, 2, 0]] * 3, dtype=np.float32)
    distances, indices = model.kneighbors(query, ["a", "b", "unknown"])
    assert indices.ravel().tolist() == [1, 0, 0]
    assert distances.ravel().tolist() == [0, 0, 0]


def test_row_without_tokens_is_at_distance_1_from_everything():
    model = NearestNormal().fit(sparse.csr_matrix([[0, 1.0], [0, 0]], dtype=np.float32))
    assert model.score_samples(sparse.csr_matrix((1, 2), dtype=np.float32)).tolist() == [-1.0]


def test_novel_tokens_move_a_row_away_from_its_neighbour():
    model = NearestNormal().fit(sparse.csr_matrix([[0, 1, 1.0]], dtype=np.float32))
    scores = model.score_samples(sparse.csr_matrix([[0, 1, 1], [1, 1, 1], [5, 1, 1.0]], dtype=np.float32))
    assert scores[0] > scores[1] > scores[2]


def test_rarity_is_that_of_the_service():
    X = sparse.csr_matrix([[0, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1]], dtype=np.float32)
    model = RareTokens().fit(X, groups=["a", "a", "b", "b"])
    row = sparse.csr_matrix([[0, 0, 1.0]], dtype=np.float32)
    a, b = -model.score_samples(row, ["a"])[0], -model.score_samples(row, ["b"])[0]
    assert a == pytest.approx(-np.log(0.5 / 3))
    assert b == pytest.approx(-np.log(2.5 / 3))


def test_unseen_tokens_are_a_share_and_rare_order_a_mean():
    X = sparse.csr_matrix([[0, 1, 1], [2, 1, 1], [0, 0, 0]], dtype=np.float32)
    assert UnseenTokens().fit(X[:1]).score_samples(X).tolist() == [0.0, -0.5, 0.0]
    X = sparse.csr_matrix([[0, 3, 1], [2, 0, 0], [0, 0, 0]], dtype=np.float32)
    assert RareOrder().fit(X[:1]).score_samples(X).round(2).tolist() == [-0.29, -1.39, 0.0]


def test_compressed_space_keeps_what_its_directions_leave_over():
    X = sparse.csr_matrix([[0, 1, 2], [0, 2, 1], [0, 1, 1], [0, 3, 1]], dtype=np.float32)
    model = NearestCentre().fit(X)
    seen, novel = model.score_samples(sparse.csr_matrix([[0, 1, 1], [3, 1, 1]], dtype=np.float32))
    assert novel < seen - 0.1


def test_identical_normals_have_no_local_density():
    sequences = corpus(8, cases=("correct",)).with_columns(e_words=pl.lit(["a", "b", "c"])).drop("e_words_count")
    with pytest.raises(TooFewError, match="1 distinct training rows"):
        train("lof_words", sequences, split_runs(sequences))
    assert np.isfinite(train("kmeans_words", sequences, split_runs(sequences)).score(sequences)).all()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_ngrams_equal_a_naive_count(n):
    rows = [[1, 2, 3, 2], [], [2], [1, 2, 7, 1, 2]]
    known = [[1, 2, 3], [2, 2]]
    grams = EventGrams(n).fit(known)

    def naive(row):
        padded = ["<start>"] * (n - 1) + [str(e) for e in row]
        found = [" > ".join(padded[i : i + n]) for i in range(len(row))]
        return [gram if gram in grams.names() else "<novel>" for gram in found]

    found = grams.transform(rows).toarray()
    expected = [[naive(row).count(name) for name in grams.names()] for row in rows]
    assert found.tolist() == expected


def test_share_of_novel_ngrams_counts_distinct_ones():
    grams = EventGrams().fit([[1, 2, 1, 2]])
    series = pl.Series([[1, 2, 1, 2], [], [1, 1, 1, 2], [9, 9]], dtype=pl.List(pl.UInt32))
    assert grams.novel_share(series).tolist() == [0.0, 0.0, 1 / 3, 1.0]


def test_order_counts_per_event_so_that_length_does_not_matter():
    sequences = [[1, 2, 3] * 4, [1, 2, 3] * 40, [1, 3, 2] * 4]
    grams = EventGrams().fit(sequences[:1] * 5)
    scores = RareOrder().fit(grams.transform(sequences[:1] * 5)).score_samples(grams.transform(sequences))
    assert scores[0] == pytest.approx(scores[1], abs=0.01)
    assert scores[2] < scores[0] - 1


def test_supervised_score_is_minus_the_probability_of_an_anomaly():
    sequences = corpus(10)
    for name in ("lr_words", "rf_words", "lsvm_words", "xgb_words", "dt_trigrams"):
        scores = train(name, sequences, split_runs(sequences)).score(sequences)
        assert ((scores >= 0) & (scores <= 1)).all()
        labels = sequences["anomaly"].to_numpy()
        assert scores[labels].mean() > scores[~labels].mean() + 0.1


def test_classifier_keeps_its_parameters_under_clone():
    from sklearn.base import clone
    from sklearn.tree import DecisionTreeClassifier

    assert clone(Supervised(DecisionTreeClassifier(max_depth=3))).get_params()["estimator__max_depth"] == 3


def test_missing_xgboost_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    sequences = corpus(5)
    with pytest.raises(MissingExtraError, match=r"lo2-pipeline\[models\]"):
        train("xgb_words", sequences, split_runs(sequences))


def test_services_missing_or_null_are_one_group():
    frame = pl.DataFrame({"service": ["a", None]})
    assert service_names(frame).to_numpy().tolist() == ["a", ""]
    assert service_names(frame.drop("service").with_columns(x=1)).to_list() in ([], ["", ""], [""])


def test_smoothed_tree_is_surer_of_large_leaves_and_keeps_the_splits():
    X = np.array([[0.0]] * 60 + [[1.0]] * 50 + [[2.0]] * 5)
    y = np.array([False] * 60 + [True] * 55)
    plain, smooth = (
        kind(random_state=0, min_samples_leaf=5).fit(X, y) for kind in (DecisionTreeClassifier, SmoothedTree)
    )
    assert plain.tree_.threshold.tolist() == smooth.tree_.threshold.tolist()
    m = 115 / 100
    expected = [m / 2 / (60 + m), (55 + m / 2) / (55 + m)]
    np.testing.assert_allclose(smooth.predict_proba([[0.0], [1.0]])[:, 1], expected, rtol=1e-12)
    small = SmoothedTree(random_state=0).fit(np.array([[0.0], [1.0], [2.0], [2.0]]), [True, False, True, True])
    found = small.predict_proba([[0.0], [2.0]])[:, 1]
    assert 0.5 < found[0] < found[1] < 1.0


@pytest.mark.parametrize("name", ["rf_words", "xgb_words"])
def test_trees_on_rates_do_not_see_how_long_a_log_is(name):
    frame = corpus()
    fitted = train(name, frame, split_runs(frame), seed=0)
    longer = frame.with_columns(pl.col("e_words_count").list.eval(pl.element() * 7))
    np.testing.assert_allclose(fitted.score(longer), fitted.score(frame), atol=1e-6)
    np.testing.assert_allclose(fitted.matrix(frame).sum(axis=1).A1, 1.0, atol=1e-6)


def test_scores_add_up_from_what_each_column_contributes():
    X, query = counts(30, 12), counts(20, 12, seed=1)
    model = NearestUsual().fit(X, groups=["a", "b"] * 15, runs=np.arange(30) // 4)
    values, base = model.contributions(query, ["a", "b", "c", "a"] * 5)
    total = np.asarray(values.sum(axis=1)).ravel() + base
    np.testing.assert_allclose(total, -model.score_samples(query, ["a", "b", "c", "a"] * 5), atol=1e-9)


def test_repeated_training_rows_are_kept_once_and_change_no_distance():
    X, query = counts(12, 8), counts(20, 8, seed=1)
    once, twice = NearestUsual().fit(X), NearestUsual().fit(sparse.vstack([X, X[[3, 3]]]).tocsr())
    assert twice.rows_.shape == once.rows_.shape
    assert (twice.kneighbors(query)[1] == once.kneighbors(query)[1]).all()


def test_left_out_rows_score_as_if_their_run_had_not_been_there():
    X, runs = counts(24, 40), np.repeat([f"run{i}" for i in range(6)], 4)
    left_out = NearestUsual(leave_own_run=True).fit(X, runs=runs)
    for run in ("run0", "run5"):
        others = X[runs != run]
        alone = NearestUsual(leave_own_run=True).fit(others, runs=runs[runs != run])
        rows = X[runs == run]
        here, there = (
            left_out._weigh_rows_for_nearest(rows, 0, np.full(4, int(run[-1]))),
            alone._weigh_rows_for_nearest(rows, 0, np.full(4, -2)),
        )
        assert here.n_novel.tolist() == there.n_novel.tolist()
    found = -left_out.score_samples(X, runs=runs)
    assert found.min() > 0
    assert -left_out.score_samples(X, runs=["new"] * 24).max() < found.min()


def test_a_noisy_service_hardly_hears_novelty():
    quiet = sparse.csr_matrix(np.tile([0, 1, 1, 0.0], (20, 1)))
    noisy = sparse.hstack([quiet, sparse.eye(20)]).tocsr()
    quiet = sparse.hstack([quiet, sparse.csr_matrix((20, 20))]).tocsr()
    model = NearestUsual().fit(sparse.vstack([quiet, noisy]), groups=["quiet"] * 20 + ["noisy"] * 20)
    assert model.usual_novelty_[:2].tolist() == [1.0, 0.0]
    row = sparse.csr_matrix(([1.0, 1.0, 1.0], ([0, 0, 0], [0, 1, 2])), shape=(1, 24))
    beyond = [model._excess_novelty(model._weigh_rows_for_nearest(row, code).n_novel, code)[0] for code in (0, 1)]
    assert beyond[0] == 0 < beyond[1]


def test_fit_sets_an_offset_that_flags_one_in_twenty_left_out_normals():
    model = NearestUsual(leave_own_run=True).fit(counts(200, 30), runs=np.arange(200))
    flagged = model.score_samples(counts(200, 30), runs=np.arange(200)) < model.offset_
    assert flagged.mean() == pytest.approx(0.05, abs=0.01)


def test_bundle_of_the_format_before_still_scores():
    fitted, _ = read_fitted_with_card(Path(__file__).parents[1] / "golden/bundle-knn-format1/knn_words.joblib")
    rows = pl.DataFrame(
        {
            "seq_id": ["x", "y"],
            "service": ["a", "a"],
            "e_words": [["start", "a", "w0"], ["new"]],
            "e_words_count": [[1, 2, 1], [3]],
        }
    )
    assert fitted.score(rows).tolist() == [0.0, 1.0]
    assert attributions(fitted, rows, reference=rows).rows["value"].round(9).to_list() == [0.0, 1.0]


@pytest.mark.parametrize("name", ["lr_words", "lsvm_words", "lr_numeric"])
def test_a_classifier_fitted_step_by_step_is_the_pipeline_fitted_at_once(name):
    generator = np.random.default_rng(2)
    X = sparse.csr_matrix(generator.integers(0, 3, (60, 9)), dtype=np.float32)
    before = X.copy()
    labels = generator.random(60) < 0.4
    ours = MODELS[name].build(seed=1)
    whole = clone(ours.estimator).fit(X, labels)
    ours.fit(X, labels)
    assert (ours.estimator_[-1].coef_ == whole[-1].coef_).all()
    assert ours.estimator_.decision_function(X).tolist() == whole.decision_function(X).tolist()
    assert (before != X).nnz == 0
