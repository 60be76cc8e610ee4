"""A pool holds lists that repeat in columns, each distinct one once: a table keeps only the place of every row there.

A pooled column is a Categorical of categories that bear the pool's name, so that rows which Polars filters, sorts or
slices still say where their lists are. A pool is there as long as somebody holds it: whoever holds such a table must.
"""

from hashlib import blake2b
from itertools import count
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import polars as pl
from numpy.typing import NDArray

Places = NDArray[np.int64]
_NUMBERS = count()
_POOLS: "WeakValueDictionary[str, Pool]" = WeakValueDictionary()


class Pool:
    """The distinct rows of some columns of lists.

    Examples
    --------
    >>> pool = Pool(pl.DataFrame({"words": [["up"], ["up", "down"]]}))
    >>> rows = pl.DataFrame({"n": [1, 2, 3]}).with_columns(pool.pool_column("words", np.array([0, 1, 0])))
    >>> unpooled(rows.filter(pl.col("n") > 1)).rows()
    [(2, ['up', 'down']), (3, ['up'])]
    """

    def __init__(self, lists: pl.DataFrame) -> None:
        self.lists = lists
        name = f"lo2-pool-{next(_NUMBERS)}"
        places = pl.int_range(lists.height, eager=True).cast(pl.String)
        self._places = places.cast(pl.Categorical(pl.Categories(name)))
        self._wider: list[Pool] = []
        _POOLS[name] = self

    def pool_column(self, name: str, places: Places) -> pl.Series:
        """The column ``name`` of rows whose lists stand at these places."""
        return self._places.gather(pl.Series(places, dtype=pl.UInt32)).alias(name)

    def widened_rows(self, rows: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
        """``rows`` of this pool with the columns of ``more`` next to theirs; what they need lives as long as this."""
        wider = Pool(self.lists.with_columns(more.get_columns()))
        self._wider.append(wider)
        pooled = [name for name, dtype in rows.schema.items() if is_pooled(dtype)]
        at = _pool_places(rows[pooled[0]])
        return rows.with_columns(wider.pool_column(name, at) for name in dict.fromkeys([*pooled, *more.columns]))


class Gathering:
    """Makes a pool of rows that come slice by slice."""

    def __init__(self) -> None:
        self._seen: dict[bytes, int] = {}
        self._parts: list[pl.DataFrame] = []
        self._places: list[NDArray[np.uint32]] = []

    def add_lists(self, part: pl.DataFrame) -> NDArray[np.uint32]:
        """Place of each of the next rows: lists of Categorical or of numbers."""
        n, seen = len(self._seen), self._seen
        keys = _list_digests(part)
        places = np.fromiter((seen.setdefault(key, len(seen)) for key in keys), np.uint32, len(keys))
        self._places.append(places)
        fresh, first = np.unique(places, return_index=True)
        self._parts.append(part[first[fresh >= n].tolist()])
        return places

    def pooled_rows(self) -> tuple[Pool, Places]:
        """The pool, and the place of every row in it."""
        # In one piece: rows of many are slow to fetch.
        return Pool(pl.concat(self._parts, rechunk=True)), np.concatenate(self._places).astype(np.int64)


def is_pooled(dtype: Any) -> bool:
    """Whether a column of this type says where its lists are."""
    return isinstance(dtype, pl.Categorical) and dtype.categories.name() in _POOLS


def pool_of(rows: pl.DataFrame) -> Pool | None:
    """The pool of the lists of a table, if it has one."""
    names = (dtype.categories.name() for dtype in rows.schema.values() if isinstance(dtype, pl.Categorical))
    return next((_POOLS[name] for name in names if name in _POOLS), None)


def unpooled(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their lists in place."""
    pool = pool_of(rows)
    if pool is None:
        return rows
    pooled = [name for name, dtype in rows.schema.items() if is_pooled(dtype)]
    lists = pool.lists.select(pooled)[_pool_places(rows[pooled[0]])]
    return rows.with_columns(lists.get_columns())


def distinct_pool_lists(rows: pl.DataFrame, *columns: str) -> tuple[pl.DataFrame, Any]:
    """Lists of these columns, each distinct row of a pool once, and which of them is every row's.

    Of a table without a pool they are its rows as they stand.

    Examples
    --------
    >>> lists, kind = distinct_pool_lists(pl.DataFrame({"words": [["up"], ["up"]]}), "words")
    >>> lists.height, lists[kind].height
    (2, 2)
    """
    pool = pool_of(rows)
    if pool is None or not all(is_pooled(rows.schema[name]) for name in columns):
        return rows.select(columns), slice(None)
    places, kind = np.unique(_pool_places(rows[columns[0]]), return_inverse=True)
    return pool.lists.select(columns)[places], kind


def equal_pooled_rows(rows: pl.DataFrame, column: str, second: pl.Series) -> tuple[pl.DataFrame, Any]:
    """One row of each kind that is the same in a pooled ``column`` and in ``second``, and the kind of every row."""
    if not is_pooled(rows.schema.get(column)):
        return rows, slice(None)
    other = second.cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
    keys = (_pool_places(rows[column]) << 32) + other
    _, first, kind = np.unique(keys, return_index=True, return_inverse=True)
    return rows[first], kind


def _pool_places(column: pl.Series) -> Places:
    return column.to_physical().to_numpy().astype(np.int64)


def _list_digests(part: pl.DataFrame) -> list[bytes]:
    """A hash of the lists of every row."""
    blocks = [_list_bytes(column) for column in part.get_columns()]
    sizes = np.stack([lengths for lengths, _ in blocks], axis=1)
    ends = [np.concatenate([[0], np.cumsum(np.maximum(lengths, 0))]).tolist() for lengths, _ in blocks]
    views = [(memoryview(data), width) for _, (data, width) in blocks]
    found = []
    for i in range(part.height):
        digest = blake2b(sizes[i].tobytes(), digest_size=16)
        for (data, width), at in zip(views, ends, strict=True):
            digest.update(data[at[i] * width : at[i + 1] * width])
        found.append(digest.digest())
    return found


def _list_bytes(column: pl.Series) -> tuple[Places, tuple[bytes, int]]:
    """Length of every list, -1 for none, and all items in a row with the size of one."""
    lengths = column.list.len().cast(pl.Int64).fill_null(-1).to_numpy()
    items = column.filter(pl.Series(lengths > 0)).explode().to_physical()
    values = (items.cast(pl.Int64).fill_null(-1) if items.has_nulls() else items).to_numpy()
    return lengths, (values.tobytes(), values.itemsize)
