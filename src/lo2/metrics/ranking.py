"""Quality of a ranking: AUC, average precision, precision@k, ROC and precision-recall curves, a threshold; ties."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TieGroups:
    """Rows ordered by falling score, rows of equal score in one group."""

    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    anomalous: Floats

    @classmethod
    def from_scores(cls, scores: ArrayLike, labels: ArrayLike) -> "TieGroups":
        """Groups of ``scores`` (n,) with ``labels`` (n,), True for anomalies; ValueError if they do not match."""
        values, truth = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.bool_)
        if values.ndim != 1 or values.shape != truth.shape:
            raise ValueError(f"scores have shape {values.shape}, labels {truth.shape}: one label per score is needed")
        if not values.size or np.isnan(values).any():
            raise ValueError(f"{values.size} scores, {int(np.isnan(values).sum())} of them NaN: they cannot be ranked")
        order = np.argsort(-values, kind="stable")
        falling = values[order]
        starts = np.flatnonzero(np.r_[True, falling[1:] != falling[:-1]])
        return cls(order, starts, truth[order].astype(np.float64))

    def tie_counts(self, weights: Floats | None = None) -> tuple[Floats, Floats]:
        """Weight of anomalies and of normal rows in every group, from the highest score down.

        Row weights have shape (n,) or (resamples, n), a weight being how often the row counts. The metrics made from
        the counts have one value per weight vector, NaN where they are undefined.
        """
        ordered = np.ones(self.order.size) if weights is None else weights[..., self.order]
        anomalies = np.add.reduceat(ordered * self.anomalous, self.starts, axis=-1)
        return anomalies, np.add.reduceat(ordered, self.starts, axis=-1) - anomalies

    def auc(self, weights: Floats | None = None) -> Floats:
        """Area under the ROC curve."""
        return auc_of(*self.tie_counts(weights))


def auc_of(anomalies: Floats, normals: Floats) -> Floats:
    """AUC from the counts per tie group: a pair of equal scores counts half."""
    n_normal = normals.sum(axis=-1)
    below = n_normal[..., None] - np.cumsum(normals, axis=-1)
    wins = (anomalies * (below + normals / 2)).sum(axis=-1)
    return safe_ratio(wins, anomalies.sum(axis=-1) * n_normal)


def average_precision_of(anomalies: Floats, normals: Floats) -> Floats:
    """Average precision from the counts per tie group: a group enters as a whole, at the precision after it."""
    found = np.cumsum(anomalies, axis=-1)
    precision = safe_ratio(found, found + np.cumsum(normals, axis=-1), empty=0.0)
    total = np.where(normals.sum(axis=-1) > 0, found[..., -1], 0.0)
    return safe_ratio((anomalies * precision).sum(axis=-1), total)


def precision_of(anomalies: Floats, normals: Floats, k: int) -> Floats:
    """Precision@k from the counts per tie group: the group that k cuts contributes its share (McSherry, Najork 2008).

    Examples
    --------
    >>> float(precision_of(*TieGroups.from_scores([0.9, 0.2, 0.8, 0.1], [True, False, False, True]).tie_counts(), k=2))
    0.5
    """
    size = anomalies + normals
    seen = np.cumsum(size, axis=-1)
    taken = np.clip(k - (seen - size), 0.0, size)
    hits = (anomalies * safe_ratio(taken, size, empty=0.0)).sum(axis=-1)
    return np.where(seen[..., -1] >= k, hits / k, np.nan)


def auc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Chance that an anomaly scores above a normal sequence, ties counted half (Mann-Whitney), 0 to 1.

    Both have shape (n_sequences,); higher scores are more anomalous, labels are True for anomalies. ValueError if a
    class is missing, a score is NaN or the shapes differ.

    Examples
    --------
    >>> auc([0.9, 0.5, 0.5, 0.1], [True, True, False, False])
    0.875
    """
    value = float(TieGroups.from_scores(scores, labels).auc())
    if np.isnan(value):
        raise ValueError("AUC needs at least one anomaly and one normal sequence")
    return value


def ranking_threshold(normal_scores: ArrayLike, alpha: float) -> float:
    """Lowest threshold (``score >= threshold``) that flags at most the share ``alpha`` of ``normal_scores``.

    ValueError if ``alpha`` is not between 0 and 1, or below 1/n, the resolution of n normal scores.

    Examples
    --------
    >>> sum(score >= ranking_threshold([1, 2, 3, 4], 0.25) for score in [1, 2, 3, 4])
    1
    """
    falling = np.sort(np.asarray(normal_scores, dtype=np.float64))[::-1]
    flagged = int(np.floor(alpha * falling.size + 1e-9))
    if not 0 < alpha < 1 or flagged < 1:
        raise ValueError(
            f"alpha {alpha:g} cannot be set with {falling.size} normal scores: "
            f"it takes a value below 1 and at least {int(np.ceil(1 / alpha)) if alpha > 0 else 1} of them"
        )
    return float(np.nextafter(falling[flagged], np.inf))


class RankingCurve(NamedTuple):
    """Points of a curve, from the strictest threshold to the laxest, one per distinct score."""

    x: Floats
    y: Floats


def roc_curve(scores: ArrayLike, labels: ArrayLike) -> RankingCurve:
    """False-positive rate (x) and recall (y) at every distinct score, from (0, 0) to (1, 1).

    Examples
    --------
    >>> roc_curve([3.0, 2.0, 1.0], [True, False, True]).y.tolist()
    [0.0, 0.5, 0.5, 1.0]
    """
    found, false = (np.r_[0.0, np.cumsum(counts)] for counts in TieGroups.from_scores(scores, labels).tie_counts())
    if not found[-1] or not false[-1]:
        raise ValueError("a ROC curve needs anomalies and normal sequences")
    return RankingCurve(false / false[-1], found / found[-1])


def pr_curve(scores: ArrayLike, labels: ArrayLike) -> RankingCurve:
    """Recall (x) and precision (y) at every distinct score.

    Examples
    --------
    >>> pr_curve([3.0, 2.0, 1.0], [True, False, True]).y.round(2).tolist()
    [1.0, 0.5, 0.67]
    """
    found, false = (np.cumsum(counts) for counts in TieGroups.from_scores(scores, labels).tie_counts())
    if not found[-1]:
        raise ValueError("a precision-recall curve needs anomalies")
    return RankingCurve(found / found[-1], found / (found + false))


def safe_ratio(over: Floats, under: Floats, empty: float = np.nan) -> Floats:
    """Quotient of two arrays, ``empty`` where the lower one is not above 0."""
    return np.divide(over, under, out=np.full_like(under, empty, dtype=np.float64), where=under > 0)
