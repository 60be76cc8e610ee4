"""Services merged into one ranking by p-value; the test rows and hold-out normals that a metric is measured on."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.metrics.conformal import merged_ranks, robust_z, within_each_service
from lo2.metrics.ranking import Floats
from lo2.rows import rows_of_each, run_names, service_names


def merged_score(predictions: pl.DataFrame, *, model: str) -> pl.Series:
    """Score that ranks rows across services: by p-value, ties by (score - median) / MAD of the service's normals.

    Within one service the order is that of the score itself. Median and MAD are those of the service's hold-out
    normals, or of all hold-out normals where the service has none.

    The result has ranks in row order, higher is more anomalous; NaN where there is no p-value (``train`` rows), and
    the raw scores where no row has a p-value.
    """
    p_value, scores = predictions[f"p_value_{model}"], predictions[f"score_{model}"].to_numpy()
    if p_value.null_count() == predictions.height:
        return pl.Series("merged_score", scores, dtype=pl.Float64)
    p = p_value.cast(pl.Float64).fill_null(np.nan).to_numpy()
    ranks = merged_ranks(p, by_service_normals(robust_z, predictions, scores, otherwise=0.0))
    return pl.Series("merged_score", ranks, dtype=pl.Float64)


def holdout_normals(predictions: pl.DataFrame) -> NDArray[np.bool_]:
    """Mask of the rows that thresholds and p-values come from."""
    mask = (predictions["split"] == "holdout") & ~predictions["anomaly"].fill_null(value=False)
    return mask.fill_null(value=False).to_numpy()


def mask_of_test_rows(predictions: pl.DataFrame) -> NDArray[np.bool_]:
    """Mask of the rows that labelled metrics are measured on."""
    mask = (predictions["split"] == "test") & predictions["anomaly"].is_not_null()
    return mask.fill_null(value=False).to_numpy()


def by_service_normals(
    how: Callable[[Floats, Floats], Floats], predictions: pl.DataFrame, scores: Floats, *, otherwise: float
) -> Floats:
    """``how(normals, scores)`` of each service and its hold-out normals, of all hold-out normals where it has none."""
    services, reference = service_names(predictions).to_numpy(), holdout_normals(predictions)
    normals = {name: scores[reference][rows] for name, rows in rows_of_each(services[reference])}
    return within_each_service(how, normals, scores, services, otherwise=otherwise)


@dataclass(frozen=True)
class TestRows:
    """The labelled test rows of one model's predictions, as arrays in one order."""

    __test__ = False  # a name, not a test class

    score: Floats
    labels: NDArray[np.bool_]
    flagged: NDArray[np.bool_]
    runs: NDArray[np.str_]
    services: NDArray[np.str_]
    reference: Floats
    seq_id: NDArray[np.str_]

    @classmethod
    def from_predictions(cls, predictions: pl.DataFrame, *, model: str) -> "TestRows":
        """Labelled test rows; ``score`` and ``reference`` (hold-out normals) are merged over services."""
        score = merged_score(predictions, model=model).to_numpy()
        mask = mask_of_test_rows(predictions)
        rows = predictions.filter(pl.Series(mask))
        return cls(
            score=score[mask],
            labels=rows["anomaly"].to_numpy().astype(np.bool_),
            flagged=rows[f"pred_{model}_threshold"].fill_null(value=False).to_numpy().astype(np.bool_),
            runs=run_names(rows).to_numpy().astype(np.str_),
            services=service_names(rows).to_numpy().astype(np.str_),
            reference=score[holdout_normals(predictions)],
            seq_id=rows["seq_id"].to_numpy().astype(np.str_),
        )

    def take_test_rows(self, seq_ids: NDArray[np.str_]) -> "TestRows":
        """The rows of ``seq_ids``, in that order; all of them must be there."""
        order = np.argsort(self.seq_id, kind="stable")
        at = order[np.searchsorted(self.seq_id, seq_ids, sorter=order)]
        return self.test_rows_at(at)

    def test_rows_at(self, places: NDArray[np.int64]) -> "TestRows":
        """The rows at ``places``."""
        names = ("score", "labels", "flagged", "runs", "services", "seq_id")
        return replace(self, **{name: getattr(self, name)[places] for name in names})
