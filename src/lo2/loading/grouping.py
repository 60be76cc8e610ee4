"""Grouping lines into sequences: those of a file, of several, of a service in a mixed one, of a key, of a span."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lo2.loading.lines.scan import Scan
from lo2.loading.sources.files import LogFile
from lo2.loading.times.dates import complete_dates
from lo2.loading.times.stamps import NO_TIME

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Grouping:
    """How lines become sequences besides the files they lie in: by spans of ``--window``, within limits; all in ms."""

    window_ms: int | None = None
    since: int | None = None
    until: int | None = None
    year: int | None = None

    @property
    def ungrouped(self) -> bool:
        """Whether a sequence is just what files say."""
        return self.window_ms is None and self.since is None and self.until is None


PLAIN = Grouping()
"""A sequence is what files say."""


@dataclass(eq=False)
class Log:
    """One file after the scan: numbers of its lines, flags and times of its events.

    ``keys`` say which events name which key, ``replaced`` in which lines how many bytes were no text.
    """

    file: LogFile
    scan: Scan
    messages: NDArray[np.uint32]
    times: Places = field(default_factory=lambda: np.empty(0, np.int64))
    source: str = ""
    keys: list[tuple[str, Places]] | None = None
    replaced: tuple[Places, Places] = field(default_factory=lambda: (np.empty(0, np.int64), np.empty(0, np.int64)))

    def with_dates(self, year: int | None) -> "Log":
        """This log with the dates that its stamps lack."""
        if self.scan.absolute:
            modified = self.file.mtime_ns // 1_000_000 if self.file.offset is None else None
            found = complete_dates(self.scan.times, run=self.file.run, modified_ms=modified, year=year)
            self.times, self.source = found.times, found.source
        else:
            self.times = self.scan.times
        return self


@dataclass(frozen=True, eq=False)
class Part:
    """Lines of one log that belong to a sequence; all of them where ``lines`` is None."""

    log: Log
    lines: Places | None = None

    @property
    def replaced_in_part(self) -> int:
        """Bytes of these lines that were no text."""
        lines, counts = self.log.replaced
        return int((counts if self.lines is None else counts[np.isin(lines, self.lines)]).sum())


@dataclass(frozen=True, eq=False)
class Grouped:
    """One sequence: whose it is, and its lines, file by file."""

    run: str
    test_case: str
    service: str
    parts: tuple[Part, ...]

    @property
    def grouped_identity(self) -> LogFile:
        """A file that has the names of this sequence."""
        file = self.parts[0].log.file
        if (file.run, file.test_case, file.service) == (self.run, self.test_case, self.service):
            return file
        return replace(file, run=self.run, test_case=self.test_case, service=self.service)


def group_into_sequences(logs: Iterable[Log], cutting: Grouping = PLAIN) -> list[Grouped]:
    """Sequences of the logs of one run, by their names."""
    found: dict[tuple[str, str, str], list[Part]] = {}
    for log in logs:
        log.with_dates(cutting.year)
        for names, part in _group_log_lines(log, cutting):
            found.setdefault(names, []).append(part)
    return [Grouped(*names, tuple(_order_grouped_parts(parts))) for names, parts in sorted(found.items())]


def _group_log_lines(log: Log, cutting: Grouping) -> Iterable[tuple[tuple[str, str, str], Part]]:
    run, case, service = log.file.run, log.file.test_case, log.file.service
    if cutting.ungrouped and log.keys is None and log.scan.owners is None:
        yield (run, case, service), Part(log)
        return
    event = np.maximum(np.cumsum(log.scan.header) - 1, 0)
    kept = np.ones(max(1, int(log.scan.header.sum())), bool)
    times = filled_times(log.times)
    if times.size:
        if cutting.since is not None:
            kept &= times >= cutting.since
        if cutting.until is not None:
            kept &= times < cutting.until
    for owner, lines in _group_by_service(log, service):
        lines = lines[kept[event[lines]]]
        for name, those in _group_by_key(log, run, event, lines):
            for span, inside in _group_by_span(times, name, event, those, cutting.window_ms):
                if inside.size:
                    yield (span, case, owner), Part(log, inside)


def filled_times(times: Places) -> Places:
    """Times of events, those without one taking that of the event before (or of the first that has one)."""
    known = np.flatnonzero(times != NO_TIME)
    if not known.size or known.size == times.size:
        return times
    last = np.searchsorted(known, np.arange(times.size), side="right") - 1
    return times[known[np.maximum(last, 0)]]


def _group_by_service(log: Log, service: str) -> Iterable[tuple[str, Places]]:
    owners = log.scan.owners
    if owners is None:
        yield service, np.arange(len(log.scan.header))
        return
    for i, name in enumerate(log.scan.services):
        lines = np.flatnonzero(owners == i)
        if lines.size:
            yield name or service, lines


def _group_by_key(log: Log, run: str, event: Places, lines: Places) -> Iterable[tuple[str, Places]]:
    if log.keys is None:
        yield run, lines
        return
    first = np.searchsorted(event, np.arange(int(event.max(initial=-1)) + 2))
    inside = np.zeros(len(event), bool)
    inside[lines] = True
    for key, events in log.keys:  # the key names the run: it is the smallest unit that may be split
        lengths = first[events + 1] - first[events]
        offsets = np.cumsum(lengths) - lengths
        those = np.arange(int(lengths.sum())) + np.repeat(first[events] - offsets, lengths)
        yield f"{run}.{key}", those[inside[those]]


def _group_by_span(
    times: Places, run: str, event: Places, lines: Places, window_ms: int | None
) -> Iterable[tuple[str, Places]]:
    if window_ms is None:
        yield run, lines
        return
    if not times.size or times[0] == NO_TIME or not lines.size:
        yield f"{run}.untimed", lines
        return
    spans = times[event[lines]] // window_ms
    for span in np.unique(spans).tolist():
        begin = str(np.datetime64(span * window_ms, "ms").astype("datetime64[s]")).replace(":", "")
        yield f"{run}.{begin}", lines[spans == span]


def _order_grouped_parts(parts: list[Part]) -> list[Part]:
    """Parts by the time of their first event where all have one; else as they are."""
    if len(parts) == 1:
        return parts
    firsts = [next((int(t) for t in part.log.times.tolist() if t != NO_TIME), None) for part in parts]
    if any(first is None for first in firsts):
        return parts
    order = sorted(range(len(parts)), key=lambda i: (firsts[i] or 0, i))
    return [parts[i] for i in order]


def group_events_by_key(pairs: Iterable[tuple[int, str]]) -> list[tuple[str, Places]]:
    """Keys with the events that name them, in order of first appearance, from (event, key) pairs."""
    found: dict[str, list[int]] = {}
    for event, key in pairs:
        found.setdefault(key, []).append(event)
    return [(key, np.array(events, np.int64)) for key, events in found.items()]
