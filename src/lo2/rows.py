"""Rows of any table: the names of their run and service, whatever the table lacks; rows of each, rows where."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

_ROWS = 8_192
UNIT = ("run", "test_case")
"""What a verdict is of: a test case of a run."""


def run_names(rows: pl.DataFrame) -> pl.Series:
    """Run of every row; a row without one, like every row of a table without runs, is a run of its own.

    Examples
    --------
    >>> run_names(pl.DataFrame({"seq_id": ["a", "b"], "run": ["1", None]})).to_list()
    ['1', 'b']
    """
    if "run" not in rows.columns:
        return rows["seq_id"].cast(pl.String).rename("run")
    names = rows["run"].cast(pl.String)
    return names.zip_with(names.is_not_null(), rows["seq_id"].cast(pl.String)) if names.has_nulls() else names


def service_names(rows: pl.DataFrame) -> pl.Series:
    """Service of every row, empty where none is known.

    Examples
    --------
    >>> service_names(pl.DataFrame({"seq_id": ["a", "b"], "service": ["web", None]})).to_list()
    ['web', '']
    """
    if "service" not in rows.columns:
        return pl.repeat("", rows.height, dtype=pl.String, eager=True).rename("service")
    return rows["service"].cast(pl.String).fill_null("")


def rows_of_each(names: NDArray[Any]) -> Iterator[tuple[Any, NDArray[np.bool_]]]:
    """Every name that occurs, sorted, and the mask of its rows: what is done within each service goes through here.

    Examples
    --------
    >>> [(name, rows.tolist()) for name, rows in rows_of_each(np.array(["web", "db", "web"], object))]
    [('db', [False, True, False]), ('web', [True, False, True])]
    """
    return ((name, np.asarray(names == name)) for name in sorted(set(names.tolist())))


def rows_by_rank(predictions: pl.DataFrame, model: str, *, least_first: bool = False) -> pl.DataFrame:
    """Predictions with the most anomalous by ``model`` first, or ``least_first``; of equal ranks in the order of names.

    Examples
    --------
    >>> rows_by_rank(pl.DataFrame({"seq_id": ["b", "a", "c"], "rank_if": [2, 2, 1]}), "if")["seq_id"].to_list()
    ['c', 'a', 'b']
    """
    return predictions.sort(f"rank_{model}", "seq_id", descending=[least_first, False], nulls_last=True)


def rows_where(rows: pl.DataFrame, mask: pl.Series) -> pl.DataFrame:
    """The rows where ``mask`` is true, a slice at a time: at once, a long table would be held twice.

    Examples
    --------
    >>> rows_where(pl.DataFrame({"n": [1, 2, 3]}), pl.Series([True, False, None]))["n"].to_list()
    [1]
    """
    parts = [part.filter(mask.slice(i * _ROWS, _ROWS)) for i, part in enumerate(rows.iter_slices(_ROWS))]
    return pl.concat(parts) if parts else rows


def identified_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with a run and a service each, whatever they lacked of them.

    Examples
    --------
    >>> identified_rows(pl.DataFrame({"seq_id": ["a", "b"], "run": ["1", None]})).rows()
    [('a', '1', ''), ('b', 'b', '')]
    """
    return rows.with_columns(run_names(rows), service_names(rows))


def evenly_spread_rows(n: int, most: int) -> NDArray[np.int64]:
    """Places of at most ``most`` of ``n`` rows, spread evenly, the first and the last among them.

    Examples
    --------
    >>> evenly_spread_rows(9, 3).tolist(), evenly_spread_rows(2, 3).tolist(), evenly_spread_rows(0, 3).tolist()
    ([0, 4, 8], [0, 1], [])
    """
    return np.unique(np.linspace(0, max(n - 1, 0), min(n, most)).round().astype(np.int64))
