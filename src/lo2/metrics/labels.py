"""What a threshold gets right: counts of flagged and missed sequences, and the shares made from them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lo2.metrics.ranking import ratio

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Confusion:
    """Flagged anomalies (tp), flagged normals (fp), missed anomalies (fn), passed normals (tn).

    The counts are arrays of shape () or, with weights, (resamples,); the shares are NaN where they are undefined.
    """

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats

    @property
    def recall(self) -> Floats:
        """Share of the anomalies that are flagged."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> Floats:
        """Harmonic mean of precision and recall; 0 where anomalies exist and none is flagged."""
        return np.where(self.tp + self.fn > 0, ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn), np.nan)

    @property
    def fp_rate(self) -> Floats:
        """Share of the normal sequences that are flagged."""
        return ratio(self.fp, self.fp + self.tn)


def confusion(flagged: ArrayLike, labels: ArrayLike, *, weights: Floats | None = None) -> Confusion:
    """Counts of ``flagged`` (n,) against ``labels`` (n,); ``weights`` (..., n) say how often each row counts.

    Examples
    --------
    >>> found = confusion([True, True, False], [True, False, True])
    >>> float(found.recall), float(found.fp_rate)
    (0.5, 1.0)
    """
    hit, truth = np.asarray(flagged, dtype=np.bool_), np.asarray(labels, dtype=np.bool_)
    if hit.shape != truth.shape:
        raise ValueError(f"flags have shape {hit.shape}, labels {truth.shape}: one label per flag is needed")
    weight = np.ones(hit.shape) if weights is None else weights
    cells = [hit & truth, hit & ~truth, ~hit & truth, ~hit & ~truth]
    return Confusion(*(np.asarray(weight @ cell.astype(np.float64)) for cell in cells))
