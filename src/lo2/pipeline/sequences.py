"""Sequences read from the Parquet: checked, in order, only columns asked for, tokens coded, with their fingerprint."""

import ctypes
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2 import schema
from lo2.artefacts.files import scan_parquet
from lo2.errors import InputError, InputNotFoundError
from lo2.loading.inventory import Inventory
from lo2.pool import Gathering, Pool, distinct_pool_lists, unpooled

_ORDER = "e_event_sequence"
_HEAVY = ("e_trigrams", "e_trigrams_count", "e_event_drain_id", "e_event_drain_id_count", _ORDER)
_FINGERPRINT = ("seq_id", "anomaly", "seq_len", "e_words_len", "e_words_total", "e_trigrams_total", "n_error")
_SLICE, _BLOCK = 8_192, 4_096
_NEEDED = ("seq_id", "e_words")
_OPTIONAL = ("run", "anomaly", "service", "test_case", "start_time", "e_words_count")


@dataclass(frozen=True, repr=False)
class Sequences:
    """A sequence table as the phases use it: rows by ``seq_id``, what is missing said in ``notes``.

    ``texts`` are those of its templates by their id, and ``inventory`` the raw logs, where they were loaded with it;
    ``path`` is the file that it was read from. ``pool`` holds the lists of a table that was read ``pooled``.
    """

    frame: pl.DataFrame
    fingerprint: str
    notes: tuple[str, ...] = ()
    texts: Mapping[str, str] | None = None
    inventory: Inventory | None = None
    path: Path | None = None
    pool: Pool | None = None

    def __repr__(self) -> str:
        return f"Sequences({self.frame.height:,} rows, {self.frame.width} columns)"


def sequences_from_frame(frame: pl.DataFrame) -> Sequences:
    """Sequences of a table in memory, checked like those of a file.

    Raises
    ------
    SchemaError, InputError
        If it has no ``seq_id`` or no ``e_words`` (List[String]), a column of another type, no row, a null in them, or
        a ``seq_id`` twice.
    """
    what = "the sequence table"
    rows = schema.conform(frame.lazy(), schema.SEQUENCES, needed=_NEEDED, what=what).collect()
    rows = rows.sort("seq_id", maintain_order=True)
    _check_sequence_rows(what, rows)
    return Sequences(rows, sequences_fingerprint(rows), missing_sequence_columns(rows))


def read_sequences(
    path: Path,
    *,
    heavy: Iterable[str] = (),
    rows: pl.Series | None = None,
    order_of: pl.Series | None = None,
    pooled: bool = False,
) -> Sequences:
    """Sequences of a Parquet file, without the heavy columns unless they are named.

    Any file with ``seq_id`` and ``e_words`` (List[String]) will do. Other list columns of text are kept as strangers'
    tables have them. ``rows`` are the ``seq_id`` to keep, ``order_of`` those whose ``e_event_sequence`` is wanted: it
    is null in the others. ``pooled``: lists stay in a ``lo2.pool``, each distinct bag once.

    Raises
    ------
    InputNotFoundError, InputError, SchemaError
        If there is no such file, it is no Parquet, or a column is missing or of another type.
    """
    find_sequence_file(path)
    try:
        found = scan_parquet(path)
        columns = found.collect_schema()
    except (pl.exceptions.ComputeError, OSError) as error:
        raise InputError(f"{path} is not a Parquet file ({error})") from error
    found = schema.conform(found, schema.SEQUENCES, needed=_NEEDED, what=str(path))
    keep = [name for name in columns if name not in _HEAVY or name in heavy]
    lists = [name for name in keep if name in (*schema.POOLED, _ORDER)]
    found = found.select(keep)
    if rows is not None or not found.select("seq_id").collect()["seq_id"].is_sorted():
        found = _sequences_in_order(found, rows).lazy()
    plain = found.drop(lists).collect()
    digest = _sequence_facts_hash(plain)
    pool, found_lists = _sequence_list_slices(found.select("seq_id", *lists), digest, order_of)
    frame = plain.with_columns(found_lists).select(keep)
    if rows is None or frame.height:
        _check_sequence_rows(path, frame)
    if not pooled:
        return Sequences(unpooled(frame), digest.hexdigest(), missing_sequence_columns(frame), path=path)
    return Sequences(frame, digest.hexdigest(), missing_sequence_columns(frame), path=path, pool=pool)


def _sequences_in_order(found: pl.LazyFrame, rows: pl.Series | None) -> pl.DataFrame:
    """Sequences of the ``rows``, or all, by ``seq_id``; a table that is not sorted has to be held as it is for that."""
    found = found if rows is None else found.filter(pl.col("seq_id").is_in(rows.implode()))
    return found.collect().sort("seq_id", maintain_order=True, nulls_last=False)


def _sequence_list_slices(found: pl.LazyFrame, digest: Any, order_of: pl.Series | None) -> tuple[Pool, list[pl.Series]]:
    """Lists of all rows, a slice at a time, their words added to the ``digest``.

    The order of events takes ten times the memory of all the rest.
    """
    names = found.collect_schema().names()
    bags, gathering = [name for name in names if name in schema.POOLED], Gathering()
    orders: list[pl.Series] = []
    for start in count(0, _SLICE):
        part = found.slice(start, _SLICE).collect()
        _hash_sequence_words(digest, part["e_words"], gathering.add_lists(code_sequence_tokens(part.select(bags))))
        if _ORDER in names:
            orders.append(_sequence_slice_order(part, order_of))
        if part.height < _SLICE:
            break
    pool, places = gathering.pooled_rows()
    with suppress(AttributeError, OSError, TypeError):  # the C library of Linux keeps what was freed, others do not
        ctypes.CDLL(None).malloc_trim(0)
    lists = [pool.pool_column(name, places) for name in bags]
    return pool, [*lists, *([pl.concat(orders)] if orders else [])]


def _sequence_slice_order(part: pl.DataFrame, order_of: pl.Series | None) -> pl.Series:
    if order_of is None:
        return part[_ORDER]
    # Joined, not masked: a mask would keep what it hides.
    known = part.filter(pl.col("seq_id").is_in(order_of.implode())).select("seq_id", _ORDER)
    return part.select("seq_id").join(known, on="seq_id", how="left", maintain_order="left")[_ORDER]


def code_sequence_tokens(frame: pl.DataFrame) -> pl.DataFrame:
    """Sequences with their tokens as codes: as text they take seven times the memory."""
    return frame.with_columns(pl.col(n).cast(kind) for n, kind in schema.CODED.items() if n in frame.columns)


def find_sequence_file(path: Path) -> Path:
    """The path, if there is a file.

    Raises
    ------
    InputNotFoundError
        With the command that makes it.
    """
    if not path.is_file():
        raise InputNotFoundError(f"{path} does not exist. Make it with: lo2 load --root ROOT")
    return path


def _check_sequence_rows(path: Path | str, frame: pl.DataFrame) -> None:
    if frame.height == 0:
        raise InputError(f"{path} holds no sequence")
    for name in ("seq_id", "e_words"):
        lists, kind = distinct_pool_lists(frame, name)
        if nulls := int(lists[name].is_null().to_numpy()[kind].sum()):
            raise InputError(f"{path}: column {name!r} has {nulls} nulls; an empty list means no tokens")
    if frame["seq_id"].n_unique() < frame.height:
        raise InputError(f"{path}: seq_id {frame['seq_id'].filter(frame['seq_id'].is_duplicated())[0]!r} occurs twice")


def missing_sequence_columns(frame: pl.DataFrame) -> tuple[str, ...]:
    """One sentence per optional column that a table lacks."""
    gone = [name for name in _OPTIONAL if name not in frame.columns]
    uses = {
        "run": "every sequence is a run of its own",
        "anomaly": "no labels: every row may train, nothing can be evaluated",
        "service": "one threshold for all",
        "test_case": "no detection card",
        "start_time": "runs are ordered by name",
        "e_words_count": "tokens count as present or absent",
    }
    return tuple(f"no column {name!r}: {uses[name]}" for name in gone)


def sequences_fingerprint(frame: pl.DataFrame) -> str:
    """Hash of a data state: identity, labels and sizes of every sequence, and its words."""
    digest = _sequence_facts_hash(frame)
    for start in range(0, frame.height, _SLICE):
        _hash_sequence_words(digest, frame["e_words"].slice(start, _SLICE))
    return str(digest.hexdigest())


def _sequence_facts_hash(frame: pl.DataFrame) -> Any:
    facts = frame.select([name for name in _FINGERPRINT if name in frame.columns])
    return sha256(facts.write_csv().encode())


def _hash_sequence_words(digest: Any, words: pl.Series, places: NDArray[np.uint32] | None = None) -> None:
    """Words of all rows, of which those at one of ``places`` are the same."""
    _, first, kind = np.unique(
        np.arange(len(words)) if places is None else places, return_index=True, return_inverse=True
    )
    texts = words[first].cast(pl.List(pl.String)).list.join(" ")
    for start in range(0, len(words), _BLOCK):
        block = texts[kind[start : start + _BLOCK]]
        digest.update((block.str.join("\n")[0] or "").encode())
