"""Unknown time zones, which are not in the table: told from what nearly all lines of a log have behind their stamp."""

import re
from collections import Counter
from collections.abc import Sequence

_ZONE = re.compile(rb" ([A-Z]{2,4}T)(?![A-Za-z0-9_])")
_NO_ZONES = frozenset(b"GET PUT POST NOT ALERT AUDIT EVENT EXIT HOST INIT ROOT START TEST".split())
_NEARLY = 0.9
_ZONED = re.compile(rb"(?:[+-]\d\d:?\d\d|[A-Z])$")


def unknown_zone(lines: Sequence[bytes], places: Sequence[int], ends: Sequence[int]) -> str:
    """What stands where nearly all of these lines have a zone behind their stamps, which begin and end there.

    Examples
    --------
    >>> unknown_zone([b"09:07:03 XYZT up", b"09:07:04 XYZT GET /"], [0, 0], [8, 8])
    'XYZT'
    """
    found: list[bytes] = []
    for tried, (line, at, end) in enumerate(zip(lines, places, ends, strict=True), 1):
        match = _ZONE.match(line, end)
        if match is not None and match[1] not in _NO_ZONES and not _ZONED.search(line[at:end]):
            found.append(match[1])
        elif len(lines) - tried + len(found) < _NEARLY * len(lines):
            return ""
    word, n = next(iter(Counter(found).most_common(1)), (b"", 0))
    return word.decode() if n > 1 and n >= _NEARLY * len(lines) else ""


def behind_zone(line: bytes, end: int, zone: str) -> int:
    """Where a stamp that ends here really ends, with its unknown zone.

    Examples
    --------
    >>> behind_zone(b"09:07:03 XYZT up", 8, "XYZT"), behind_zone(b"09:07:03 up", 8, "XYZT")
    (13, 8)
    """
    match = _ZONE.match(line, end) if zone else None
    return match.end() if match is not None and match[1] == zone.encode() else end
