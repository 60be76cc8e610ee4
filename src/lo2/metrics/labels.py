"""The confusion of flags and labels at a threshold: counts of flagged and missed sequences, shares made from them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lo2.metrics.ranking import Floats, safe_ratio


class Confusion(NamedTuple):
    """Flagged anomalies (tp), flagged normals (fp), missed anomalies (fn), passed normals (tn), and shares of them.

    Arrays of shape () or, with weights, (resamples,); a share is NaN where it is undefined, ``f1`` 0 where anomalies
    exist and none is flagged.
    """

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats
    recall: Floats
    fp_rate: Floats
    f1: Floats


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
    cells = (hit & truth, hit & ~truth, ~hit & truth, ~hit & ~truth)
    tp, fp, fn, tn = (np.asarray(weight @ cell.astype(np.float64)) for cell in cells)
    f1 = np.where(tp + fn > 0, safe_ratio(2 * tp, 2 * tp + fp + fn), np.nan)
    return Confusion(tp, fp, fn, tn, recall=safe_ratio(tp, tp + fn), fp_rate=safe_ratio(fp, fp + tn), f1=f1)
