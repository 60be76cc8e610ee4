"""One run, raw files to one Parquet part: scan, dedupe, mask distinct bodies, count, bags."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from lo2.features import FEATURES
from lo2.features.bags import Occurrences, bags, list_series
from lo2.features.messages import Messages
from lo2.features.templates import template_number
from lo2.loading.blocks import UNREADABLE, Reader, keep_memory
from lo2.loading.inventory import LoadOptions, LogFile, Shard, settled
from lo2.loading.scan import Codes, Index, Scan, scan
from lo2.loading.sequences import Lines, Row, quality, summarise, traits
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
    keep_memory()
    options = settled(options)
    messages = Messages(options.profile)
    folder = _Folder(messages, options)
    lines = folder.read(sorted(shard.files, key=lambda f: (f.outer, f.offset or 0)))  # a compressed tar in one pass
    known = traits(messages.texts)
    lines.sort(key=lambda one: one.file.seq_id)
    rows = [summarise(one, known, keep_startup=options.keep_startup) for one in lines]
    numbers = np.fromiter(map(template_number, messages.texts), np.uint32, len(messages.texts))
    occurrences = Occurrences.of([one.counted(known, keep_startup=options.keep_startup) for one in lines])
    return ShardResult(
        _table(rows, occurrences, messages.texts, numbers),
        [quality(one) for one in lines],
        folder.bad,
        _templates(rows, messages.texts, numbers),
        messages.coarse,
    )


class _Folder:
    """Reads files one after the other and turns body numbers into message numbers whenever the index is full."""

    def __init__(self, messages: Messages, options: LoadOptions) -> None:
        self.bad: list[tuple[str, str]] = []
        self._messages, self._options = messages, options
        self._index = Index()
        self._open: list[_Numbered] = []

    def read(self, files: Iterable[LogFile]) -> list[Lines]:
        done = [one for file in files if (one := self._read(file)) is not None]
        self._settle()
        return [one.lines() for one in done]

    def _read(self, file: LogFile) -> "_Numbered | None":
        one = _Numbered(Reader(file))
        self._open.append(one)
        try:
            profile = self._options.profile
            found = scan(
                one.reader, self._index, profile=profile, shapes=True, after=lambda codes: self._add(one, codes)
            )
        except UNREADABLE as error:
            self._open.remove(one)
            self.bad.append((file.relative, f"{type(error).__name__}: {error}".replace(file.path, file.relative)))
            return None
        one.scan = found
        return one

    def _add(self, one: "_Numbered", codes: Codes) -> None:
        one.blocks.append(codes)
        if len(self._index) > _FOLD_BODIES:
            self._settle()

    def _settle(self) -> None:
        numbers, replaced = self._messages.fold(list(self._index))
        for one in self._open:
            for codes in one.blocks[one.settled :]:
                one.replaced_bytes += int(replaced[codes].sum())
                codes[:] = numbers[codes]
            one.settled = len(one.blocks)
        self._open = [one for one in self._open if one.scan is None]
        self._index.clear()


@dataclass(eq=False)
class _Numbered:
    """One log while its lines wait for their message numbers: ``settled`` of its ``blocks`` have them."""

    reader: Reader
    scan: Scan | None = None
    blocks: list[Codes] = field(default_factory=list)
    settled: int = 0
    replaced_bytes: int = 0

    def lines(self) -> Lines:
        assert self.scan is not None
        reader, messages = self.reader, np.empty(sum(map(len, self.blocks)), np.uint32)
        end = len(messages)
        while self.blocks:  # from behind, each freed at once: a log may have a hundred million lines
            block = self.blocks.pop()
            messages[end - len(block) : end] = block
            end -= len(block)
        sizes = (reader.size_bytes, reader.crc32, reader.truncated_bytes)
        return Lines(reader.file, self.scan, messages, self.replaced_bytes, *sizes)


def _table(rows: list[Row], occurrences: Occurrences, texts: list[str], numbers: Codes) -> pl.DataFrame:
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


def _templates(rows: list[Row], texts: list[str], numbers: Codes) -> dict[int, str]:
    used = np.unique(np.concatenate([np.empty(0, np.uint32), *(row.events for row in rows)]))
    return {int(numbers[i]): texts[i] for i in used.tolist()}
