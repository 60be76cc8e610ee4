"""Time stamps: one table of shapes, and one reader that finds their value in a whole block at once.

A shape is written as it looks, one letter a character: ``YMDhms`` digits of a field, ``bbb`` the month's name, ``www``
a weekday, ``E`` a digit since the epoch, ``~`` what stands between date and time (a blank, ``T``, tab or ``_``), anything else
itself. A day may be padded with a blank. ``tail`` says what may follow: a fraction, a zone, ``AM``/``PM``, the year.
Adding a stamp is adding a row; its examples are its test.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]

PAD = 64
NO_TIME = np.iinfo(np.int64).min
YEARLESS = -(1 << 61)
"""Added to the milliseconds since 1972 began (a leap year) where a stamp has no year."""
CLOCK = -(1 << 60)
"""Added to the milliseconds since midnight where a stamp has no date."""

ZONES: Mapping[str, int] = {
    "UTC": 0, "GMT": 0, "WET": 0, "CET": 60, "BST": 60, "WEST": 60, "CEST": 120, "EET": 120, "SAST": 120, "EEST": 180,
    "MSK": 180, "IST": 330, "PKT": 300, "HKT": 480, "SGT": 480, "JST": 540, "KST": 540, "AEST": 600, "AEDT": 660,
    "NZST": 720, "NZDT": 780, "EDT": -240, "EST": -300, "CDT": -300, "CST": -360, "MDT": -360, "MST": -420,
    "PDT": -420, "PST": -480, "BRT": -180,
}  # fmt: skip
"""Minutes east of UTC. A name of several meanings has the one that servers write most."""

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_HMS = "hh:mm:ss"


def _loose(pattern: str) -> tuple[str, ...]:
    """Shapes of ``pattern`` with each of ``#h``, ``#m``, ``#s``, ``#D``, ``#M`` as one digit or two, the longest first."""
    parts = re.split(r"#(.)", pattern)
    choices = [(part,) if i % 2 == 0 else (2 * part, part) for i, part in enumerate(parts)]
    return tuple(sorted(("".join(one) for one in product(*choices)), key=len, reverse=True))


@dataclass(frozen=True)
class Stamp:
    """One shape of a time: how it looks, what may follow, how it reads (``examples``: text to ISO time in UTC).

    ``lacks`` is ``year`` or ``date``; such times are completed by the log's own date (``lo2.loading.clock``).
    """

    shapes: tuple[str, ...]
    tail: str = ""
    lacks: str = ""
    examples: Mapping[str, str] | None = None

    @cached_property
    def pattern(self) -> str:
        """Regular expression of the shapes without their tail, for text and for bytes."""
        return "|".join(map(_expression, self.shapes))

    @cached_property
    def whole(self) -> str:
        """The same with its tail, for finding stamps one by one; what it finds is read by :func:`read_stamps`."""
        half = " ?[AaPp][Mm]" if "half" in self.tail else ""
        tails = {
            "fraction": "(?:[.,:][0-9]{1,9})?",
            "half": half if "ss" not in self.shapes[0] else f"(?:{half})?",
            "zone": rf"(?: ?[+-][0-9]{{2}}:?[0-9]{{2}}|Z| (?:{'|'.join(ZONES)})(?![A-Za-z0-9_]))?",
            "year": " [0-9]{4}",
        }
        tail = "".join(text for name, text in tails.items() if name in self.tail.split())
        return f"(?:{self.pattern}){tail}(?![0-9])"


def _expression(shape: str) -> str:
    """Regular expression of one shape."""
    parts = {"bbb": f"(?:{'|'.join(_MONTHS)})", "www": f"(?:{'|'.join(_DAYS)})", "DD": "[ 0-3][0-9]", "~": "[T \t_]"}
    found = re.findall("bbb|www|DD|.", shape)
    return "".join(parts.get(one) or ("[0-9]" if one in "YyMDhmsE" else re.escape(one)) for one in found)


STAMPS: Mapping[str, Stamp] = {
    "iso": Stamp(
        ("YYYY-MM-DD~hh:mm:ss", "YYYY-MM-DD at hh:mm:ss"), "fraction zone",
        examples={
            "2024-03-05T09:07:03.120Z": "2024-03-05T09:07:03.120", "2024-03-05 09:07:03,120": "2024-03-05T09:07:03.120",
            "2024-03-05 09:07:03.120+01:00": "2024-03-05T08:07:03.120", "2024-03-05T09:07:03+0000": "2024-03-05T09:07:03",
            "2024-03-05 09:07:03 CET": "2024-03-05T08:07:03", "2024-03-05T09:07:03.120456789": "2024-03-05T09:07:03.120",
        },
    ),
    "iso slashes": Stamp(
        ("YYYY/MM/DD~hh:mm:ss",), "fraction zone", examples={"2024/03/05 09:07:03": "2024-03-05T09:07:03"}
    ),
    "iso dots": Stamp(("YYYY.MM.DD~hh:mm:ss",), "fraction zone", examples={"2024.03.05 09:07:03": "2024-03-05T09:07:03"}),
    "iso loose": Stamp(
        tuple(s for s in (*_loose("YYYY-#M-#D~#h:mm:ss"), *_loose("YYYY/#M/#D~#h:mm:ss")) if s != "YYYY-MM-DD~hh:mm:ss"),
        "fraction zone", examples={"2024-3-5 9:07:03": "2024-03-05T09:07:03"},
    ),
    "iso dashes": Stamp(
        ("YYYY-MM-DD-hh.mm.ss", "YYYY-MM-DD-hh:mm:ss"), "fraction",
        examples={"2005-06-03-15.42.50.675872": "2005-06-03T15:42:50.675", "2024-03-05-09:07:03": "2024-03-05T09:07:03"},
    ),
    "iso basic": Stamp(
        ("YYYYMMDDThhmmss",), "fraction zone", examples={"20240305T090703Z": "2024-03-05T09:07:03"}
    ),
    "compact": Stamp(
        (*_loose("YYYYMMDD-#h:#m:#s"), *_loose("YYYYMMDD #h:#m:#s")), "fraction",
        examples={"20171223-22:15:29:606": "2017-12-23T22:15:29.606", "20171224-0:7:20:6": "2017-12-24T00:07:20.006"},
    ),
    "clf": Stamp(
        ("DD/bbb/YYYY:hh:mm:ss", "DD/bbb/YYYY hh:mm:ss"), "fraction zone",
        examples={"05/Mar/2024:09:07:03 +0200": "2024-03-05T07:07:03"},
    ),
    "asctime": Stamp(
        ("www bbb DD hh:mm:ss", "www bbb D hh:mm:ss"), "fraction zone year",
        examples={
            "Tue Mar 05 09:07:03.120000 2024": "2024-03-05T09:07:03.120", "Tue Mar  5 09:07:03 2024": "2024-03-05T09:07:03",
            "Tue Mar  5 09:07:03 CET 2024": "2024-03-05T08:07:03",
        },
    ),
    "rfc 2822": Stamp(
        ("www, DD bbb YYYY hh:mm:ss", "www, D bbb YYYY hh:mm:ss"), "fraction zone",
        examples={"Tue, 05 Mar 2024 09:07:03 +0100": "2024-03-05T08:07:03"},
    ),
    "day month": Stamp(
        ("DD-bbb-YYYY hh:mm:ss", "DD bbb YYYY hh:mm:ss", "D-bbb-YYYY hh:mm:ss", "D bbb YYYY hh:mm:ss", "DD-bbb-YYYY::hh:mm:ss"),
        "fraction zone",
        examples={"05-Mar-2024 09:07:03.120": "2024-03-05T09:07:03.120", "05 Mar 2024 09:07:03.120": "2024-03-05T09:07:03.120"},
    ),
    "month day year": Stamp(
        (*_loose("bbb #D, YYYY #h:mm:ss"), "bbb DD YYYY hh:mm:ss", "bbb D YYYY hh:mm:ss", *_loose("bbb #D, YYYY, #h:mm:ss")),
        "fraction half zone",
        examples={"Mar 5, 2024 9:07:03 PM": "2024-03-05T21:07:03", "Mar  5 2024 09:07:03": "2024-03-05T09:07:03"},
    ),
    "american": Stamp(
        (*_loose("#M/#D/YYYY #h:mm:ss"), *_loose("#M/#D/YYYY, #h:mm:ss")), "fraction half zone",
        examples={"3/5/2024 9:07:03 PM": "2024-03-05T21:07:03", "03/05/2024 21:07:03.120": "2024-03-05T21:07:03.120"},
    ),
    "european": Stamp(
        (*_loose("#D.#M.YYYY #h:mm:ss"), *_loose("#D.#M.YYYY, #h:mm:ss")), "fraction zone",
        examples={"05.03.2024 09:07:03,120": "2024-03-05T09:07:03.120"},
    ),
    "european short": Stamp(
        _loose("#D.#M.yy #h:mm:ss"), "fraction zone", examples={"05.03.24 09:07:03": "2024-03-05T09:07:03"}
    ),
    "short year": Stamp(("yy/MM/DD hh:mm:ss", "yy-MM-DD hh:mm:ss"), "fraction zone", examples={"17/06/09 20:10:40": "2017-06-09T20:10:40"}),
    "american short": Stamp(
        _loose("#M/#D/yy #h:mm:ss"), "fraction half zone", examples={"3/15/24 9:07:03:120 CET": "2024-03-15T08:07:03.120"}
    ),
    "six digits": Stamp(
        ("yyMMDD hhmmss", "yyMMDD hh:mm:ss", "yyMMDD  h:mm:ss"), "fraction",
        examples={"081109 203615": "2008-11-09T20:36:15", "160808  9:07:03": "2016-08-08T09:07:03"},
    ),
    "syslog": Stamp(
        ("bbb DD hh:mm:ss", "bbb D hh:mm:ss"), "fraction zone", "year",
        examples={"Mar  5 09:07:03": "03-05T09:07:03", "Mar 05 09:07:03.120123": "03-05T09:07:03.120"},
    ),
    "logcat": Stamp(("MM-DD hh:mm:ss",), "fraction zone", "year", {"03-05 09:07:03.120": "03-05T09:07:03.120"}),
    "month dot day": Stamp(("MM.DD hh:mm:ss",), "fraction", "year", {"10.30 16:49:06": "10-30T16:49:06"}),
    "glog": Stamp(("MMDD hh:mm:ss",), "fraction", "year", {"0305 09:07:03.120000": "03-05T09:07:03.120"}),
    "epoch": Stamp(
        ("EEEEEEEEEEEEEEEEEEE", "EEEEEEEEEEEEEEEE", "EEEEEEEEEEEEE", "EEEEEEEEEE"), "fraction",
        examples={"1709629623.120": "2024-03-05T09:07:03.120", "1709629623120": "2024-03-05T09:07:03.120"},
    ),
    "half clock": Stamp(("hh:mm", "h:mm"), "half", "date", {"9:07AM": "T09:07:00", "11:07PM": "T23:07:00"}),
    "clock": Stamp((_HMS, "h:mm:ss"), "fraction half", "date", {"09:07:03.120": "T09:07:03.120", "9:07:03 PM": "T21:07:03"}),
}  # fmt: skip
"""Tried in this order; one that begins like another stands before it."""


@dataclass(frozen=True)
class Read:
    """What was found at each of the places: whether, the time in ms (see ``YEARLESS``, ``CLOCK``), and where it ends."""

    ok: Flags
    times: NDArray[np.int64]
    ends: Places


def read_stamps(text: Bytes, at: Places, limit: Places, stamp: Stamp) -> Read:
    """Times that begin at the places ``at`` of ``text`` and end before ``limit``.

    Parameters
    ----------
    text : array of uint8
        A block, with ``PAD`` bytes of anything behind it.
    at, limit : arrays of shape (n,)
        First byte of each stamp, and the end of its line.

    Examples
    --------
    >>> text = np.frombuffer(b"2024-03-05T09:07:03.120Z up" + bytes(PAD), np.uint8)
    >>> found = read_stamps(text, np.array([0]), np.array([27]), STAMPS["iso"])
    >>> str(found.times.astype("datetime64[ms]")[0]), found.ends.tolist()
    ('2024-03-05T09:07:03.120', [24])
    """
    ok = np.zeros(at.size, bool)
    times = np.full(at.size, NO_TIME)
    ends = at.copy()
    for shape in stamp.shapes:
        rest = np.flatnonzero(~ok)
        if not rest.size:
            break
        rest = rest[limit[rest] - at[rest] >= len(shape)]
        good, fields = _read_shape(text, at[rest], shape)
        rest, fields = rest[good], {name: value[good] for name, value in fields.items()}
        if not rest.size:
            continue
        good, found, end = _complete(text, at[rest] + len(shape), limit[rest], stamp, fields)
        ok[rest[good]], times[rest[good]], ends[rest[good]] = True, found[good], end[good]
    return Read(ok, times, ends)


def _read_shape(text: Bytes, at: Places, shape: str) -> tuple[Flags, dict[str, NDArray[np.int64]]]:
    ok = np.ones(at.size, bool)
    fields: dict[str, NDArray[np.int64]] = {}
    skip = 0
    for i, letter in enumerate(shape):
        if skip:
            skip -= 1
        elif shape[i : i + 3] in ("bbb", "www"):
            names, skip = _MONTHS if letter == "b" else _DAYS, 2
            words = (text[at + i].astype(np.int64) << 16) | (text[at + i + 1].astype(np.int64) << 8) | text[at + i + 2]
            number = np.zeros(at.size, np.int64)
            for k, name in enumerate(names, 1):
                number[words == int.from_bytes(name.encode(), "big")] = k
            ok &= number > 0
            if letter == "b":
                fields["M"] = number
        elif letter in "YyMDhmsE":
            digit = text[at + i].astype(np.int64) - 48
            if letter == "D" and shape[i + 1 : i + 2] == "D":
                digit = np.where(digit == -16, 0, digit)
            ok &= (digit >= 0) & (digit <= 9)
            fields[letter] = fields.get(letter, np.zeros(at.size, np.int64)) * 10 + digit
        elif letter == "~":
            ok &= _SEPARATORS[text[at + i]]
        else:
            ok &= text[at + i] == ord(letter)
        if not ok.any():
            break
    return ok, fields


def _table(characters: bytes) -> Flags:
    found = np.zeros(256, bool)
    found[list(characters)] = True
    return found


_SEPARATORS = _table(b"T \t_")
_DIGIT = _table(b"0123456789")
_WORD = _table(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")


def _complete(
    text: Bytes, end: Places, limit: Places, stamp: Stamp, fields: dict[str, NDArray[np.int64]]
) -> tuple[Flags, NDArray[np.int64], Places]:
    """Tails and the value; a stamp that runs on as a number or a word is none."""
    ms = np.zeros(end.size, np.int64)
    ok = np.ones(end.size, bool)
    east = np.zeros(end.size, np.int64)
    if "fraction" in stamp.tail:
        ms, end = _fraction(text, end, limit, loose="YYYYMMDD-hh" in stamp.shapes[0])
    if "half" in stamp.tail:
        fields["h"], end, told = _half(text, end, limit, fields["h"])
        ok &= told | ("s" in fields)
    if "zone" in stamp.tail:
        east, end = _zone(text, end, limit)
    if "year" in stamp.tail:
        inside = limit - end >= 5
        good, year = _read_shape(text, end, " YYYY")
        ok &= good & inside
        fields["Y"], end = year.get("Y", east), end + 5
    ok &= (end >= limit) | ~_DIGIT[text[end]]
    if "E" in fields:
        times, fits = _since_epoch(fields["E"], ms)
        return ok & fits & ((end >= limit) | ~_WORD[text[end]]), times, end
    times, fits = _moment(fields)
    return ok & fits, times + ms - 60_000 * east, end


def _moment(fields: dict[str, NDArray[np.int64]]) -> tuple[NDArray[np.int64], Flags]:
    hour, minute = fields["h"], fields["m"]
    second = fields.get("s", np.zeros(hour.size, np.int64))
    ok = (hour <= 23) & (minute <= 59) & (second <= 60)
    clock = ((hour * 60 + minute) * 60 + second) * 1000
    if "D" not in fields:
        return clock + CLOCK, ok
    year = fields["Y"] if "Y" in fields else fields["y"] + 2000 if "y" in fields else np.full(hour.size, 1972)
    month, day = fields["M"], fields["D"]
    ok &= (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1)
    index = (np.where(ok, year, 1970) - 1970) * 12 + np.where(ok, month, 1) - 1
    first = index.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    after = (index + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    ok &= day <= after - first
    times = (first + day - 1) * 86_400_000 + clock
    known = "Y" in fields or "y" in fields
    return times if known else times - _YEAR_1972 + YEARLESS, ok


_YEAR_1972 = 2 * 365 * 86_400_000


def _since_epoch(number: NDArray[np.int64], ms: NDArray[np.int64]) -> tuple[NDArray[np.int64], Flags]:
    """By their size: seconds, ms, us or ns; years from 2001 to 2096 only."""
    times = np.select(
        [number >= 10**18, number >= 10**15, number >= 10**12], [number // 10**6, number // 1000, number], number * 1000
    )
    return times + np.where(number < 10**12, ms, 0), (times >= 10**12) & (times < 4 * 10**12)


def _fraction(text: Bytes, end: Places, limit: Places, *, loose: bool) -> tuple[NDArray[np.int64], Places]:
    """Milliseconds behind ``.``, ``,`` or ``:``; behind a comma or a colon only three digits and more are some."""
    mark = text[end]
    value = np.zeros(end.size, np.int64)
    length = np.zeros(end.size, np.int64)
    running = ((mark == 46) | (mark == 44) | (mark == 58)) & (end < limit)
    for i in range(1, 10):
        running = running & (end + i < limit) & _DIGIT[text[end + i]]
        if not running.any():
            break
        length += running
        if i <= 3:
            value += np.where(running, (text[end + i].astype(np.int64) - 48) * 10 ** (3 - i), 0)
    colon = mark == 58
    good = (length >= 3) | ((mark == 46) & (length > 0)) | (loose & colon & (length > 0))
    if loose:  # a number of milliseconds, not a fraction
        value = np.where(colon, value // 10 ** np.clip(3 - length, 0, 3), value)
    return np.where(good, value, 0), end + np.where(good, length + 1, 0)


def _half(text: Bytes, end: Places, limit: Places, hour: NDArray[np.int64]) -> tuple[NDArray[np.int64], Places, Flags]:
    """Hours of a day of two halves; which places tell the half."""
    at = end + ((text[end] == 32) & (end < limit))
    first, second = text[at] | 32, text[at + 1] | 32
    told = ((first == 97) | (first == 112)) & (second == 109) & (at + 2 <= limit) & ~_WORD[text[at + 2]]
    told &= (hour >= 1) & (hour <= 12)
    return np.where(told, hour % 12 + 12 * (first == 112), hour), np.where(told, at + 2, end), told


def _zone(text: Bytes, end: Places, limit: Places) -> tuple[NDArray[np.int64], Places]:
    """Minutes east of UTC, and where the zone ends: ``Z``, ``+01:00``, `` +0100`` or a name of ``ZONES``."""
    east = np.zeros(end.size, np.int64)
    stop = end.copy()
    blank = (text[end] == 32) & (end < limit)
    at = end + blank
    first = text[at]
    zulu = (first == 90) & ~blank & ~_WORD[text[at + 1]] & (at < limit)
    stop[zulu] = at[zulu] + 1
    signed = ((first == 43) | (first == 45)) & _DIGIT[text[at + 1]] & _DIGIT[text[at + 2]] & (at + 3 <= limit)
    if signed.any():
        where = at + 3 + (text[at + 3] == 58)
        four = signed & _DIGIT[text[where]] & _DIGIT[text[where + 1]] & (where + 2 <= limit)
        two = signed & ~four & ~blank & ~_WORD[text[at + 3]] & (text[at + 3] != 58)
        hours = (text[at + 1].astype(np.int64) - 48) * 10 + text[at + 2] - 48
        minutes = np.where(four, (text[where].astype(np.int64) - 48) * 10 + text[where + 1] - 48, 0)
        good = (four | two) & (hours <= 18) & (minutes < 60)
        sign = np.where(first == 45, -1, 1)
        east = np.where(good, sign * (hours * 60 + minutes), 0)
        stop = np.where(good, np.where(four, where + 2, at + 3), stop)
    named = blank & (first >= 65) & (first <= 90)
    if named.any():
        word = (first.astype(np.int64) << 16) | (text[at + 1].astype(np.int64) << 8) | text[at + 2]
        for name, minutes_east in ZONES.items():
            found = named & (word == int.from_bytes(name[:3].encode(), "big")) & (at + len(name) <= limit)
            if len(name) == 4:
                found &= text[at + 3] == ord(name[3])
            found &= ~_WORD[text[at + len(name)]]
            east = np.where(found, minutes_east, east)
            stop = np.where(found, at + len(name), stop)
    return east, stop
