"""rarity_words and oov_words: how rare, and how new, the words of a sequence are for its service."""

from typing import Any

import numpy as np

from lo2.models.base import ModelSpec
from lo2.models.estimators import Summed
from lo2.models.threshold import Floats


class RareTokens(Summed):
    """Sum over a row's tokens of -log of the share of training rows of its group that hold the token.

    Column 0 counts novel tokens; each weighs most.

    Examples
    --------
    >>> from scipy import sparse
    >>> X = sparse.csr_matrix([[0, 1, 1], [0, 1, 0], [2, 0, 0]], dtype=np.float32)
    >>> RareTokens().fit(X[:2]).score_samples(X).round(2).tolist()
    [-0.88, -0.18, -3.58]
    """

    def _estimator_cell_contributions(self, cells: Any, row: Any, weights: Floats) -> Floats:
        return np.where(cells.indices == 0, cells.data, 1.0) * weights


class UnseenTokens(RareTokens):
    """Share of a row's distinct tokens that no training row of its group holds."""

    def _estimator_column_weights(self, frequency: Any, n_rows: int) -> Floats:
        return np.asarray(frequency == 0, np.float64)

    def _estimator_cell_contributions(self, cells: Any, row: Any, weights: Floats) -> Floats:
        tokens = np.bincount(row, super()._estimator_cell_contributions(cells, row, np.ones(row.size)))
        return np.asarray(super()._estimator_cell_contributions(cells, row, weights) / tokens[row], np.float64)


MODELS = {
    "rarity_words": ModelSpec(
        name="rarity_words", explains="sum", build=lambda seed: RareTokens(), grouped=True,
        meaning="summed rarity of the distinct words among the normal sequences of the service",
    ),
    "oov_words": ModelSpec(
        name="oov_words", explains="sum", build=lambda seed: UnseenTokens(), grouped=True,
        meaning="share of the distinct words that no normal sequence of the service holds",
    ),
}  # fmt: skip
