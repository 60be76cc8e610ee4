"""One row per sequence: labels, times, duration, levels and traits of its messages; bags come from ``lo2.features``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lo2.levels import LEVELS, WORDS, level_counts_as
from lo2.loading.formats.startup import is_startup
from lo2.loading.grouping import Grouped, Log, filled_times
from lo2.loading.labels import Labels
from lo2.loading.sources.files import LogFile
from lo2.loading.times.clock import real_clock_times
from lo2.loading.times.dates import FILE_TIME
from lo2.loading.times.stamps import NO_TIME
from lo2.masking.profiles import mask

_COUNTED = {"error": 1, "warn": 2}
_FRAME = re.compile(
    r"\s*(?:at \S|File \"|goroutine \S+ \[|Caused by: |Traceback \(most recent|Exception in thread|panic: )"
)
_INLINE = re.compile(r"\r\s*(?:at \S|File \"|goroutine )|Traceback \(most recent")


@dataclass(frozen=True)
class Traits:
    """What a line's message says about the line, for all messages of a shard: arrays of shape (n_messages,)."""

    startup: NDArray[np.bool_]
    level: NDArray[np.uint8]
    frame: NDArray[np.bool_]


def message_traits(messages: Sequence[str]) -> Traits:
    """Traits of the distinct masked messages.

    ``frame`` is true of lines that only a stack trace has, of Java, Python, Go, .NET or Node.

    Examples
    --------
    >>> t = message_traits(["ERROR a b - Exception:", "\\n\\tat a.b.C.d(C.java:1)"])
    >>> t.level.tolist(), t.frame.tolist()
    ([1, 0], [False, True])
    """
    told = np.array([_message_trait(message) for message in messages], np.uint8).reshape(-1, 3)
    return Traits(told[:, 0].astype(bool), told[:, 1].copy(), told[:, 2].astype(bool))


@lru_cache(1 << 14)
def _message_trait(message: str) -> tuple[bool, int, bool]:
    """Start-up, level and frame; runs repeat each other's messages."""
    return is_startup(message), _sequence_message_level(message), _is_stack_frame(message)


def _is_stack_frame(message: str) -> bool:
    return _FRAME.match(message, 1) is not None if message[:1] == "\n" else _INLINE.search(message) is not None


def _sequence_message_level(message: str) -> int:
    """1 for errors, 2 for warnings, 3 for other levels, 0 for none."""
    if message.startswith("\n"):
        return 0
    name = message.partition("\x1f")[0] if "\x1f" in message else WORDS.get(message[:9].split(" ")[0], "")
    return _COUNTED.get(level_counts_as(name), 3) if name in LEVELS else 0


@dataclass(frozen=True, eq=False)
class Lines:
    """The lines of one sequence: message number and flag of every physical line, times of the events."""

    file: LogFile
    messages: NDArray[np.uint32]
    header: NDArray[np.bool_]
    times: NDArray[np.int64]
    absolute: bool
    replaced_bytes: int = 0

    @classmethod
    def of_sequence(cls, gathered: Grouped) -> "Lines":
        """Lines of a sequence, its files one after the other, or merged by time where they overlap."""
        parts = gathered.parts
        absolute, replaced = parts[0].log.scan.absolute, sum(part.replaced_in_part for part in parts)
        if len(parts) == 1 and parts[0].lines is None:
            log = parts[0].log
            return cls(gathered.grouped_identity, log.messages, log.scan.header, log.times, absolute, replaced)
        arrays = [_chosen_sequence_lines(part.log, part.lines) for part in parts]
        messages, header, times = (np.concatenate(columns) for columns in zip(*arrays, strict=True))
        if len(parts) > 1 and (np.diff(filled_times(times)) < 0).any():
            event = np.maximum(np.cumsum(header) - 1, 0)
            rank = np.empty(max(1, len(times)), np.int64)
            rank[np.argsort(filled_times(times), kind="stable")] = np.arange(len(times))
            order = np.argsort(rank[event], kind="stable")
            messages, header = messages[order], header[order]
            times = times[np.argsort(filled_times(times), kind="stable")]
        return cls(gathered.grouped_identity, messages, header, times, absolute, replaced)

    def kept_in_sequence(self, known: Traits, *, keep_startup: bool) -> NDArray[np.bool_]:
        """Which physical lines count for the features."""
        return np.ones(len(self.messages), bool) if keep_startup else ~known.startup[self.messages]

    def count_for_sequence(self, known: Traits, *, keep_startup: bool) -> NDArray[np.uint32]:
        """Message numbers of the physical lines that count for the features."""
        kept = self.kept_in_sequence(known, keep_startup=keep_startup)
        return self.messages if kept.all() else self.messages[kept]


def _chosen_sequence_lines(log: Log, lines: NDArray[np.int64] | None) -> tuple[NDArray[Any], ...]:
    """Messages, flags and event times of some lines; lines before the first event make one without a time."""
    header, times = log.scan.header, log.times
    if lines is None:
        return log.messages, header, times
    events = np.cumsum(header)[lines[header[lines]]] - 1
    return log.messages[lines], header[lines], times[events]


@dataclass(frozen=True)
class LogRow:
    """Identity and numbers of one sequence, and the message numbers of its events in order."""

    values: dict[str, object]
    events: NDArray[np.uint32] = field(repr=False)


def summarise_sequence(lines: Lines, known: Traits, *, keep_startup: bool, labels: Labels | None = None) -> LogRow:
    """Row of one sequence; ``labels`` are by the names of sequences that keys or spans cut.

    Times are those of the events that are kept. Without a date in the run name or the lines, ``start_time`` and
    ``end_time`` are null and the duration comes from the time of day.
    """
    header, frames = lines.header, known.frame[lines.messages]
    startup = int(np.count_nonzero(known.startup[lines.messages]))
    kept = lines.kept_in_sequence(known, keep_startup=keep_startup) if startup else None
    events = lines.messages[header if kept is None else header & kept]
    start, end, duration = _sequence_duration(lines, kept)
    levels = known.level[events]
    blocks = np.cumsum(header)[frames] if frames.any() else events[:0]
    anomaly = lines.file.anomaly if labels is None else labels.label_of(lines.file)
    values: dict[str, object] = {
        "seq_id": lines.file.seq_id,
        "run": lines.file.run,
        "test_case": lines.file.test_case,
        "service": lines.file.service,
        "normal": None if anomaly is None else not anomaly,
        "anomaly": anomaly,
        "start_time": start,
        "end_time": end,
        "duration": duration,
        "duration_sec": duration / 1000 if duration is not None else None,
        "seq_len": len(events),
        "continuation_lines": len(header) - startup * (not keep_startup) - len(events),
        "startup_lines": startup,
        "replaced_bytes": lines.replaced_bytes,
        "n_error": int(np.count_nonzero(levels == 1)),
        "n_warn": int(np.count_nonzero(levels == 2)),
        "n_exceptions": int(np.unique(blocks).size),
    }
    return LogRow(values, events)


def _sequence_duration(lines: Lines, kept: NDArray[np.bool_] | None) -> tuple[int | None, int | None, int | None]:
    times = lines.times
    if kept is not None and times.size == np.count_nonzero(lines.header):
        times = times[kept[lines.header]]
    if lines.absolute:
        times = times[times != NO_TIME]
    if times.size == 0:
        return None, None, None
    moments, real = (times, True) if lines.absolute else real_clock_times(lines.file.run, times)
    start, end = int(moments.min()), int(moments.max())
    return (start, end, end - start) if real else (None, None, end - start)


@dataclass(frozen=True)
class ReadFile:
    """What was counted while one log was read."""

    log: Log
    size_bytes: int = 0
    crc32: int = 0
    truncated_bytes: int = 0

    def quality(self, known: Traits) -> dict[str, Any]:
        """Plain values for the quality report: what was read of a file and what was understood."""
        scan, log = self.log.scan, self.log
        facts = {
            "file": log.file.relative,
            "size_bytes": self.size_bytes,
            "crc32": self.crc32,
            "lines": len(log.messages),
            "replaced_bytes": int(log.replaced[1].sum()),
            "truncated_bytes": self.truncated_bytes,
            "unknown_header": mask(scan.first_unknown, profile="tree") if scan.first_unknown else "",
        }
        if scan.format is not None:
            owned = {log.file.service: np.ones(len(scan.header), bool)}
            if scan.owners is not None and scan.services:
                owned = {name or log.file.service: scan.owners == i for i, name in enumerate(scan.services)}
            understood = [self._sequence_lines_understood(known, service, lines) for service, lines in owned.items()]
            understood[0]["zones"] = dict(scan.zones)  # those of the whole file, said once
            facts["understood"] = understood
            if log.source == FILE_TIME:
                facts["modified_ms"] = log.file.mtime_ns // 1_000_000
        return facts

    def _sequence_lines_understood(self, known: Traits, service: str, lines: NDArray[np.bool_]) -> dict[str, Any]:
        """What was understood of the lines of one service."""
        scan, log = self.log.scan, self.log
        assert scan.format is not None
        events = log.messages[scan.header & lines]
        times = log.times if lines.all() else log.times[lines[scan.header]]  # a copy only where it must be
        return {
            "service": service,
            "format": scan.format.name,
            "share": round(scan.format.share, 4),
            "events": len(events),
            "timed": int(np.count_nonzero(times != NO_TIME)),
            "levels": int(np.count_nonzero(known.level[events])),
            "continued": int((lines & ~scan.header).sum()),
            "dates": log.source,
        }
