"""One row per log: labels, times, lengths and levels; the bags come from ``lo2.features``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lo2.loading.clock import real_times
from lo2.loading.inventory import LogFile
from lo2.loading.scan import Scan
from lo2.loading.startup import is_startup
from lo2.patterns import mask

_LEVELS = {"ERROR": 1, "FATAL": 1, "SEVERE": 1, "CRITICAL": 1, "WARN": 2, "WARNING": 2}


@dataclass(frozen=True)
class Traits:
    """What a line's message says about the line, for all messages of a shard: arrays of shape (n_messages,)."""

    startup: NDArray[np.bool_]
    level: NDArray[np.uint8]
    frame: NDArray[np.bool_]


def traits(messages: Sequence[str]) -> Traits:
    """Traits of the distinct masked messages.

    Examples
    --------
    >>> t = traits(["ERROR a b - Exception:", "\\n\\tat a.b.C.d(C.java:1)"])
    >>> t.level.tolist(), t.frame.tolist()
    ([1, 0], [False, True])
    """
    return Traits(
        np.fromiter(map(is_startup, messages), bool, len(messages)),
        np.fromiter(map(_level, messages), np.uint8, len(messages)),
        np.fromiter((m.startswith("\n") and m.lstrip().startswith("at ") for m in messages), bool, len(messages)),
    )


def _level(message: str) -> int:
    if message.startswith("\n"):
        return 0
    for word in message.split(maxsplit=5)[:4]:
        if found := _LEVELS.get(word.strip("[]:|-").upper() if word.isupper() or "[" in word else word):
            return found
    return 0


@dataclass(frozen=True)
class Lines:
    """One log after the scan: the message number of every physical line, and what was counted while reading."""

    file: LogFile
    scan: Scan
    messages: NDArray[np.uint32]
    replaced_bytes: int
    size_bytes: int = 0
    crc32: int = 0
    truncated_bytes: int = 0

    def kept(self, known: Traits, *, keep_startup: bool) -> NDArray[np.bool_]:
        """Which physical lines count for the features."""
        return np.ones(len(self.messages), bool) if keep_startup else ~known.startup[self.messages]

    def counted(self, known: Traits, *, keep_startup: bool) -> NDArray[np.uint32]:
        """Message numbers of the physical lines that count for the features."""
        kept = self.kept(known, keep_startup=keep_startup)
        return self.messages if kept.all() else self.messages[kept]


@dataclass(frozen=True)
class Row:
    """Identity and numbers of one sequence, and the message numbers of its events in order."""

    values: dict[str, object]
    events: NDArray[np.uint32] = field(repr=False)


def summarise(lines: Lines, known: Traits, *, keep_startup: bool) -> Row:
    """Row of one log.

    Times are those of the events that are kept. Without a date in the run name or the lines, ``start_time`` and
    ``end_time`` are null and the duration comes from the time of day.
    """
    kept = lines.kept(known, keep_startup=keep_startup)
    header = lines.scan.header
    events = lines.messages[header & kept]
    start, end, duration = _times(lines, kept)
    levels = np.bincount(known.level[events], minlength=3)
    frames = ~header & known.frame[lines.messages]
    blocks = np.cumsum(header)[frames] if frames.any() else events[:0]
    anomaly = lines.file.anomaly
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
        "continuation_lines": int((~header & kept).sum()),
        "startup_lines": int(known.startup[lines.messages].sum()),
        "replaced_bytes": lines.replaced_bytes,
        "n_error": int(levels[1]),
        "n_warn": int(levels[2]),
        "n_exceptions": int(np.unique(blocks).size),
    }
    return Row(values, events)


def _times(lines: Lines, kept: NDArray[np.bool_]) -> tuple[int | None, int | None, int | None]:
    scan = lines.scan
    times = scan.times[kept[scan.header]] if scan.times.size == scan.header.sum() else scan.times
    if times.size == 0:
        return None, None, None
    moments, real = (times, True) if scan.absolute else real_times(lines.file.run, times)
    start, end = int(moments.min()), int(moments.max())
    return (start, end, end - start) if real else (None, None, end - start)


def quality(lines: Lines) -> dict[str, Any]:
    """What was counted while one log was read."""
    return {
        "file": lines.file.relative,
        "size_bytes": lines.size_bytes,
        "crc32": lines.crc32,
        "lines": len(lines.messages),
        "replaced_bytes": lines.replaced_bytes,
        "truncated_bytes": lines.truncated_bytes,
        "unknown_header": mask(lines.scan.first_unknown, profile="tree"),
    }
