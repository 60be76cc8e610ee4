"""The allocation of columns to tokens: contributions of columns that many tokens share are split onto those tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lo2.explain.bags import Bag, Floats
from lo2.sparse import csr_matrix, row_numbers


@dataclass(frozen=True)
class Contributions:
    """Additive form of a score: ``link(base + values.sum(axis=1)) == score``, row by row.

    ``values`` is CSR, rows by columns; ``base`` has one number per row; ``unit`` says what is added up.
    """

    values: Any
    base: Floats
    link: Callable[[Floats], Floats]
    unit: str


def allocate_to_tokens(columns: Contributions, bag: Bag, numeric: tuple[str, ...]) -> tuple[Contributions, list[str]]:
    """Contributions of columns as contributions of tokens, and the tokens' names.

    A column that one token has goes to that token, also where the token is missing. A column that many share is split
    by :func:`allocation_shares`; where a row neither holds nor is expected to hold any of its tokens (no novel token,
    say) the column's contribution joins the row's base: it belongs to no token. Numeric columns follow by their names.
    """
    width = columns.values.shape[1] - len(numeric)
    owners = np.bincount(bag.column, minlength=width) if bag.names else np.zeros(width, np.int64)
    shared = owners != 1
    if width and bag.novel:
        shared[0] = True
    single = np.full(width + len(numeric), -1, np.int64)
    alone = ~shared[bag.column] if bag.names else np.empty(0, bool)
    single[bag.column[alone]] = np.flatnonzero(alone)
    single[width:] = len(bag.names) + np.arange(len(numeric))
    values = columns.values
    row, column = row_numbers(values), values.indices
    direct = single[column] >= 0
    rows, tokens, data = row[direct], single[column[direct]], values.data[direct]
    base = columns.base.astype(np.float64).copy()
    rest = csr_matrix((values.data[~direct], (row[~direct], column[~direct])), shape=values.shape)
    parts = [(rows, tokens, data), *_allocate_shared_columns(rest, bag, base)]
    row, token, amount = (np.concatenate([part[i] for part in parts]) for i in range(3))
    names = [*bag.names, *numeric]
    split = csr_matrix((amount, (row, token)), shape=(columns.base.size, len(names)), dtype=np.float64)
    return Contributions(split, base, columns.link, columns.unit), names


def _allocate_shared_columns(rest: Any, bag: Bag, base: Floats) -> list[tuple[Any, Any, Any]]:
    """(rows, tokens, contributions) of the shared columns; what no token can carry is added to ``base``."""
    parts = []
    for i in np.flatnonzero(np.diff(rest.indptr)):
        own = slice(bag.counts.indptr[i], bag.counts.indptr[i + 1])
        ids = np.union1d(bag.counts.indices[own], bag.expected[bag.service[i]]).astype(np.int64)
        here = np.zeros(ids.size)
        here[np.searchsorted(ids, bag.counts.indices[own])] = bag.counts.data[own]
        there, columns = bag.baseline[bag.service[i], ids], bag.column[ids]
        cells = slice(rest.indptr[i], rest.indptr[i + 1])
        for column, amount in zip(rest.indices[cells], rest.data[cells], strict=True):
            members = columns == column
            if not members.any():
                base[i] += amount
                continue
            part = amount * allocation_shares(here[members], there[members], more_anomalous=amount > 0)
            parts.append((np.full(part.size, i), ids[members], part))
    return parts


def allocation_shares(here: Floats, baseline: Floats, *, more_anomalous: bool) -> Floats:
    """How the tokens of one column share its contribution; they sum to 1.

    What makes a row more anomalous is put on the tokens by which it departs from the baseline counts, in the direction
    in which the column departs; what makes it more normal, on those in which it agrees.

    Examples
    --------
    >>> allocation_shares(np.array([5.0, 0.0, 2.0]), np.array([1.0, 0.0, 2.0]), more_anomalous=True).tolist()
    [1.0, 0.0, 0.0]
    >>> allocation_shares(np.array([3.0, 1.0]), np.array([0.0, 0.0]), more_anomalous=True).tolist()
    [0.75, 0.25]
    """
    departure = here - baseline
    # A mean of ones is 1 up to rounding.
    departure[np.abs(departure) < 1e-9] = 0.0
    weights = [departure * np.sign(departure.sum()), np.abs(departure), here]
    if not more_anomalous:
        weights.insert(0, np.minimum(here, baseline))
    for weight in weights:
        positive = np.clip(weight, 0.0, None)
        if positive.sum() > 0:
            return np.asarray(positive / positive.sum())
    return np.full(here.size, 1.0 / here.size)
