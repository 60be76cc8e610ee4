"""A shard: logs of one run read to one Parquet part: masks, formats, grouping by the options, messages, templates."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.features import FEATURES
from lo2.features.bags import Occurrences, bag_list_series, bags
from lo2.features.messages import Messages, masked_messages
from lo2.features.templates import template_number
from lo2.loading.events import EventReading, event_keys_in_line
from lo2.loading.grouping import Grouping, Log, group_events_by_key, group_into_sequences
from lo2.loading.inventory import LoadOptions, LogFile, Shard, settle_inventory_options
from lo2.loading.labels import read_labels
from lo2.loading.lines.index import Codes, new_index
from lo2.loading.lines.scan import Scan, scan_blocks
from lo2.loading.sequences import Lines, LogRow, ReadFile, message_traits, summarise_sequence
from lo2.loading.sources.blocks import UNREADABLE, Reader, collect_garbage_seldom, keep_block_memory
from lo2.loading.times.time_spans import moment_ms, span_ms
from lo2.masking.masks import Masking
from lo2.masking.profiles import profile_masking
from lo2.schema import SEQUENCES

if TYPE_CHECKING:
    from lo2.loading.formats.user_formats import Given
    from lo2.loading.lines.alike import Alike

_FOLD_BODIES = 50_000


@dataclass(frozen=True)
class ShardResult:
    """What one run gave: its sequences, what was counted per file, which files could not be read, its templates."""

    sequences: pl.DataFrame
    files: list[dict[str, Any]]
    bad_files: list[tuple[str, str]]
    templates: dict[int, str]
    coarse_messages: int
    service_templates: dict[str, list[str]]
    cut: bool = False

    def facts(self) -> dict[str, Any]:
        """What is kept of it next to the sequences."""
        same = {name: getattr(self, name) for name in ("files", "coarse_messages", "cut", "service_templates")}
        return {
            **same,
            "bad_files": [list(pair) for pair in self.bad_files],
            "templates": {f"{number:08x}": text for number, text in sorted(self.templates.items())},
            "sequences": self.sequences.height,
        }


@collect_garbage_seldom()
def load_shard(shard: Shard, options: LoadOptions) -> ShardResult:
    """Sequences of one run, or of a piece of it; memory is bounded by its largest file and its distinct messages."""
    keep_block_memory()
    options = settle_inventory_options(options)
    messages = Messages(shard_masks(options))
    folder = _Folder(messages, options)
    read = folder.read(sorted(shard.files, key=lambda f: (f.outer, f.offset or 0)))  # a compressed tar in one pass
    known = message_traits(messages.texts)
    by_file = {id(one.log.file): one for one in read}
    logs = [by_file[id(file)].log for file in shard.files if id(file) in by_file]
    lines = sorted(
        (Lines.of_sequence(one) for one in group_into_sequences(logs, shard_grouping(options))),
        key=lambda one: one.file.seq_id,
    )
    labels = read_labels(options.labels) if options.labels and (options.group_by or options.window) else None
    rows = [summarise_sequence(one, known, keep_startup=options.keep_startup, labels=labels) for one in lines]
    numbers = np.fromiter(map(template_number, messages.texts), np.uint32, len(messages.texts))
    occurrences = Occurrences.from_message_numbers(
        [one.count_for_sequence(known, keep_startup=options.keep_startup) for one in lines]
    )
    return ShardResult(
        _shard_table(rows, occurrences, messages.texts, numbers),
        [by_file[id(log.file)].quality(known) for log in logs],
        folder.bad,
        _shard_templates(rows, messages.texts[: messages.limit], numbers),
        messages.beyond_limit,
        _shard_service_templates(rows, numbers) if options.profile == "tree" else {},
        {row.values["seq_id"] for row in rows} != {log.file.seq_id for log in logs},
    )


def read_shard_logs(
    files: Iterable[LogFile], messages: Messages, options: LoadOptions
) -> tuple[list[ReadFile], list[tuple[str, str]]]:
    """Logs with the numbers of their messages, in the order of the files; and which could not be read, and why."""
    keep_block_memory()
    folder, files = _Folder(messages, options), list(files)
    read = folder.read(sorted(files, key=lambda f: (f.outer, f.offset or 0)))
    place = {id(file): i for i, file in enumerate(files)}
    return sorted(read, key=lambda one: place[id(one.log.file)]), folder.bad


def shard_masks(options: LoadOptions) -> Masking:
    """What is hidden in messages, as the options say."""
    return profile_masking(
        options.profile, variables=options.variable, redact=options.redact, secrets=not options.no_redact
    )


def shard_given_formats(options: LoadOptions) -> Callable[[str], "Given | None"]:
    """What format was given for a service."""
    if not options.log_format and not options.expected_format:
        return lambda service: None
    from lo2.loading.formats.user_formats import given_format

    return lambda service: given_format(service, options.log_format, options.time_format, options.expected_format)


def shard_grouping(options: LoadOptions) -> Grouping:
    """How lines become sequences, as the options say."""
    return Grouping(
        window_ms=span_ms(options.window) if options.window else None,
        since=moment_ms("--since", options.since) if options.since else None,
        until=moment_ms("--until", options.until) if options.until else None,
        year=options.year,
    )


class _Folder:
    """Reads files one after the other and turns body numbers into message numbers whenever the index is full."""

    def __init__(self, messages: Messages, options: LoadOptions) -> None:
        self.bad: list[tuple[str, str]] = []
        self._messages, self._options = messages, options
        self._index = new_index()
        self._open: list[_Numbered] = []
        self._group = re.compile(options.group_by) if options.group_by else None

    def read(self, files: Iterable[LogFile]) -> list[ReadFile]:
        done = [one for file in files if (one := self._read_shard_log(file)) is not None]
        self._settle_shard()
        return [one.read() for one in done]

    def _read_shard_log(self, file: LogFile) -> "_Numbered | None":
        one = _Numbered(Reader(file))
        self._open.append(one)
        try:
            profile = self._options.profile
            found = scan_blocks(
                one.reader,
                self._index,
                profile=profile,
                shapes=not self._options.group_by,  # keys are ids
                after=lambda codes: self._add_shard_block(one, codes),
                given=shard_given_formats(self._options)(file.service),
            )
        except UNREADABLE as error:
            self._open.remove(one)
            self.bad.append((file.relative, f"{type(error).__name__}: {error}".replace(file.path, file.relative)))
            return None
        one.scan = found
        return one

    def _add_shard_block(self, one: "_Numbered", codes: Codes) -> None:
        one.blocks.append(codes)
        if len(self._index) > _FOLD_BODIES:
            self._settle_shard()

    def _settle_shard(self) -> None:
        keys = [event_keys_in_line(self._group, body) for body in self._index] if self._group else None
        numbers, replaced = self._shard_message_numbers()
        for one in self._open:
            for codes in one.blocks[one.settled :]:
                one.settle(codes, replaced, keys)
                codes[:] = numbers[codes]
            one.settled = len(one.blocks)
        self._open = [one for one in self._open if one.scan is None]
        self._index.clear()

    def _shard_message_numbers(self) -> tuple[Codes, Codes]:
        """Numbers of the messages of the bodies, and how many of their bytes were no text."""
        if self._options.profile != "tree":
            return self._messages.fold_bodies(list(self._index))
        uses, alike = self._index.uses, _shard_alike(self._messages.masking)
        if alike is None:
            return self._messages.fold_bodies([uses.canonical_body(body) for body in self._index])
        lines, which = alike.alike_lines(self._index.flat_bodies(), uses)
        numbers, replaced = self._messages.fold_bodies(lines)
        return numbers[which], replaced[which]


@lru_cache(1)
def _shard_alike(masking: Masking) -> "Alike | None":
    """What this process knows of lines that differ in digits alone: runs repeat each other's."""
    if masking.digits is None:
        return None
    from lo2.loading.lines.alike import Alike

    return Alike(partial(masked_messages, masking=masking), masking.digits, masking.keeps)


@dataclass(eq=False)
class _Numbered:
    """One log while its lines wait for their message numbers: ``settled`` of its ``blocks`` have them."""

    reader: Reader
    scan: Scan | None = None
    blocks: list[Codes] = field(default_factory=list)
    settled: int = 0
    seen: int = 0
    replaced: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=list)
    keys: list[tuple[int, tuple[str, ...]]] | None = None

    def settle(self, codes: Codes, replaced: Codes, keys: list[tuple[str, ...]] | None) -> None:
        """Keep what is known of a block's bodies before their numbers go."""
        odd = np.flatnonzero(replaced[codes])
        if odd.size:
            self.replaced.append(((odd + self.seen).astype(np.int64), replaced[codes[odd]].astype(np.int64)))
        if keys is not None:
            self.keys = self.keys or []
            self.keys += [(self.seen + i, keys[code]) for i, code in enumerate(codes.tolist()) if keys[code]]
        self.seen += len(codes)

    def read(self) -> ReadFile:
        assert self.scan is not None
        reader, messages = self.reader, np.empty(sum(map(len, self.blocks)), np.uint32)
        end = len(messages)
        while self.blocks:  # from behind, each freed at once: a log may have a hundred million lines
            block = self.blocks.pop()
            messages[end - len(block) : end] = block
            end -= len(block)
        log = Log(reader.file, self.scan, messages)
        if self.replaced:
            lines, counts = (np.concatenate(arrays) for arrays in zip(*self.replaced, strict=True))
            log.replaced = lines, counts
        if self.keys is not None:
            header = self.scan.header
            event = np.cumsum(header) - 1
            log.keys = group_events_by_key(
                (int(event[line]), key) for line, names in self.keys if header[line] for key in names
            )
        return ReadFile(log, reader.size_bytes, reader.crc32, reader.truncated_bytes)


def shard_reading(options: LoadOptions) -> EventReading:
    """How events are read with these options."""
    return EventReading(
        options.profile, shard_masks(options), shard_grouping(options), shard_given_formats(options), options.group_by
    )


def _shard_table(rows: list[LogRow], occurrences: Occurrences, texts: list[str], numbers: Codes) -> pl.DataFrame:
    columns: dict[str, Any] = {name: [row.values[name] for row in rows] for name in (rows[0].values if rows else ())}
    for feature in FEATURES.values():
        bag = bags(occurrences, texts, feature.tokens)
        columns[feature.column] = bag["tokens"]
        columns[f"{feature.column}_count"] = bag["counts"]
        columns[f"{feature.column}_len"] = bag["tokens"].list.len()
        columns[f"{feature.column}_total"] = bag["counts"].list.sum()
    events = np.concatenate([np.empty(0, np.uint32), *(row.events for row in rows)])
    sizes = np.fromiter((len(row.events) for row in rows), np.int64, len(rows))
    columns["e_event_sequence"] = bag_list_series(pl.Series(numbers[events]), sizes)
    series = [pl.Series(name, columns.get(name, [])).cast(column.dtype) for name, column in SEQUENCES.items()]
    return pl.DataFrame(series)


def _shard_templates(rows: list[LogRow], texts: list[str], numbers: Codes) -> dict[int, str]:
    used = _shard_messages_met(np.concatenate([np.empty(0, np.uint32), *(row.events for row in rows)]))
    return {int(numbers[i]): texts[i].split("\x1f", 2)[-1] for i in used.tolist() if i < len(texts)}


def _shard_messages_met(events: Codes) -> NDArray[np.int64]:
    """Numbers of the messages, each once."""
    return np.flatnonzero(np.bincount(events))


def _shard_service_templates(rows: list[LogRow], numbers: Codes) -> dict[str, list[str]]:
    """Templates of each service's events."""
    found: dict[str, set[int]] = {}
    for row in rows:
        found.setdefault(str(row.values["service"]), set()).update(numbers[_shard_messages_met(row.events)].tolist())
    return {service: [f"{number:08x}" for number in sorted(held)] for service, held in sorted(found.items())}
