"""Recognising the format of a log by its first lines: three rows of the tables at most, and one without a time."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import islice

import numpy as np

from lo2.loading.formats.choice import choose_header_row
from lo2.loading.formats.continuations import NEVER, kind_of_continuation
from lo2.loading.formats.header import Fields, Header, joined_header, words_before_header
from lo2.loading.formats.headers import HEADERS
from lo2.loading.formats.plain import PLAIN
from lo2.loading.formats.records import read_json_record, read_logfmt_record
from lo2.loading.formats.stamp_places import Place, find_stamp_place, stamp_end, stamp_place_pattern, stamp_position
from lo2.loading.times.stamp_values import read_stamps
from lo2.loading.times.stamps import PAD, STAMPS
from lo2.loading.times.zones import behind_zone, unknown_zone

SAMPLE = 1_000
_SEEN = 120
_MOST = 3
_MOSTLY = 0.5
_BEGINS = re.compile(
    rb"[A-Z](?:[\w-]*[ -])?(?i:dated?|times?|start(?:ed)?|began|end(?:ed)?|stopped|finished|done): +\d[\d:. +-]{9,}$"
)
"""A line that says when something began or ended, and nothing else: few of these tell the times of a whole log."""


@dataclass(frozen=True)
class Use:
    """One row as a log uses it: where which stamp stands, and how the rest of the line is read."""

    name: str
    kind: str
    place: str = "none"
    stamp: str = ""
    key: str = ""
    zone: str = ""
    """Name of a time zone behind the stamp that nobody knows."""

    @property
    def header(self) -> Header:
        """The row of the table."""
        return _ROWS[self.name]

    @cached_property
    def _recognised_rows(self) -> tuple[Header, ...]:
        return (self.header, HEADERS["level"], HEADERS["time"]) if self.stamp else (self.header,)

    @cached_property
    def blind(self) -> bool:
        """Whether what is read of a line is the same, but for digits, whichever digits that do not tell it has."""
        if self.kind in ("json", "logfmt"):
            return True
        return self.kind != "own" and all(row.blind for row in self._recognised_rows)

    def read(self, body: bytes) -> Fields:
        """Fields of one line that this row took, the stamp already cut out."""
        if self.kind == "json":
            return read_json_record(body) or Fields("", b"", b"", body)
        if self.kind == "own":
            word, *rest = body.split(b"\x1f", 3)
            return Fields(word.decode(), *rest)
        if self.kind == "logfmt":
            return read_logfmt_record(body) or Fields("", b"", b"", body)
        level, before, inside = "", b"", body
        if self.place != self.header.place and self.place != "none":
            level, before = words_before_header(body)
            inside = body[body.rfind(b"\x1e") + 1 :]
        found = next(filter(None, (row.read_fields(inside) for row in self._recognised_rows)), None)
        found = found or Fields("", b"", b"", inside)
        if before and not found.text.strip():  # the time ends the line: what stands before it is the message
            return Fields(
                found.level or level, found.logger, found.thread, body.partition(b"\x1e")[0].rstrip(b" \t[(<-,;|")
            )
        return Fields(found.level or level, found.logger or before, found.thread, found.text)


_ROWS = {**HEADERS, **PLAIN}


@dataclass
class Format:
    """What was learnt of one log: its rows, the one for lines without a time, and the share of the lines they read."""

    uses: tuple[Use, ...] = ()
    plain: Use = field(default_factory=lambda: Use("plain", "plain"))
    share: float = 1.0

    @property
    def name(self) -> str:
        """What people read: the rows and their stamps."""
        said = [f"{use.name} ({use.stamp})" if use.stamp else use.name for use in self.uses]
        if not said or self.plain.name != "plain":
            said.append(self.plain.name if self.plain.name != "plain" else "no header known")
        return ", ".join(said)

    @property
    def headed(self) -> bool:
        """Whether events of this log begin with a header that is known."""
        return bool(self.uses) or self.plain.name != "plain"


def recognise_format(lines: Sequence[bytes], only: str = "", expected: Collection[str] = ()) -> Format:
    """Format of a log with these first lines (out of their envelopes); ``only`` names the row that it must be.

    ``expected`` are names of formats as :class:`Format` has them: they are tried first, and a single line is enough.

    Examples
    --------
    >>> recognise_format([b"2024-03-05 09:07:03,120 INFO a.B - cart opened"]).name
    'level name dash (iso)'
    """
    filled = list(islice(filter(bytes.strip, lines), SAMPLE))
    some = filled[: _SEEN // 2] + filled[_SEEN // 2 :: max(1, len(filled) // (_SEEN // 2))]
    some = [line.removesuffix(b"\r") for line in some]
    spots = [find_stamp_place(line) for line in some]
    found = [place for place, *_ in spots]
    liked = {one for name in expected for one in name.split(", ")}
    counts = Counter(filter(None, found))
    uses: list[Use] = []
    unread: set[Place] = set()
    for place, n in sorted(counts.items(), key=lambda item: (-item[1], found.index(item[0]))):
        kind, where, stamp, key = place
        if only and only not in (kind, *HEADERS):
            continue
        rows = [i for i, one in enumerate(found) if one == place]
        group = [some[i] for i in rows]
        sure = kind in ("json", "logfmt") or where in ("start", "letter") or all(map(_BEGINS.match, group))
        least = 0.0 if any(name.endswith(f"({stamp})") for name in liked) else 0.02 if sure else 0.1
        if n < least * len(some) or len(uses) == _MOST:
            continue
        bodies: list[bytes] = []
        zone = ""
        if kind == "text":
            at = [spots[i][1] for i in rows] if where == "start" else [stamp_position(line, where) for line in group]
            shapes: Iterable[str] = _recognise_stamp_shape(stamp, group[0], at[0])
            if liked:
                shapes = sorted(shapes, key=lambda one: not any(f"({one})" in name for name in liked))
            stamp = next((name for name in shapes if _recognised_stamp_share(group, at, name) >= _MOSTLY), "")
            if not stamp:
                unread.add(place)
                continue
            if where == "start" and stamp == place[2]:
                ends = [spots[i][2] for i in rows]
            else:
                ends = [stamp_end(line, begin, stamp) for line, begin in zip(group, at, strict=True)]
            zone = unknown_zone(group, at, ends) if "zone" in STAMPS[stamp].tail else ""
            bodies = _first_lines_to_recognise(group, at, ends, where, zone)
        name = kind if kind != "text" else only or choose_header_row(bodies, where, stamp, liked)
        uses.append(Use(name, kind, where, stamp, key, zone))
    rest = [line for line, one in zip(some, found, strict=True) if one is None or one in unread]
    bare = [line for line in rest if kind_of_continuation(line, headed=True) == NEVER]
    plain = only if only in PLAIN else _recognise_timeless_row(bare, liked)
    read = len(some) - len(bare)
    return Format(tuple(uses), Use(plain, "plain"), (read + len(bare) * (plain != "plain")) / max(1, len(some)))


def _recognise_timeless_row(lines: Sequence[bytes], liked: Collection[str]) -> str:
    """Name of the row for lines without a time."""
    if not any(map(_timeless_rows_pattern().match, lines)):
        return "plain"
    known = sorted(PLAIN.items(), key=lambda item: item[0] not in liked)
    return next(name for name, row in known if row.fits_lines(lines))


@cache
def _timeless_rows_pattern() -> re.Pattern[bytes]:
    """Matches where one of the rows does that do not fit any line."""
    return joined_header(row for row in PLAIN.values() if row.pattern).expression


def _recognise_stamp_shape(stamp: str, line: bytes, at: int) -> Iterator[str]:
    """This stamp, and those behind it in the table that have its shape: day, month and year may stand in any order."""
    names = tuple(STAMPS)
    return (name for name in names[names.index(stamp) :] if stamp_place_pattern(name).match(line, at))


def _recognised_stamp_share(lines: Sequence[bytes], places: Sequence[int], stamp: str) -> float:
    """Share of the lines whose stamp can really be read: a shape alone may hold a thirteenth month."""
    sizes = np.fromiter(map(len, lines), np.int64, len(lines))
    ends = np.cumsum(sizes + 1) - 1
    text = np.frombuffer(b"\n".join(lines) + bytes(PAD), np.uint8)
    return float(read_stamps(text, ends - sizes + np.array(places), ends, STAMPS[stamp]).ok.mean())


def _first_lines_to_recognise(
    lines: Sequence[bytes], places: list[int], ends: list[int], place: str, zone: str
) -> list[bytes]:
    """What rows read of the first lines: the rest behind the stamp, or all with the stamp marked."""
    some = lines[:100]
    ends = [behind_zone(line, end, zone) for line, end in zip(some, ends, strict=False)] if zone else ends[:100]
    if place == "start":
        return [line[end:] for line, end in zip(some, ends, strict=True)]
    every = zip(some, places, ends, strict=False)
    return [line[:at] + b"\x1e" * (end - at) + line[end:] for line, at, end in every]
