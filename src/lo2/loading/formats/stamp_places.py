"""Where in a line the stamp stands and which stamp it is: found by the shape of the line, looked at once per shape."""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from itertools import islice

from lo2.loading.formats.records import TIMES, is_json_record
from lo2.loading.times.stamps import STAMPS

_WORDS = 6
_WORD, _CELL = re.compile(rb"\s+(?=\S)"), re.compile(rb"[,;|][ \t]?")
OPENING = b"[(\"'<*#"
MOST_OPENING = 5
_FIRST = [bytes([c]) for c in b"0123456789JFMASONDTWS "]
_LEVEL_PAIR = re.compile(rb"(?:^|\s)(?:level|lvl|severity|msg|message)=")
_PAIRS = re.compile(rb'^(?:[A-Za-z_@][\w.@/-]*=(?:"(?:[^"\\]|\\.)*"|\S*) ?){2,}')
_LOGFMT_KEY = re.compile(rb"(?:^|(?<=\s))(" + b"|".join(name.encode() for name in TIMES if "." not in name) + rb')="?')
_JSON_KEY = re.compile(
    rb'"(' + b"|".join(re.escape(name.rpartition(".")[2].encode()) for name in TIMES) + rb')"\s*:\s*"?'
)
Place = tuple[str, str, str, str]
"""Kind, place, stamp and key of the time of a line."""


def find_stamp(line: bytes) -> Place | None:
    """Kind, place, stamp and key of the time of one line."""
    return find_stamp_place(line)[0]


def find_stamp_place(line: bytes) -> tuple[Place | None, int, int]:
    """Kind, place, stamp and key of the time of a line, and where a stamp at its start begins and ends; else zeros.

    Examples
    --------
    >>> find_stamp_place(b"[2024-03-05 09:07:03] up")
    (('text', 'start', 'iso', ''), 1, 20)
    """
    if line[:1] == b"{" and line.rstrip()[-1:] == b"}" and is_json_record(line):
        for match in _JSON_KEY.finditer(line):
            if (stamp := _stamp_at_place(line, match.end())) is not None:
                return ("json", "key", stamp, match[1].decode()), 0, 0
        return ("json", "none", "", ""), 0, 0
    if line[:1].isspace():
        return None, 0, 0
    if (known := _stamp_at_line_start(line[:_PREFIX].translate(_ZEROS))) is not None:
        at, place, fits = known
        if (own := fits(line, at)) is not None:
            return place, at, own.end()
        if (stamp := _stamp_at_place(line, at)) is not None:
            return ("text", "start", stamp, ""), at, stamp_end(line, at, stamp)
    if len(line) > _LONGEST:
        return _stamp_inside_line(line), 0, 0
    found = _stamp_inside_shape(line.translate(_ZEROS))
    if found is None or not found[2]:
        return found, 0, 0
    if found[0] == "text" and stamp_place_pattern(found[2]).match(line, stamp_position(line, found[1])) is not None:
        return found, 0, 0
    return _stamp_inside_line(line), 0, 0


_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_PREFIX = 64
_LONGEST = 400


@lru_cache(1 << 12)
def _stamp_at_line_start(line: bytes) -> tuple[int, Place, Callable[[bytes, int], re.Match[bytes] | None]] | None:
    """Where a line that begins so may have a stamp, which, and what tells: digits are zeros, which stand for any."""
    at = _place_behind_brackets(line, 0)
    stamp = _stamp_at_place(line, at)
    return None if stamp is None else (at, ("text", "start", stamp, ""), stamp_place_pattern(stamp).match)


@lru_cache(1 << 12)
def _stamp_inside_shape(line: bytes) -> Place | None:
    """What may be inside of a line: digits are zeros, which stand for any."""
    return _stamp_inside_line(line)


def _stamp_inside_line(line: bytes) -> Place | None:
    """Kind, place, stamp and key of the time of a line that does not begin with a stamp."""
    if line[:1] == b"<" and b">" in line[:6] and (stamp := _stamp_at_place(line, line.index(b">") + 1)) is not None:
        return "text", "priority", stamp, ""
    if line[:1] in b"IWEFDCV" and (stamp := _stamp_at_place(line, 1)) is not None:
        return "text", "letter", stamp, ""
    if (where := line.find(b"audit(")) > 0 and (stamp := _stamp_at_place(line, where + 6)) is not None:
        return "text", "key audit(", stamp, ""
    if _PAIRS.match(line):
        for match in _LOGFMT_KEY.finditer(line):
            if (stamp := _stamp_at_place(line, match.end())) is not None:
                return "logfmt", "key", stamp, match[1].decode()
        if _LEVEL_PAIR.search(line):
            return "logfmt", "none", "", ""
    if (where := line.find(b"[")) >= 0 and (stamp := _stamp_at_place(line, where + 1)) is not None:
        return "text", "bracket", stamp, ""
    for k, match in enumerate(islice(_WORD.finditer(line[:200]), _WORDS), 1):
        if (stamp := _stamp_at_place(line, _place_behind_brackets(line, match.end()))) is not None and stamp not in (
            "clock",
            "half clock",
        ):
            return "text", f"word {k}", stamp, ""
    for k, match in enumerate(islice(_CELL.finditer(line[:200]), _WORDS), 1):
        stamp = _stamp_at_place(line, _place_behind_brackets(line, match.end()))
        if stamp is not None and stamp not in ("clock", "half clock", "epoch"):
            return "text", f"cell {k}", stamp, ""
    return None


def _place_behind_brackets(line: bytes, at: int) -> int:
    """Behind the brackets and quotes that open at a place, ``MOST_OPENING`` at most."""
    for byte in line[at : at + MOST_OPENING]:
        if byte not in OPENING:
            return at
        at += 1
    return at


@cache
def _any_stamp_pattern() -> re.Pattern[bytes]:
    return re.compile("|".join(f"(?P<s{i}>{row.whole})" for i, row in enumerate(STAMPS.values())).encode())


def _stamp_at_place(line: bytes, at: int) -> str | None:
    """Name of the stamp that stands at a place, told by its shape."""
    if line[at : at + 1] not in _FIRST:
        return None
    match = _any_stamp_pattern().match(line, at)
    return None if match is None else tuple(STAMPS)[int(str(match.lastgroup)[1:])]


def stamp_end(line: bytes, at: int, stamp: str) -> int:
    """Where a stamp that begins at a place ends.

    Examples
    --------
    >>> stamp_end(b"2024-03-05T09:07:03.120Z up", 0, "iso")
    24
    """
    match = stamp_place_pattern(stamp).match(line, at)
    return at if match is None else match.end()


@cache
def stamp_place_pattern(stamp: str) -> re.Pattern[bytes]:
    """Expression of a stamp with its tail.

    Examples
    --------
    >>> stamp_place_pattern("clf").match(b"05/Mar/2024:09:07:03 +0200]").end()
    26
    """
    return re.compile(STAMPS[stamp].whole.encode())


def stamp_position(line: bytes, place: str) -> int:
    """Where the stamp of a line begins, by its place."""
    if place == "start":
        return _place_behind_brackets(line, 0)
    if place == "priority":
        return line.index(b">") + 1
    if place == "letter":
        return 1
    if place == "bracket":
        return line.index(b"[") + 1
    if place == "key audit(":
        return line.index(b"audit(") + 6
    what, _, number = place.partition(" ")
    begins = list((_WORD if what == "word" else _CELL).finditer(line[:200]))
    return _place_behind_brackets(line, begins[int(number) - 1].end())
