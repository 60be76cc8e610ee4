"""Distances as sums over tokens: slopes of nearest normals, centres, local density and the one-class kernel.

Each of these scores is linear in the coordinates of a row once the direction away from what it is compared with is
fixed: a distance is ``g . (z - c)`` with the unit vector ``g`` along ``z - c``. No gradient is integrated and nothing
is approximated.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lo2.explain.allocation import Contributions
from lo2.explain.bags import Floats
from lo2.sparse import csr_matrix, row_sums

_CELLS = 4_000_000


def distance_link(value: Floats) -> Floats:
    """Link of scores that are additive as they stand."""
    return value


def neighbour_distance(estimator: Any, X: Any, groups: Any) -> Contributions:
    """Cosine distance to the nearest normal: 1 - u.v is half the sum of (u - v) ** 2 for rows of length 1.

    What novel words add beyond the distance is shared by them.
    """
    if hasattr(estimator, "contributions"):
        values, base = estimator.contributions(X, groups)
        return Contributions(
            values, base, distance_link, "distance to the nearest normal, and novelty beyond what is typical"
        )
    rows = estimator.weigh(X)
    _, nearest = estimator.kneighbors(X, groups)
    k, square = nearest.shape[1], csr_matrix(rows.shape)
    lengths = np.zeros(rows.shape[0])
    for i in range(k):
        other = estimator.rows_[nearest[:, i]]
        apart = rows - other
        square = square + apart.multiply(apart) / (2 * k)
        # Only a row without tokens is not of length 1.
        lengths += np.asarray(rows.multiply(rows).sum(axis=1) + other.multiply(other).sum(axis=1)).ravel() / k
    unit = "mean cosine distance to the nearest normals, from 0 to 1; this is the score"
    return Contributions(csr_matrix(square), 1.0 - lengths / 2, distance_link, unit)


@dataclass(frozen=True)
class Slope:
    """``value = (g * z).sum(axis=1) + constant`` for each row's coordinates ``z``, and the way back to the score."""

    g: Floats
    constant: Floats
    link: Callable[[Floats], Floats]
    unit: str


def _directions_from_centres(z: Floats, centres: Floats) -> tuple[Floats, Floats]:
    """Unit vectors from centres to rows, and the distances; no direction where there is no distance."""
    away = z[:, None, :] - centres
    distance = np.sqrt((away**2).sum(axis=2))
    return away / np.where(distance > 0, distance, 1.0)[..., None], distance


def _centre_distance_slope(estimator: Any, z: Floats) -> Slope:
    near = estimator.model_.transform(z).argmin(axis=1)
    centres = estimator.model_.cluster_centers_[near][:, None, :]
    g, _ = _directions_from_centres(z, centres)
    constant = -(g * centres).sum(axis=(1, 2))
    return Slope(
        g[:, 0], constant, distance_link, "distance to the nearest centre of normal sequences; this is the score"
    )


def _local_density_slope(estimator: Any, z: Floats) -> Slope:
    """LOF = mean density of the neighbours times the mean reach distance; the part of a reach that is the row's own."""
    model = estimator.model_
    _, near = model.kneighbors(z)
    k, others = near.shape[1], model._fit_X[near]
    reach = model._distances_fit_X_[near, model.n_neighbors_ - 1]
    g, distance = _directions_from_centres(z, others)
    own = distance > reach
    density = model._lrd[near].mean(axis=1)
    fixed = np.where(own, -(g * others).sum(axis=2), reach).sum(axis=1) / k
    slope = (g * own[..., None]).sum(axis=1) / k
    unit = "local outlier factor: sparser than the neighbours by this factor; this is the score"
    return Slope(density[:, None] * slope, density * (fixed + 1e-10), distance_link, unit)


def _one_class_kernel_slope(estimator: Any, z: Floats) -> Slope:
    """-log of a sum of Gaussians = their mean squared distance by their share in the sum, plus the entropy term."""
    model = estimator.model_
    gamma, vectors = model._gamma, model.support_vectors_
    weights = np.log(np.asarray(model.dual_coef_, np.float64).ravel())
    g, constant = np.empty_like(z), np.empty(len(z))
    for i, row in enumerate(z):
        squared = ((row - vectors) ** 2).sum(axis=1)
        exponent = weights - gamma * squared
        top = exponent.max()
        log_sum = top + np.log(np.exp(exponent - top).sum())
        middle = np.exp(exponent - log_sum) @ vectors
        g[i] = gamma * (row - middle)
        constant[i] = -log_sum - g[i] @ row
    unit = "minus the logarithm of the kernel density; score = -exp(-value)"
    return Slope(g, constant, lambda value: -np.exp(-value), unit)


SLOPES: Mapping[str, Callable[[Any, Floats], Slope]] = {
    "NearestCentre": _centre_distance_slope,
    "LocalOutlier": _local_density_slope,
    "OneClass": _one_class_kernel_slope,
}
"""By class of the estimator: what its score is linear in."""


def compressed_distance(estimator: Any, X: Any, baseline: Any) -> Contributions:
    """Scores of rows placed by directions of tf-idf and the length of what these leave over.

    The remainder's length is linear too, along its own direction. ``baseline`` (CSR, rows x columns) is the tf-idf that
    each row is compared with, column by column; it moves the base, not the value.
    """
    from scipy import sparse

    rows = csr_matrix(estimator.tfidf_.transform(X.astype(np.float64)))
    z = estimator._compressed_tf_idf_rows(X)
    slope = SLOPES[type(estimator).__name__](estimator, z)
    value = (slope.g * z).sum(axis=1) + slope.constant
    inside = np.asarray(rows @ estimator.components_.T)
    length = np.where(z[:, -1] > 0, z[:, -1], 1.0)
    cells = sparse.coo_matrix((rows != 0).astype(np.float64) + (baseline != 0).astype(np.float64))
    step, found = max(1, _CELLS // z.shape[1]), np.empty(cells.nnz)
    held = csr_matrix(rows)
    for start in range(0, cells.nnz, step):
        part = slice(start, start + step)
        i, j = cells.row[part], cells.col[part]
        directions = estimator.components_[:, j].T
        left = (np.asarray(held[i, j]).ravel() - (inside[i] * directions).sum(axis=1)) / length[i]
        along = (slope.g[i, :-1] * directions).sum(axis=1) + slope.g[i, -1] * left
        found[part] = along * np.asarray((held - baseline)[i, j]).ravel()
    values = csr_matrix((found, (cells.row, cells.col)), shape=rows.shape)
    # What rounding of the places leaves is in the base with the rest of what no token adds.
    return Contributions(values, value - row_sums(values), slope.link, slope.unit)
