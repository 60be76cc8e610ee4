"""rarity_words and oov_words: how rare, and how new, the words of a sequence are for its service."""

from typing import Any, Self

import numpy as np
from scipy import sparse

from lo2.models.base import ModelSpec
from lo2.models.estimators import Detector, group_codes
from lo2.models.matrix import document_frequency
from lo2.models.threshold import Floats


class RareTokens(Detector):
    """Sum over a row's tokens of -log of the share of training rows of its group that hold the token.

    Column 0 counts novel tokens; each weighs most. The last row of ``weights_`` is for groups not seen in training.

    Examples
    --------
    >>> X = sparse.csr_matrix([[0, 1, 1], [0, 1, 0], [2, 0, 0]], dtype=np.float32)
    >>> RareTokens().fit(X[:2]).score_samples(X).round(2).tolist()
    [-0.88, -0.18, -3.58]
    """

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Document frequencies per group, and over all rows."""
        self.n_features_in_ = X.shape[1]
        self.groups_, codes = group_codes(groups, X.shape[0])
        blocks = [X[codes == code] for code in range(len(self.groups_))]
        self.weights_ = np.stack([self._weights(document_frequency(b), b.shape[0]) for b in [*blocks, X]])
        return self

    def _weights(self, frequency: Any, n_rows: int) -> Floats:
        return np.asarray(-np.log((frequency + 0.5) / (n_rows + 1.0)), np.float64)

    def contributions(self, X: Any, groups: Any = None) -> Any:
        """CSR matrix of what each column adds to the anomaly score; rows sum to it."""
        presence = sparse.csr_matrix(X, dtype=np.float64, copy=True)
        _, codes = group_codes(groups, X.shape[0], known=self.groups_)
        row = np.repeat(codes, np.diff(presence.indptr))
        presence.data = self._amount(presence) * self.weights_[row, presence.indices]
        return presence

    def _amount(self, matrix: Any) -> Floats:
        """1 for every known token, the number of tokens for the novel column."""
        return np.where(matrix.indices == 0, matrix.data, 1.0)

    def score_samples(self, X: Any, groups: Any = None) -> Floats:
        """Minus the summed rarity, at most 0."""
        return -np.asarray(self.contributions(X, groups).sum(axis=1), np.float64).ravel()


class UnseenTokens(RareTokens):
    """Share of a row's distinct tokens that no training row of its group holds.

    Examples
    --------
    >>> X = sparse.csr_matrix([[0, 1, 1], [2, 1, 1], [0, 0, 0]], dtype=np.float32)
    >>> UnseenTokens().fit(X[:1]).score_samples(X).tolist()
    [-0.0, -0.5, -0.0]
    """

    def _weights(self, frequency: Any, n_rows: int) -> Floats:
        return np.asarray(frequency == 0, np.float64)

    def contributions(self, X: Any, groups: Any = None) -> Any:
        """CSR matrix of what each column adds to the anomaly score; rows sum to it."""
        unseen = super().contributions(X, groups)
        matrix = sparse.csr_matrix(X)
        amount = sparse.csr_matrix((self._amount(matrix), matrix.indices, matrix.indptr), shape=matrix.shape)
        total = np.asarray(amount.sum(axis=1), np.float64).ravel()
        return sparse.csr_matrix(sparse.diags(1.0 / np.maximum(total, 1.0)) @ unseen)


def build_rare(*, seed: int) -> RareTokens:
    """Unfitted detector; nothing in it is random."""
    return RareTokens()


def build_unseen(*, seed: int) -> UnseenTokens:
    """Unfitted detector; nothing in it is random."""
    return UnseenTokens()


MODELS = {
    "rarity_words": ModelSpec(
        name="rarity_words", column="e_words", supervised=False, explains="rarity", build=build_rare, grouped=True,
        meaning="summed rarity of the distinct words among the normal sequences of the service",
    ),
    "oov_words": ModelSpec(
        name="oov_words", column="e_words", supervised=False, explains="rarity", build=build_unseen, grouped=True,
        meaning="share of the distinct words that no normal sequence of the service holds",
    ),
}  # fmt: skip
