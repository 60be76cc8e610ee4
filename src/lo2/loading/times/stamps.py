"""Time stamps: one table of their shapes, as patterns for text and bytes.

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
    "NZST": 720, "NZDT": 780, "AWST": 480, "ACST": 570, "ACDT": 630, "IDT": 180, "TRT": 180, "WAT": 60, "WIB": 420,
    "YEKT": 300, "OMST": 360, "KRAT": 420, "IRKT": 480, "YAKT": 540, "VLAT": 600, "NPT": 345, "IRST": 210, "AKST": -540,
    "AKDT": -480, "AST": -240, "ADT": -180, "NST": -210, "NDT": -150, "UYT": -180, "EDT": -240, "EST": -300, "CDT": -300, "CST": -360, "MDT": -360, "MST": -420,
    "PDT": -420, "PST": -480, "BRT": -180,
}  # fmt: skip
"""Minutes east of UTC. A name of several meanings has the one that servers write most."""

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_HMS = "hh:mm:ss"


def _expand_stamp_shapes(pattern: str) -> tuple[str, ...]:
    """Shapes of ``pattern`` with each of ``#h``, ``#m``, ``#s``, ``#D``, ``#M`` as one digit or two, the longest first."""
    parts = re.split(r"#(.)", pattern)
    choices = [(part,) if i % 2 == 0 else (2 * part, part) for i, part in enumerate(parts)]
    return tuple(sorted(("".join(one) for one in product(*choices)), key=len, reverse=True))


@dataclass(frozen=True)
class Stamp:
    """One shape of a time: how it looks, what may follow, how it reads (``examples``: text to ISO time in UTC).

    ``lacks`` is ``year`` or ``date``; such times are completed by the log's own date (``lo2.loading.times.clock``).
    """

    shapes: tuple[str, ...]
    tail: str = ""
    lacks: str = ""
    examples: Mapping[str, str] | None = None

    @cached_property
    def pattern(self) -> str:
        """Regular expression of the shapes without their tail, for text and for bytes."""
        return "|".join(map(_stamp_shape_expression, self.shapes))

    @cached_property
    def whole(self) -> str:
        """Regular expression of a stamp with its tail, for finding one; what it finds is read by :func:`read_stamps`."""
        half = " ?[AaPp][Mm]" if "half" in self.tail else ""
        tails = {
            "fraction": "(?:[.,:][0-9]{1,9})?",
            "half": half if "ss" not in self.shapes[0] else f"(?:{half})?",
            "zone": rf"(?: ?[+-][0-9]{{2}}:?[0-9]{{2}}|Z| (?=[A-Z])(?:{'|'.join(ZONES)})(?![A-Za-z0-9_]))?",
            "year": " [0-9]{4}",
        }
        tail = "".join(text for name, text in tails.items() if name in self.tail.split())
        return f"(?:{self.pattern}){tail}(?![0-9])"


def _stamp_shape_expression(shape: str) -> str:
    """Regular expression of one shape."""
    parts = {"bbb": f"(?:{'|'.join(MONTHS)})", "www": f"(?:{'|'.join(DAYS)})", "DD": "[ 0-3][0-9]", "~": "[T \t_]"}
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
    "iso wide": Stamp(
        ("YYYY-MM-DD  hh:mm:ss",), "fraction zone", examples={"2024-03-05  09:07:03": "2024-03-05T09:07:03"}
    ),
    "iso slashes": Stamp(
        ("YYYY/MM/DD~hh:mm:ss", "YYYY/MM/DD - hh:mm:ss"), "fraction zone",
        examples={"2024/03/05 09:07:03": "2024-03-05T09:07:03", "2024/03/05 - 09:07:03": "2024-03-05T09:07:03"},
    ),
    "iso dots": Stamp(
        ("YYYY.MM.DD~hh:mm:ss", "YYYY.MM.DD-hh.mm.ss"), "fraction zone",
        examples={"2024.03.05 09:07:03": "2024-03-05T09:07:03", "2024.03.05-09.07.03:120": "2024-03-05T09:07:03.120"},
    ),
    "iso loose": Stamp(
        tuple(s for s in (*_expand_stamp_shapes("YYYY-#M-#D~#h:mm:ss"), *_expand_stamp_shapes("YYYY/#M/#D~#h:mm:ss")) if s != "YYYY-MM-DD~hh:mm:ss"),
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
        (*_expand_stamp_shapes("YYYYMMDD-#h:#m:#s"), *_expand_stamp_shapes("YYYYMMDD #h:#m:#s")), "fraction",
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
        ("DD-bbb-YYYY hh:mm:ss", "DD bbb YYYY hh:mm:ss", "D-bbb-YYYY hh:mm:ss", "D bbb YYYY hh:mm:ss", "DD-bbb-YYYY::hh:mm:ss", "DDbbbYYYY hh:mm:ss"),
        "fraction zone",
        examples={"05-Mar-2024 09:07:03.120": "2024-03-05T09:07:03.120", "05 Mar 2024 09:07:03.120": "2024-03-05T09:07:03.120"},
    ),
    "month day year": Stamp(
        (*_expand_stamp_shapes("bbb #D, YYYY #h:mm:ss"), "bbb DD YYYY hh:mm:ss", "bbb D YYYY hh:mm:ss", *_expand_stamp_shapes("bbb #D, YYYY, #h:mm:ss")),
        "fraction half zone",
        examples={"Mar 5, 2024 9:07:03 PM": "2024-03-05T21:07:03", "Mar  5 2024 09:07:03": "2024-03-05T09:07:03"},
    ),
    "american": Stamp(
        (*_expand_stamp_shapes("#M/#D/YYYY #h:mm:ss"), *_expand_stamp_shapes("#M/#D/YYYY, #h:mm:ss"), "MM/DD/YYYY-hh:mm:ss"), "fraction half zone",
        examples={"3/5/2024 9:07:03 PM": "2024-03-05T21:07:03", "03/05/2024 21:07:03.120": "2024-03-05T21:07:03.120"},
    ),
    "european": Stamp(
        (*_expand_stamp_shapes("#D.#M.YYYY #h:mm:ss"), *_expand_stamp_shapes("#D.#M.YYYY, #h:mm:ss")), "fraction zone",
        examples={"05.03.2024 09:07:03,120": "2024-03-05T09:07:03.120"},
    ),
    "european short": Stamp(
        _expand_stamp_shapes("#D.#M.yy #h:mm:ss"), "fraction zone", examples={"05.03.24 09:07:03": "2024-03-05T09:07:03"}
    ),
    "short year": Stamp(("yy/MM/DD hh:mm:ss", "yy-MM-DD hh:mm:ss"), "fraction zone", examples={"17/06/09 20:10:40": "2017-06-09T20:10:40"}),
    "american short": Stamp(
        _expand_stamp_shapes("#M/#D/yy #h:mm:ss"), "fraction half zone", examples={"3/15/24 9:07:03:120 CET": "2024-03-15T08:07:03.120"}
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
