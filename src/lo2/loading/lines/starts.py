"""Lines of a block: where they begin and end, and which hold a stamp, key or tag where; many at once, by arrays."""

import re

import numpy as np

from lo2.kernel import Pair, kernel
from lo2.loading.formats.recognition import Use
from lo2.loading.formats.stamp_places import MOST_OPENING, OPENING
from lo2.loading.times.fixed import bytes_of_fixed_fields
from lo2.loading.times.stamps import Bytes, Flags, Places

_OPENING, _BLANK, _SEPARATOR = (
    bytes_of_fixed_fields(OPENING),
    bytes_of_fixed_fields(b" \t"),
    bytes_of_fixed_fields(b",;|"),
)


def spans_of_lines(text: Bytes, size: int) -> tuple[Places, Places]:
    """Start and end of the lines between the first and last byte, line feeds; carriage returns are cut off.

    Examples
    --------
    >>> [places.tolist() for places in spans_of_lines(np.frombuffer(b"\\nup\\r\\ndown\\n", np.uint8), 10)]
    [[1, 5], [3, 9]]
    """
    if (compiled := kernel()) is not None:
        return _line_place_arrays(compiled.spans(text, size))
    feeds = np.flatnonzero(text[:size] == 10)
    starts, ends = feeds[:-1] + 1, feeds[1:]
    return starts, ends - ((ends > starts) & (text[ends - 1] == 13))


def _line_place_arrays(found: Pair) -> tuple[Places, Places]:
    return np.frombuffer(found[0], np.int64), np.frombuffer(found[1], np.int64)


def record_lines(use: Use, text: Bytes, starts: Places, ends: Places) -> Flags:
    """Which lines look like records of this kind."""
    if use.kind == "json":
        return np.asarray((ends > starts) & (text[starts] == 123) & (text[np.maximum(ends - 1, 0)] == 125))
    equals = np.append(np.flatnonzero(text == 61), len(text))
    first = equals[np.searchsorted(equals, starts)]
    letter = text[starts] | 32
    return (first < ends) & (first - starts < 40) & (letter >= 97) & (letter <= 122)


def keyed_lines(use: Use, data: bytearray, starts: Places, ends: Places, lines: Places) -> tuple[Places, Places]:
    """Which of the lines hold the key of a row, and where its value begins.

    Examples
    --------
    >>> data = bytearray(b'\\n{"ts": 7}\\n')
    >>> use = Use("json", "json", "key", "epoch", "ts")
    >>> found = keyed_lines(use, data, np.array([1]), np.array([10]), np.array([0]))
    >>> [places.tolist() for places in found]
    [[0], [8]]
    """
    json = use.kind == "json"
    written = f'"{use.key}"'.encode() if json else f"{use.key}=".encode()
    if (compiled := kernel()) is not None:
        return _line_place_arrays(compiled.keyed(json, written, data, starts, ends, lines))
    key = re.escape(written)
    pattern = key + rb'[ \t\r\f\v]*:[ \t\r\f\v]*"?' if json else rb"(?<=\s)" + key + rb'"?'
    behind = np.fromiter((m.end() for m in re.finditer(pattern, data)), np.int64)
    of = np.searchsorted(starts, behind, side="right") - 1
    of, first = np.unique(of, return_index=True)
    wanted = np.isin(of, lines)
    return of[wanted], behind[first[wanted]]


def stamp_places_of_lines(place: str, text: Bytes, starts: Places, ends: Places, rest: Places) -> tuple[Places, Places]:
    """Lines of ``rest`` that can hold a stamp at this place, and where.

    Examples
    --------
    >>> text = np.frombuffer(b"\\n<13>Mar\\nup\\n", np.uint8)
    >>> found = stamp_places_of_lines("priority", text, *spans_of_lines(text, 12), np.array([0, 1]))
    >>> [places.tolist() for places in found]
    [[0], [5]]
    """
    cell = place.startswith("cell ")
    if (compiled := kernel()) is not None and not cell:
        return _line_place_arrays(compiled.places(place, text, starts, ends, rest))
    at = starts[rest]
    if place == "letter":
        at = at + 1
    elif place == "priority":
        at = _next_line_byte(text, at, 62) + 1
        at = np.where(text[starts[rest]] == 60, at, ends[rest])
    elif place == "bracket":
        at = _next_line_byte(text, at, 91) + 1
    elif place == "key audit(":
        at = _next_line_byte(text, at, 40) + 1
    elif cell or place.startswith("word "):
        begins = np.flatnonzero(_SEPARATOR[text] if cell else ~_BLANK[text[1:]] & _BLANK[text[:-1]]) + 1
        begins = np.append(begins, np.full(8, len(text)))
        at = begins[np.searchsorted(begins, at, side="right") + int(place[5:]) - 1]
        if cell:
            at = at + _BLANK[text[np.minimum(at, len(text) - 1)]]
    if place == "start" or cell or place.startswith("word "):
        for _ in range(MOST_OPENING):
            at = at + _OPENING[text[np.minimum(at, len(text) - 1)]]
    inside = at < ends[rest]
    return rest[inside], at[inside]


def _next_line_byte(text: Bytes, at: Places, byte: int) -> Places:
    found = np.append(np.flatnonzero(text == byte), len(text))
    return found[np.searchsorted(found, at)]


def tagged_lines(use: Use, data: bytearray, starts: Places, ends: Places) -> Places:
    """Where lines that continue the event before by their row's own word have that word; -1 in all others."""
    tags = tuple(tag.encode() for tag in use.header.tags)
    words = np.full(starts.size, -1)
    if any(tag in data for tag in tags):
        for i, (a, b) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            match = use.header.expression.match(data[a:b])
            if match is not None and match["level"] in tags:
                words[i] = a + match.start("level")
    return words


def fill_line_places(text: Bytes, at: Places, stop: Places, byte: int) -> None:
    """Overwrite what stands between the places."""
    lengths = stop - at
    if not lengths.size:
        return
    offsets = np.cumsum(lengths) - lengths
    text[np.arange(lengths.sum()) + np.repeat(at - offsets, lengths)] = byte
