"""One service's log of one run, counted: the message of every line in order, with its place and moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from lo2.loading.grouping import Grouped, Part, filled_times
from lo2.loading.times.stamps import NO_TIME

Numbers = NDArray[np.uint32]
Places = NDArray[np.int64]
Small = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Counted:
    """Arrays over the lines of one log: message number, whether an event begins, file, line number, time in ms.

    ``files`` are the names that ``file`` numbers; a time is ``NO_TIME`` where none was understood.
    """

    service: str
    messages: Numbers
    header: NDArray[np.bool_]
    file: Small
    line: Small
    times: Places
    files: tuple[str, ...]

    @property
    def seconds(self) -> float | None:
        """How long the log lasts, or None where times say nothing."""
        known = self.times[self.times != NO_TIME]
        span = int(known.max() - known.min()) / 1000 if known.size > 1 else 0.0
        return span if span >= 1 else None

    @classmethod
    def from_grouped(cls, service: str, gathered: Iterable[Grouped]) -> "Counted":
        """Lines of all files of a service, one file after the other."""
        parts = [part for one in gathered for part in one.parts]
        arrays = [_counted_line_arrays(number, part) for number, part in enumerate(parts)]
        messages, header, file, line, times = (np.concatenate(column) for column in zip(*arrays, strict=True))
        return cls(service, messages, header, file, line, times, tuple(part.log.file.relative for part in parts))


def _counted_line_arrays(number: int, part: Part) -> tuple[Numbers, NDArray[np.bool_], Small, Small, Places]:
    log = part.log
    header = log.scan.header
    lines = np.arange(len(header)) if part.lines is None else part.lines
    times = filled_times(log.times) if log.scan.absolute else np.empty(0, np.int64)
    event = np.maximum(np.cumsum(header) - 1, 0)[lines]
    when = times[event] if times.size else np.full(len(lines), NO_TIME)
    numbers = np.full(len(lines), number, np.int32)
    return log.messages[lines], header[lines], numbers, (lines + 1).astype(np.int32), when


def moment_text(time: int) -> str | None:
    """A time in ms as text (UTC), or None where there is none.

    Examples
    --------
    >>> moment_text(1709629623120)
    '2024-03-05T09:07:03.120Z'
    """
    if not -62_135_596_800_000 < time < 253_402_300_800_000:
        return None
    return datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
