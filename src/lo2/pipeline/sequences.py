"""Reading the sequence Parquet: checked, only the columns asked for, with its fingerprint."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import polars as pl

from lo2 import schema
from lo2.artefacts.files import scan_parquet
from lo2.errors import InputError, InputNotFoundError
from lo2.loading.inventory import Inventory

_ORDER = "e_event_sequence"
_HEAVY = ("e_trigrams", "e_trigrams_count", "e_event_drain_id", "e_event_drain_id_count", _ORDER)
_FINGERPRINT = ("seq_id", "anomaly", "seq_len", "e_words_len", "e_words_total", "e_trigrams_total", "n_error")
_SLICE = 8_192
_OPTIONAL = ("run", "anomaly", "service", "test_case", "start_time", "e_words_count")


@dataclass(frozen=True)
class Sequences:
    """A sequence table as the phases use it: rows by ``seq_id``, what is missing said in ``notes``.

    ``texts`` are those of its templates by their id, and ``inventory`` the raw logs, where they are at hand.
    """

    frame: pl.DataFrame
    fingerprint: str
    notes: tuple[str, ...] = ()
    texts: Mapping[str, str] | None = None
    inventory: Inventory | None = None


def from_frame(frame: pl.DataFrame) -> Sequences:
    """Sequences of a table in memory, checked like those of a file.

    Raises
    ------
    SchemaError, InputError
        If it has no ``seq_id`` or no ``e_words`` (List[String]), no row, a null in them, or a ``seq_id`` twice.
    """
    what = "the sequence table"
    schema.check(frame, schema.SEQUENCES, only=["seq_id", "e_words"], what=what)
    rows = frame.sort("seq_id", maintain_order=True)
    _check_sequence_rows(what, rows)
    return Sequences(rows, fingerprint(rows), missing_columns(rows))


def read_sequences(
    path: Path, *, heavy: Iterable[str] = (), rows: pl.Series | None = None, order_of: pl.Series | None = None
) -> Sequences:
    """Sequences of a Parquet file, without the heavy columns unless they are named.

    Any file with ``seq_id`` and ``e_words`` (List[String]) will do. Other list columns of text are kept as strangers'
    tables have them. ``rows`` are the ``seq_id`` to keep, ``order_of`` those whose ``e_event_sequence`` is wanted: it
    is null in the others.

    Raises
    ------
    InputNotFoundError, InputError, SchemaError
        If there is no such file, it is no Parquet, or a column is missing or of another type.
    """
    find_sequences(path)
    try:
        found = scan_parquet(path)
        columns = found.collect_schema()
    except (pl.exceptions.ComputeError, OSError) as error:
        raise InputError(f"{path} is not a Parquet file ({error})") from error
    if columns.get("e_words") == pl.List(pl.Null):
        found = found.with_columns(pl.col("e_words").cast(pl.List(pl.String)))
    schema.check(found, schema.SEQUENCES, only=["seq_id", "e_words"], what=str(path))
    present = [name for name in schema.SEQUENCES if name in columns]
    schema.check(
        found,
        schema.SEQUENCES,
        only=[n for n in present if n not in ("start_time", "end_time", "duration")],
        what=str(path),
    )
    keep = [name for name in columns if name not in _HEAVY or name in heavy]
    frame = _sequences_collected_by_slice(found.select(keep), order_of)
    if not frame["seq_id"].is_sorted():  # sorting holds the table twice
        frame = frame.sort("seq_id", maintain_order=True, nulls_last=False)
    _check_sequence_rows(path, frame)
    if rows is not None:
        frame = frame.filter(frame["seq_id"].is_in(rows.implode()))
    return Sequences(frame, fingerprint(frame), missing_columns(frame))


def _sequences_collected_by_slice(found: pl.LazyFrame, order_of: pl.Series | None) -> pl.DataFrame:
    """All rows, a slice at a time: the order of events takes ten times the memory of all the rest."""
    parts: list[pl.DataFrame] = []
    while not parts or parts[-1].height == _SLICE:
        part = coded(found.slice(len(parts) * _SLICE, _SLICE).collect())
        if order_of is not None and _ORDER in part.columns:
            # Joined, not masked: a mask would keep what it hides.
            known = part.filter(pl.col("seq_id").is_in(order_of.implode())).select("seq_id", _ORDER)
            part = part.drop(_ORDER).join(known, on="seq_id", how="left", maintain_order="left")
        parts.append(part)
    return pl.concat(parts)


def coded(frame: pl.DataFrame) -> pl.DataFrame:
    """The same with tokens as codes: as text they take seven times the memory."""
    return frame.with_columns(pl.col(n).cast(kind) for n, kind in schema.CODED.items() if n in frame.columns)


def find_sequences(path: Path) -> Path:
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
        if frame[name].null_count():
            raise InputError(
                f"{path}: column {name!r} has {frame[name].null_count()} nulls; an empty list means no tokens"
            )
    if frame["seq_id"].n_unique() < frame.height:
        raise InputError(f"{path}: seq_id {frame['seq_id'].filter(frame['seq_id'].is_duplicated())[0]!r} occurs twice")


def missing_columns(frame: pl.DataFrame) -> tuple[str, ...]:
    """One sentence per optional column that a table lacks."""
    gone = [name for name in _OPTIONAL if name not in frame.columns]
    uses = {
        "run": "every sequence is a run of its own",
        "anomaly": "no labels: every row may train, nothing can be evaluated",
        "service": "one threshold for all",
        "test_case": "no detection card",
        "start_time": "runs are ordered by name",
        "e_words_count": "words count as present or absent",
    }
    return tuple(f"no column {name!r}: {uses[name]}" for name in gone)


def fingerprint(frame: pl.DataFrame) -> str:
    """Hash of a data state: identity, labels and sizes of every sequence, and its words."""
    facts = frame.select([name for name in _FINGERPRINT if name in frame.columns])
    digest = sha256(facts.write_csv().encode())
    for block in frame.select("e_words").iter_slices(4096):
        words = block["e_words"].cast(pl.List(pl.String))
        digest.update("\n".join(words.list.join(" ").to_list()).encode())
    return digest.hexdigest()
