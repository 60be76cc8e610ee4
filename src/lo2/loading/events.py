"""Single events of a log with file and line, merged by time or found by key: for ``--save-events`` and explanations."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.canonical import mask_canonical
from lo2.levels import LOGBACK
from lo2.loading.formats.startup import is_startup
from lo2.loading.grouping import PLAIN, Grouped, Grouping, Log, Part, group_events_by_key, group_into_sequences
from lo2.loading.inventory import LogFile
from lo2.loading.lines.index import Codes, new_index
from lo2.loading.lines.scan import scan_blocks
from lo2.loading.sources.blocks import UNREADABLE, Reader
from lo2.loading.times.clock import real_clock_times
from lo2.loading.times.stamps import NO_TIME
from lo2.masking.masks import Masking
from lo2.masking.profiles import profile_masking
from lo2.schema import EVENTS

if TYPE_CHECKING:
    from lo2.loading.formats.user_formats import Given

MOST = 50_000
_SCHEMA = {name: column.dtype for name, column in EVENTS.items() if name != "e_event_drain_id"}
_HEAD = re.compile(r"\d\d:\d\d:\d\d\.\d{3} \[([^\]\n]*)\]  (?:([\w-]{22}) | )")
_BODY = re.compile(rf"({LOGBACK}) +(\S+) (\S+) - (.*)", re.DOTALL)


@dataclass(frozen=True)
class EventReading:
    """How the events of logs are read: as their sequences were."""

    profile: str = "lo2"
    masks: Masking | None = None
    cutting: Grouping = PLAIN
    given: "Callable[[str], Given | None]" = lambda _: None
    group_by: str = ""


class RunEvents:
    """Events of the logs of one run, which are read once, a sequence at a time."""

    def __init__(self, files: Iterable[LogFile], how: EventReading = EventReading()) -> None:
        logs = [_Raw(file, how) for file in files]
        self._raws = {id(one.log): one for one in logs}
        self._sequences = {
            one.grouped_identity.seq_id: one for one in group_into_sequences((one.log for one in logs), how.cutting)
        }

    def sequence_events(self, seq_id: str) -> pl.DataFrame | None:
        """Events of a sequence, or None where the logs hold none of it."""
        one = self._sequences.get(seq_id)
        if one is None:
            return None
        found = pl.DataFrame(list(_merge_events(one, seq_id, self._raws)), schema=_SCHEMA, orient="row")
        return found if found.height else None


def event_frames(files: Iterable[LogFile], how: EventReading = EventReading()) -> Iterator[pl.DataFrame]:
    """Events of the logs of one run (columns of ``lo2.schema.EVENTS`` without the template), sequence by sequence.

    Continuation lines stay with their event, joined by line feeds; those before the first event make one of their own.
    ``line`` counts physical lines from 1. A frame has at most ``MOST`` events, so that memory follows the log, not what
    is told of its events.

    Raises
    ------
    UNREADABLE
        What a broken file raises; it is the caller's to count.
    """
    logs = [_Raw(file, how) for file in files]
    raws = {id(one.log): one for one in logs}
    for sequence in group_into_sequences((one.log for one in logs), how.cutting):
        seq_id = sequence.grouped_identity.seq_id
        rows = _merge_events(sequence, seq_id, raws)
        while some := list(islice(rows, MOST)):
            yield pl.DataFrame(some, schema=_SCHEMA, orient="row")


def readable_event_logs(files: Iterable[LogFile]) -> list[LogFile]:
    """Files that can be read to their end; the others were counted when they were loaded."""
    return [file for file in files if _is_readable_event_log(file)]


def _is_readable_event_log(file: LogFile) -> bool:
    try:
        for _ in Reader(file):
            pass
    except UNREADABLE:
        return False
    return True


def _merge_events(sequence: Grouped, seq_id: str, raws: dict[int, "_Raw"]) -> Iterator[tuple[object, ...]]:
    if len(sequence.parts) == 1:
        part = sequence.parts[0]
        return iter(raws[id(part.log)].raw_events(part, seq_id))
    rows = [row for part in sequence.parts for row in raws[id(part.log)].raw_events(part, seq_id)]
    times = [row[1] if isinstance(row[1], int) else None for row in rows]
    known = [t for t in times if t is not None]
    if known == sorted(known):
        return iter(rows)
    last = known[0]
    keys = [last := t if t is not None else last for t in times]
    order = np.argsort(np.array(keys, np.int64), kind="stable").tolist()
    return (rows[i] for i in order)


class _Raw:
    """One log with its lines as they stand in the file."""

    def __init__(self, file: LogFile, how: EventReading) -> None:
        blocks = list(Reader(file))
        index = new_index()
        found = scan_blocks(iter(blocks), index, profile=how.profile, given=how.given(file.service))
        self.lines = [line for block in blocks for line in block.removesuffix(b"\n").split(b"\n")]
        self.index, self.bodies = index, list(index)
        self.log = Log(file, found, found.codes)
        if how.group_by:
            self.log.keys = group_events_by_key(
                _event_key_pairs(re.compile(how.group_by), self.bodies, found.codes, found.header)
            )
        bodies = self.bodies if how.profile == "lo2" else [index.uses.canonical_body(body) for body in self.bodies]
        self.texts = [body.decode("utf-8", "replace") for body in bodies]
        texts = pl.Series(self.texts, dtype=pl.String)
        self.masked = mask_canonical(texts, how.masks or profile_masking(how.profile)).to_list()
        self.startup = [is_startup(text) for text in self.masked]

    def raw_events(self, part: Part, seq_id: str) -> Iterator[tuple[object, ...]]:
        """Rows of one sequence's part of this log."""
        header, codes = self.log.scan.header, self.log.scan.codes
        inside = np.ones(len(header), bool)
        if part.lines is not None:
            inside[:] = False
            inside[part.lines] = True
        starts, moments = self._event_first_lines(), self._event_times()
        ends = np.append(starts[1:], len(header))
        for i in np.flatnonzero(inside[starts]).tolist() if len(header) else ():
            first, last, when = int(starts[i]), int(ends[i]), int(moments[i])
            known = when if when != NO_TIME else None
            yield self._event_row(seq_id, codes[first:last].tolist(), bool(header[first]), first, known)

    def _event_first_lines(self) -> NDArray[np.int64]:
        """First physical line of every event; lines before the first one make one of their own."""
        starts = np.flatnonzero(self.log.scan.header)
        orphan = len(self.log.scan.header) and (not starts.size or starts[0] > 0)
        return np.concatenate([[0], starts]) if orphan else starts

    def _event_times(self) -> NDArray[np.int64]:
        """Times of the events as ``_event_first_lines`` counts them."""
        scan, times = self.log.scan, self.log.times
        moments, real = (times, True) if scan.absolute else real_clock_times(self.log.file.run, times)
        known = moments if real and times.size else np.full(int(scan.header.sum()), NO_TIME)
        return np.concatenate([np.full(len(self._event_first_lines()) - known.size, NO_TIME), known])

    def _event_row(
        self, seq_id: str, codes: list[int], headed: bool, first: int, when: int | None
    ) -> tuple[object, ...]:
        own = codes[0] if headed else None
        rest = "".join(self.texts[c] for c in (codes[1:] if headed else codes))
        text = "".join(self.masked[c] for c in codes)
        thread, correlation, level, logger, method, message = self._event_header_fields(own, first)
        place = (self.startup[codes[0]], self.log.file.relative, first + 1)
        return (seq_id, when, thread, correlation, level, logger, method, message + rest, text, *place)

    def _event_header_fields(
        self, own: int | None, first: int
    ) -> tuple[str | None, str | None, str | None, str | None, str | None, str]:
        """Thread, correlation id, level, logger, method and message."""
        if own is None:
            return (None, None, None, None, None, "")
        if self.log.scan.format is not None:
            found = self.index.uses.read(self.bodies[own])
            thread, logger = (part.decode("utf-8", "replace") or None for part in (found.thread, found.logger))
            return thread, None, found.level or None, logger, None, self.texts[own].rpartition("\x1f")[2]
        head = _HEAD.match(self.lines[first].decode("utf-8", "replace"))
        parts = _BODY.match(self.texts[own]) if head else None
        if parts is None:
            return (head[1] if head else None, head[2] if head else None, None, None, None, self.texts[own])
        return (head[1] if head else None, head[2] if head else None, parts[1], parts[2], parts[3], parts[4])


def _event_key_pairs(
    pattern: re.Pattern[str], bodies: list[bytes], codes: Codes, header: NDArray[np.bool_]
) -> Iterator[tuple[int, str]]:
    """(event, key) for every key that an event's own line names."""
    keys = [event_keys_in_line(pattern, body) for body in bodies]
    for event, code in enumerate(codes[header].tolist()):
        for key in keys[code]:
            yield event, key


def event_keys_in_line(pattern: re.Pattern[str], body: bytes) -> tuple[str, ...]:
    """Distinct keys in a line: the first group of the pattern, or all of the match.

    Examples
    --------
    >>> event_keys_in_line(re.compile("blk_-?[0-9]+"), b"copy blk_1 to blk_-2, blk_1 kept")
    ('blk_1', 'blk_-2')
    """
    found = (m[1] if pattern.groups else m[0] for m in pattern.finditer(body.decode("utf-8", "replace")))
    return tuple(dict.fromkeys(key for key in found if key))
