"""The judgement of scores: a conformal p-value in the pool of its service's normals, flagged at the level asked.

With a hundred hold-out normals or more a service is judged by these. With fewer, every sequence is judged by all normal
sequences of other runs, each scored without its own run; where even these are too few, by all services together, in
units of each service's own spread. What is still too few is said, not flagged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.metrics.conformal import left_out_p_values, p_values, reachable_p_value, robust_z
from lo2.models.base import Reference, Strings
from lo2.models.threshold import Floats
from lo2.rows import rows_of_each

# Hold-out normals of a service from which on they suffice.
ENOUGH = 100


@dataclass(frozen=True)
class LeftOutScores:
    """Scores of all rows without their own run, which rows are normal, and the run of each."""

    scores: Floats
    normal: NDArray[np.bool_]
    runs: Strings


@dataclass(frozen=True)
class Judgement:
    """p-value per row, NaN without any normal; ``tellable`` where the level could be reached; reasons by service."""

    p_value: Floats
    tellable: NDArray[np.bool_]
    level: float
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def flagged(self) -> pl.Series:
        """True where the p-value is at most the level; null where no p-value could be."""
        hit = np.nan_to_num(self.p_value, nan=1.0) <= self.level + 1e-12
        return pl.Series("flagged", hit).set(pl.Series(~self.tellable), None)


def judgement_of_scores(
    reference: Reference,
    scores: Floats,
    services: Strings,
    *,
    level: float,
    left_out: LeftOutScores | None = None,
    repeats: bool = False,
) -> Judgement:
    """p-values of rows with these ``scores``: new data, or with ``left_out`` the rows that the model was made with.

    ``repeats``: see ``p_values``.
    """
    p_value, tellable = np.full(scores.size, np.nan), np.zeros(scores.size, np.bool_)
    reasons: dict[str, str] = {}
    pooled = _judgement_pools(reference, services, left_out)
    for service, rows in rows_of_each(services):
        own = reference.holdout.get(service, np.empty(0))
        if own.size < ENOUGH and left_out is not None:
            n = int((rows & left_out.normal).sum())
            # A service without any normal row is judged by those of all services.
            part = rows if n else np.ones(rows.size, np.bool_)
            one = left_out_p_values(left_out.scores[part], left_out.normal[part], left_out.runs[part], repeats=repeats)
            found, m = (one.p_value, one.n) if n else (one.p_value[rows], one.n[rows])
            p_value[rows], tellable[rows] = np.where(m > 0, found, np.nan), reachable_p_value(m, level)
        else:
            own = own if own.size >= ENOUGH else reference.normal.get(service, own)
            own = own if own.size else reference.pooled_scores()
            n = own.size
            if n:
                p_value[rows], tellable[rows] = (
                    p_values(own, scores[rows], repeats=repeats),
                    reachable_p_value(n, level),
                )
        if not tellable[rows].all() and pooled is not None:
            z = pooled.z(service, scores if left_out is None else left_out.scores, rows)
            if z is not None and reachable_p_value(pooled.values.size - pooled.largest, level):
                p_value[rows], tellable[rows] = pooled.p_values(z, rows), True
        if not tellable[rows].all():
            reasons[service] = f"too few to tell ({n} normal sequences)"
    return Judgement(p_value, tellable, level, reasons)


@dataclass(frozen=True)
class _Pooled:
    """Normal scores of all services as (score - median) / MAD of their service, and the run of each."""

    values: Floats
    runs: Strings | None
    normals: Mapping[str, Floats]
    row_runs: Strings | None
    largest: int

    def z(self, service: str, scores: Floats, rows: NDArray[np.bool_]) -> Floats | None:
        own = self.normals.get(service, np.empty(0))
        return np.asarray(robust_z(own, scores[rows])) if own.size > 1 else None

    def p_values(self, z: Floats, rows: NDArray[np.bool_]) -> Floats:
        if self.runs is None or self.row_runs is None:
            return p_values(self.values, z)
        found = np.empty(z.size)
        runs = self.row_runs[rows]
        for run in sorted(set(runs.tolist())):
            found[runs == run] = p_values(self.values[self.runs != run], z[runs == run])
        return found


def _judgement_pools(reference: Reference, services: Strings, left_out: LeftOutScores | None) -> _Pooled | None:
    if left_out is None:
        normals = reference.normal or reference.holdout
        parts = [robust_z(own, own) for own in normals.values() if own.size > 1]
        values = np.concatenate([np.empty(0), *parts])
        return _Pooled(values, None, normals, None, 0) if values.size else None
    normals, parts, runs = {}, [], []
    for service, rows in rows_of_each(services):
        chosen = rows & left_out.normal
        normals[service] = own = left_out.scores[chosen]
        if own.size > 1:
            parts.append(robust_z(own, own))
            runs.append(left_out.runs[chosen])
    if not parts:
        return None
    names = np.concatenate(runs)
    largest = int(np.unique(names.astype(np.str_), return_counts=True)[1].max())
    return _Pooled(np.concatenate(parts), names, normals, left_out.runs, largest)
