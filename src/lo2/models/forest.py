"""Isolation Forest (model "if") on rarity buckets, cross-fitted, with pseudo-novelty; the standard one on binary words.

A forest that chooses among thousands of word columns rarely meets the informative ones, and has none for words that
only errors write. Here every token falls into one of four columns - novel, rare, uncommon, common among the training
sequences - and the forest sees how many of each a sequence holds. The bundle stays plain scikit-learn: the vocabulary
is a ``Counter``, which answers 0, the novel column, for any token it does not know.
"""

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.models.base import ModelSpec, Trained
from lo2.models.matrix import document_frequency, make_vectorizer, make_vocabulary, numeric_matrix, token_matrix
from lo2.models.options import ForestOptions
from lo2.pool import unpooled
from lo2.rows import run_names

BUCKETS = ("novel", "rare", "uncommon", "common")
# Probability of the geometric count of tokens that pseudo-novelty pretends were unseen.
PSEUDO_P = 0.5


def build_forest(*, seed: int, n_estimators: int = 200, max_samples: int | float | str = "auto") -> Any:
    """Unfitted forest; ``contamination`` stays "auto", for the threshold comes from hold-out normals."""
    from sklearn.ensemble import IsolationForest

    return IsolationForest(n_estimators=n_estimators, max_samples=max_samples, contamination="auto", random_state=seed)


def fit_forest(spec: ModelSpec, rows: pl.DataFrame, options: ForestOptions, seed: int) -> Trained:
    """Forest on cross-fitted bucket counts with pseudo-novelty, and its plain vectoriser."""
    tokens = unpooled(rows.select(spec.column)).to_series()
    words = make_vocabulary(tokens, at_least=len(BUCKETS) - 1)
    presence = token_matrix(tokens, words, binary=True)
    columns = rarity_buckets(document_frequency(presence), presence.shape[0], options)
    vocabulary = Counter(dict(zip(words, columns.tolist(), strict=True)))
    counts = cross_fitted_counts(token_matrix(tokens, words), presence, run_names(rows).to_numpy(), options)
    add_pseudo_novelty(counts, share=options.pseudo_share, seed=seed)
    from scipy import sparse

    wide = sparse.csr_matrix(counts)
    wide.resize(counts.shape[0], len(vocabulary))
    if options.numeric:
        wide = sparse.hstack([wide, numeric_matrix(rows, options.numeric)], format="csr", dtype=np.float32)
    forest = spec.build(seed=seed, n_estimators=options.n_estimators, max_samples=options.max_samples)
    return forest.fit(wide), make_vectorizer(vocabulary), options.numeric


def rarity_buckets(frequency: NDArray[np.int64], n_rows: int, options: ForestOptions) -> NDArray[np.int64]:
    """Column of each token: 0 where no row holds it, else 1 to 3 by the share of rows that do."""
    share = frequency / n_rows
    return np.where(frequency == 0, 0, 1 + (share > options.rare) + (share > options.uncommon)).astype(np.int64)


def cross_fitted_counts(
    counts: Any, presence: Any, runs: NDArray[np.object_], options: ForestOptions
) -> NDArray[np.float32]:
    """Bucket counts of training rows, each against the training rows of all other runs.

    Against its own run a row would hold nothing novel by construction. With a single training run a row is left out
    against the other rows instead.
    """
    names, run_of = np.unique(runs.astype(str), return_inverse=True)
    if names.size == 1:
        names, run_of = np.arange(runs.size), np.arange(runs.size)
    total, n_rows = document_frequency(presence), presence.shape[0]
    result = np.zeros((n_rows, len(BUCKETS)), np.float32)
    order = np.argsort(run_of, kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(run_of))[:-1]):
        others = total - document_frequency(presence[rows])
        column = rarity_buckets(others, max(n_rows - rows.size, 1), options)
        result[rows] = counts[rows] @ np.eye(len(BUCKETS), dtype=np.float32)[column]
    return result


def add_pseudo_novelty(counts: NDArray[np.float32], *, share: float, seed: int) -> None:
    """Add geometric counts to the novel and rare columns of about ``share`` of the rows, in place.

    Normal rows hold almost nothing novel, and a forest never splits on a constant column. This smooths: as if that
    many tokens of the row had been unseen.
    """
    if share <= 0:
        return
    generator = np.random.default_rng(seed)
    rows = generator.choice(counts.shape[0], size=max(1, round(share * counts.shape[0])), replace=False)
    for column in (BUCKETS.index("novel"), BUCKETS.index("rare")):
        counts[rows, column] += generator.geometric(PSEUDO_P, size=rows.size)


def fit_binary_forest(spec: ModelSpec, rows: pl.DataFrame, options: ForestOptions, seed: int) -> Trained:
    """The standard design: binary words of the training rows, none for what is novel."""
    tokens = unpooled(rows.select(spec.column)).to_series()
    vectorizer = make_vectorizer(make_vocabulary(tokens, novel=False, at_least=2), binary=True)
    X = token_matrix(tokens, vectorizer.vocabulary_, binary=True)
    forest = spec.build(seed=seed, n_estimators=options.n_estimators, max_samples=options.max_samples)
    return forest.fit(X), vectorizer, ()


MODELS = {
    "if": ModelSpec(
        name="if", explains="forest", build=build_forest, options=ForestOptions, fit=fit_forest,
        meaning="Isolation Forest on counts of novel, rare, uncommon and common words",
    ),
    "if_binary_words": ModelSpec(
        name="if_binary_words", explains="forest", build=build_forest, options=ForestOptions, fit=fit_binary_forest,
        meaning="Isolation Forest on binary words, the standard design: blind to new words, kept as a reference row",
        reference_only=True,
    ),
}  # fmt: skip
