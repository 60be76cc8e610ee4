"""Every detector under scikit-learn's own checks, and at work in its pipelines."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from lo2.errors import TooFewError
from lo2.models.boosting import BoostedTrees
from lo2.models.classifiers import SmoothedTree
from lo2.models.density import LocalOutlier, NearestCentre, OneClass
from lo2.models.estimators import Detector, Labelled, Supervised
from lo2.models.foreign import Foreign
from lo2.models.nearest import NearestUsual
from lo2.models.neighbours import NearestNormal
from lo2.models.ngrams import EventGrams, RareOrder
from lo2.models.rarity import RareTokens, UnseenTokens
from lo2.models.split import split_runs
from lo2.models.table import MODELS
from lo2.models.training import train, with_alert_budget
from models.corpora import corpus

UNSUPERVISED = [
    NearestUsual(), NearestNormal(), LocalOutlier(), OneClass(), NearestCentre(), RareTokens(), UnseenTokens(),
    RareOrder(), Foreign(IsolationForest(n_estimators=5, random_state=0)),
]  # fmt: skip
SUPERVISED = [Supervised(LogisticRegression()), BoostedTrees()]
# The checks that fail, and why they must; what they look for is tested below in a form that can hold.
NEGATIVE = "its blobs hold negative numbers, and counts are none"
LABELS = "its labels are all of one class, or none are given: a classifier learns nothing from them"
REASONS: dict[type, dict[str, str]] = {
    Detector: {"check_outliers_train": NEGATIVE, "check_outliers_fit_predict": NEGATIVE},
    LocalOutlier: {
        "check_fit2d_1sample": "it says that there are too few distinct rows, in words of its own",
        "check_fit2d_1feature": "one column of counts has two distinct rows; a local density takes three",
    },
    Labelled: {
        "check_outliers_train": LABELS,
        "check_outliers_fit_predict": LABELS,
        "check_fit_score_takes_y": LABELS,
        "check_estimators_dtypes": LABELS,
        "check_classifier_data_not_an_array": LABELS,
        "check_fit2d_1feature": LABELS,
    },
    Foreign: {},
    SmoothedTree: {"check_classifiers_train": "three classes, and its leaves are drawn towards one half, not a third"},
}


def expected(estimator: Any) -> dict[str, str]:
    own = REASONS.get(type(estimator))
    if own is not None and not isinstance(estimator, LocalOutlier):
        return own
    if isinstance(estimator, Labelled):
        return REASONS[Labelled]
    return {**REASONS[Detector], **(own or {})}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([*UNSUPERVISED, *SUPERVISED, SmoothedTree()], expected_failed_checks=expected)
def test_detector_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


def test_every_class_of_the_models_is_checked():
    checked = {type(one) for one in (*UNSUPERVISED, *SUPERVISED)} | {SmoothedTree}
    there = {type(spec.build(seed=0)) for name, spec in MODELS.items() if spec.explains != "forest"}
    assert there | {old for spec in MODELS.values() for old in spec.older} <= checked
    assert EventGrams().fit([[1, 2]]).transform([[1]]).shape == (1, 3)  # no numbers but lists of events go in


def blobs(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Counts of 80 normal rows over their columns, and of 10 odd ones that hold what those never do."""
    generator = np.random.default_rng(seed)
    normal, odd = generator.poisson(3.0, (80, 6)).astype(float), generator.poisson(3.0, (10, 6)).astype(float)
    normal[:, 0], odd[:, 0] = 0, 8
    return normal, odd


@pytest.mark.parametrize("detector", UNSUPERVISED, ids=lambda one: type(one).__name__)
def test_fit_sets_an_offset_from_training_scores_and_predict_follows_it(detector):
    normal, _ = blobs()
    fitted = clone(detector).fit(normal)
    scores = fitted.score_samples(normal)
    assert fitted.decision_function(normal).tolist() == (scores - fitted.offset_).tolist()
    assert fitted.predict(normal).tolist() == np.where(scores < fitted.offset_, -1, 1).tolist()
    assert np.mean(fitted.predict(normal) == -1) <= 0.1
    assert clone(detector).fit_predict(normal).tolist() == fitted.predict(normal).tolist()
    with pytest.raises(ValueError, match="6 features"):
        fitted.decision_function(normal[:, :4])
    with pytest.raises(NotFittedError):
        clone(detector).predict(normal)


@pytest.mark.parametrize("detector", UNSUPERVISED, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_dense_and_sparse_rows_score_alike(detector, kind):
    normal, odd = blobs()
    dense, thin = clone(detector).fit(normal), clone(detector).fit(kind(normal))
    for rows in (normal, odd):
        np.testing.assert_allclose(dense.score_samples(rows), thin.score_samples(kind(rows)), atol=1e-9)
    assert dense.offset_ == pytest.approx(thin.offset_, abs=1e-9)


@pytest.mark.parametrize("detector", SUPERVISED, ids=lambda one: type(one).__name__)
def test_detectors_that_learn_from_labels_do_too(detector):
    normal, odd = blobs()
    X, y = np.concatenate([normal, odd]), [False] * 80 + [True] * 10
    fitted = clone(detector).fit(X, y)
    assert fitted.predict(X).tolist() == np.where(fitted.decision_function(X) < 0, -1, 1).tolist()
    np.testing.assert_allclose(fitted.score_samples(sparse.csr_matrix(X)), fitted.score_samples(X), atol=1e-6)
    assert fitted.score_samples(odd).mean() < fitted.score_samples(normal).mean() - 0.5
    with pytest.raises(TooFewError, match="one class"):
        clone(detector).fit(normal, [False] * 80)


@pytest.mark.parametrize("detector", [*UNSUPERVISED, *SUPERVISED], ids=lambda one: type(one).__name__)
def test_predict_flags_what_it_should_in_a_pipeline(detector):
    normal, odd = blobs()
    steps = make_pipeline(MaxAbsScaler(), clone(detector))
    if detector in SUPERVISED:
        steps.fit(np.concatenate([normal, odd]), [False] * 80 + [True] * 10)
        assert (steps.predict(odd) == -1).all()
    else:
        steps.fit(normal)
    assert np.mean(steps.predict(normal) == 1) >= 0.9
    if not isinstance(detector, Foreign | RareOrder):  # a forest never splits on a column that is constant
        assert np.mean(steps.predict(odd) == -1) >= 0.9


@pytest.mark.parametrize("name", ["if", "knn_words", "rarity_words"])
def test_a_new_threshold_changes_no_estimator_under_its_owner(name):
    sequences = corpus()
    fitted = train(name, sequences, split_runs(sequences), seed=3)
    before, scores = fitted.estimator.offset_, fitted.score(sequences)
    higher = {service: found + 1.0 for service, found in fitted.reference.holdout.items()}
    cheaper, _ = with_alert_budget(replace(fitted, reference=replace(fitted.reference, holdout=higher)), 600.0)
    assert fitted.estimator.offset_ == before
    assert cheaper.estimator.offset_ != before
    assert cheaper.estimator.offset_ == pytest.approx(-cheaper.thresholds.overall)
    assert cheaper.score(sequences).tolist() == scores.tolist() == fitted.score(sequences).tolist()
