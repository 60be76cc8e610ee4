"""One run, raw files to one Parquet part: scan, dedupe, mask distinct bodies, count, bags."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from lo2.features import FEATURES
from lo2.features.bags import Occurrences, bags, list_series
from lo2.features.messages import Messages
from lo2.features.templates import template_number
from lo2.loading.blocks import UNREADABLE, Reader
from lo2.loading.inventory import LoadOptions, LogFile, Shard
from lo2.loading.scan import Index, Scan, scan
from lo2.loading.sequences import Lines, Row, Traits, quality, summarise, traits
from lo2.schema import SEQUENCES

PIECE_BYTES = 48_000_000
_FOLD_BODIES = 50_000


@dataclass(frozen=True)
class ShardResult:
    """What one run gave: its sequences, what was counted per file, which files could not be read, its templates."""

    sequences: pl.DataFrame
    files: list[dict[str, Any]]
    bad_files: list[tuple[str, str]]
    templates: dict[int, str]
    coarse_messages: int

    def facts(self) -> dict[str, Any]:
        """What is kept of it beside the sequences."""
        return {
            "files": self.files,
            "bad_files": [list(pair) for pair in self.bad_files],
            "templates": {f"{number:08x}": text for number, text in sorted(self.templates.items())},
            "coarse_messages": self.coarse_messages,
        }


def pieces(shard: Shard, limit: int = PIECE_BYTES) -> list[Shard]:
    """A long run in pieces of whole files, in order, so that workers are evenly busy and memory stays bounded.

    Logs in a compressed tar stay together: they are read in one pass.

    Examples
    --------
    >>> logs = [LogFile("r", "correct", name, "/", name, 40, 0) for name in ("code", "key", "token")]
    >>> [[f.service for f in piece.files] for piece in pieces(Shard("r", tuple(logs)), 60)]
    [['code'], ['key'], ['token']]
    """
    if any(f.streamed for f in shard.files):
        return [shard]
    groups: list[list[LogFile]] = [[]]
    size = 0
    for file in shard.files:
        if groups[-1] and size + file.size_bytes > limit:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.size_bytes
    return [Shard(shard.run, tuple(group)) for group in groups]


def load_shard(shard: Shard, options: LoadOptions) -> ShardResult:
    """Sequences of one run, or of a piece of it; memory is bounded by its largest file and its distinct messages."""
    messages = Messages(options.profile)
    bad: list[tuple[str, str]] = []
    files = sorted(shard.files, key=lambda f: (f.outer, f.offset or 0))  # a compressed tar is read in one pass
    lines = list(_fold(_scan_files(files, options, bad), messages))
    known = traits(messages.texts)
    lines.sort(key=lambda one: one.file.seq_id)
    rows = [summarise(one, known, normal=options.normal, keep_startup=options.keep_startup) for one in lines]
    return ShardResult(
        _table(lines, rows, known, messages.texts, options),
        [quality(one) for one in lines],
        bad,
        _templates(rows, messages.texts),
        messages.coarse,
    )


@dataclass
class _Pending:
    reader: Reader
    scan: Scan
    index: Index


def _scan_files(files: Sequence[LogFile], options: LoadOptions, bad: list[tuple[str, str]]) -> Iterator[_Pending]:
    index = Index()
    for file in files:
        reader = Reader(file)
        try:
            yield _Pending(reader, scan(reader, index, profile=options.profile, shapes=True), index)
        except UNREADABLE as error:
            bad.append((file.relative, f"{type(error).__name__}: {error}".replace(file.path, file.relative)))
        if len(index) > _FOLD_BODIES:
            index = Index()


def _fold(scanned: Iterator[_Pending], messages: Messages) -> Iterator[Lines]:
    """Turn body numbers into message numbers whenever the bodies of some files have been collected."""
    group: list[_Pending] = []
    for one in scanned:
        if group and one.index is not group[0].index:
            yield from _fold_group(group, messages)
            group = []
        group.append(one)
    if group:
        yield from _fold_group(group, messages)


def _fold_group(group: list[_Pending], messages: Messages) -> Iterator[Lines]:
    numbers, replaced = messages.fold(list(group[0].index))
    for one in group:
        codes, reader = one.scan.codes, one.reader
        own = numbers[codes] if len(codes) else np.empty(0, np.uint32)
        lost = int(replaced[codes].sum()) if replaced.any() else 0
        yield Lines(reader.file, one.scan, own, lost, reader.size_bytes, reader.crc32, reader.truncated_bytes)


def _table(lines: list[Lines], rows: list[Row], known: Traits, texts: list[str], options: LoadOptions) -> pl.DataFrame:
    kept = [one.messages[one.kept(known, keep_startup=options.keep_startup)] for one in lines]
    occurrences = Occurrences.of(kept)
    numbers = np.fromiter(map(template_number, texts), np.uint32, len(texts))
    columns: dict[str, Any] = {name: [row.values[name] for row in rows] for name in (rows[0].values if rows else ())}
    for feature in FEATURES.values():
        bag = bags(occurrences, texts, feature.tokens)
        columns[feature.column] = bag["tokens"]
        columns[f"{feature.column}_count"] = bag["counts"]
        if feature.totals:
            columns[f"{feature.column}_len"] = bag["tokens"].list.len()
            columns[f"{feature.column}_total"] = bag["counts"].list.sum()
    columns["e_event_sequence"] = list_series([pl.Series(numbers[row.events]) for row in rows], pl.UInt32)
    series = [pl.Series(name, columns.get(name, [])).cast(column.dtype) for name, column in SEQUENCES.items()]
    return pl.DataFrame(series)


def _templates(rows: list[Row], texts: list[str]) -> dict[int, str]:
    used = np.unique(np.concatenate([np.empty(0, np.uint32), *(row.events for row in rows)]))
    return {template_number(texts[i]): texts[i] for i in used.tolist()}
