"""The choice of a header for a log: the first row of the table that fits enough of its lines.

Rows are tried in lots: where one expression made of several rows fits too few lines, none of these rows fits enough.
"""

from collections.abc import Collection, Sequence
from functools import cache
from itertools import islice, takewhile

from lo2.loading.formats.header import Header, joined_header
from lo2.loading.formats.headers import HEADERS

_LOT = 8
_LAST: dict[str, str] = {}
"""By stamp the row of the log before, which is asked first: whether it is the first that fits is soon told."""


def choose_header_row(bodies: Sequence[bytes], place: str, stamp: str, liked: Collection[str] = ()) -> str:
    """Name of the row for lines whose stamp at this place is taken out (``start``) or marked.

    Of those ``liked``, names with their stamp in brackets, the first that fits any line is taken.

    Examples
    --------
    >>> choose_header_row([b" INFO a.B - cart opened"], "start", "iso")
    'level name dash'
    """
    behind = bodies if place == "start" else [body[body.rfind(b"\x1e") + 1 :] for body in bodies]
    for name, row in HEADERS.items():
        if f"{name} ({stamp})" in liked and any(
            map(row.header_expression.match, bodies if row.place == place else behind)
        ):
            return name
    last = _LAST.get(stamp, "") if place == "start" else ""
    if last and _fits_no_earlier_header(last, stamp, bodies):
        return last
    name = _first_fitting_header(bodies, behind, place, stamp)
    if place == "start" and name in HEADERS:
        _LAST[stamp] = name
    return name


def _first_fitting_header(bodies: Sequence[bytes], behind: Sequence[bytes], place: str, stamp: str) -> str:
    refused: dict[int, bool] = {}
    for number, (name, row) in enumerate(HEADERS.items()):
        if (row.stamps and stamp not in row.stamps) or row.place not in (place, "start"):
            continue
        lot = number // _LOT
        if row.place == "start":
            if lot not in refused:
                refused[lot] = not _joined_header_rows(lot).fits_lines(behind)
            if refused[lot]:
                continue
        if row.fits_lines(bodies if row.place == place else behind):
            return name
    return "time"


@cache
def _joined_header_rows(number: int) -> Header:
    """A row that fits wherever one of a lot of rows at the start does."""
    rows = islice(HEADERS.values(), number * _LOT, (number + 1) * _LOT)
    return joined_header(row for row in rows if row.place == "start")


@cache
def _headers_before(name: str, stamp: str) -> Header | None:
    """A row that fits wherever one does that is tried before this one; None where none is."""
    rows = takewhile(lambda row: row is not HEADERS[name], HEADERS.values())
    tried = [row for row in rows if row.place == "start" and (not row.stamps or stamp in row.stamps)]
    return joined_header(tried) if tried else None


def _fits_no_earlier_header(name: str, stamp: str, bodies: Sequence[bytes]) -> bool:
    """Whether this row is the first that fits."""
    before = _headers_before(name, stamp)
    return (before is None or not before.fits_lines(bodies)) and HEADERS[name].fits_lines(bodies)
