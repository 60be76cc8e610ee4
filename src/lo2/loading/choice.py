"""Which row of the table of headers a log has: the first that fits enough of its lines.

Rows are tried in lots: where one expression made of several rows fits too few lines, none of these rows fits enough.
"""

import re
from collections.abc import Collection, Sequence
from functools import cache
from itertools import islice

from lo2.loading.header import Header
from lo2.loading.headers import HEADERS

_LOT = 8
_NAME = re.compile(r"\(\?P<\w+>")


def row_of(bodies: Sequence[bytes], place: str, stamp: str, liked: Collection[str] = ()) -> str:
    """Name of the row for lines whose stamp at this place is taken out (``start``) or marked.

    Of those ``liked``, names with their stamp in brackets, the first that fits any line is taken.

    Examples
    --------
    >>> row_of([b" INFO a.B - cart opened"], "start", "iso")
    'level name dash'
    """
    behind = bodies if place == "start" else [body[body.rfind(b"\x1e") + 1 :] for body in bodies]
    for name, row in HEADERS.items():
        if f"{name} ({stamp})" in liked and any(map(row.expression.match, bodies if row.place == place else behind)):
            return name
    refused: dict[int, bool] = {}
    for number, (name, row) in enumerate(HEADERS.items()):
        if (row.stamps and stamp not in row.stamps) or row.place not in (place, "start"):
            continue
        lot = number // _LOT
        if row.place == "start":
            if lot not in refused:
                refused[lot] = not _together(lot).fits(behind)
            if refused[lot]:
                continue
        if row.fits(bodies if row.place == place else behind):
            return name
    return "time"


@cache
def _together(lot: int) -> Header:
    """A row that fits wherever one of a lot of rows at the start does."""
    rows = [row for row in islice(HEADERS.values(), lot * _LOT, (lot + 1) * _LOT) if row.place == "start"]
    patterns = [f"(?:{_NAME.sub('(?:', row.pattern)})" for row in rows]
    return Header("|".join(patterns), (), least=min(row.least for row in rows))
