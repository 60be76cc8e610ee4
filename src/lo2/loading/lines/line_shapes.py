"""Shapes of lines, ones for their digits: a batch of bodies by shape, and which digits the message of a shape keeps."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lo2.loading.lines.index import AnyIndex, Codes, Spans
from lo2.loading.lines.kept_digits import which_are_digits
from lo2.loading.lines.ones import put_ones
from lo2.loading.lines.parser import Uses
from lo2.loading.times.stamps import Bytes, Flags, Places
from lo2.masking.digits import FIXED

DIGITS_MOST = 1_000
"""Longer bodies are not looked at."""
WORTHS = (1, 9, 81)
"""The places of a number by which a question tells its digits apart."""
SPLIT = 128
"""Added to the mark of a body whose digits that tell were put back."""
_DIGIT = re.compile("[0-9]")
_GOES_ON = np.isin(np.arange(256), list(b".eE"))
_ODD_NUMBER = re.compile(
    rb"[:\[,][ \t]*-?"
    rb"(?:0[0-9]|0\.0000|[0-9][0-9.]*[eE]|[0-9]+\.[0-9]+0(?![0-9])|(?=[0-9.]{17})[0-9]+\.|(?<=-)0(?![0-9.]))"
)
"""Leading zeros, powers, zeros at the end, more digits than a float has, minus zero."""
_FIXED = re.compile("|".join(FIXED))


@dataclass(frozen=True, eq=False)
class LineShapes:
    """Bodies as places of one text: as it is, and with ones for its digits; shapes of the ``blind`` ones.

    ``lines`` has a place in the arrays for each known shape, -1 for one that the lot has not.
    """

    raw: Bytes
    text: Bytes
    begins: Places
    ends: Places
    blind: Places
    shapes: Places
    lines: Places

    @classmethod
    def from_bodies(cls, bodies: Collection[bytes], uses: Uses, marks: Uses, known: AnyIndex) -> "LineShapes":
        """From bodies that ``uses`` read, the same rows by other ``marks``, and the shapes that are known."""
        spans = bodies if isinstance(bodies, Spans) else Spans.from_bodies(bodies)
        raw, begins, ends = np.frombuffer(spans.text, np.uint8), spans.begins, spans.ends
        text = put_ones(raw)
        table = np.zeros(256, np.uint8)
        table[10] = 10
        for number, use in enumerate(uses.rows):
            table[number + 11] = marks.mark(use) if use.blind else 0
        own = table[raw[begins]]
        json = [number + 11 for number, use in enumerate(uses.rows) if use.kind == "json"]
        if json:
            some = np.flatnonzero(np.isin(raw[begins], json))
            own[some[_have_odd_json_numbers(raw, begins[some], ends[some])]] = 0
        text[begins] = own
        blind = np.flatnonzero(own)
        shapes = known.number_bodies(Spans(text, begins[blind], ends[blind])).astype(np.int64)
        lines = np.full(len(known), -1)
        lines[shapes] = blind
        return cls(raw, text, begins, ends, blind, shapes, lines)

    def shape_bodies(self, shapes: Places) -> list[bytes]:
        """A body of each shape."""
        lines = self.lines[shapes]
        return [
            bytes([self.text[a] % SPLIT]) + self.text[a + 1 : b].tobytes()
            for a, b in zip(self.begins[lines].tolist(), self.ends[lines].tolist(), strict=True)
        ]

    def split_shapes(self, chosen: Places, known: AnyIndex) -> "LineShapes":
        """With the shapes that chosen bodies (places in ``blind``) have now that digits of theirs were put back."""
        begins = self.begins[self.blind[chosen]]
        self.text[begins] += np.uint8(SPLIT)
        shapes = self.shapes.copy()
        shapes[chosen] = known.number_bodies(Spans(self.text, begins, self.ends[self.blind[chosen]])).astype(np.int64)
        lines = np.full(len(known), -1)
        lines[shapes] = self.blind
        return replace(self, shapes=shapes, lines=lines)

    def shape_weight(self, shapes: Places) -> int:
        """How many bodies have these shapes."""
        return int(np.bincount(self.shapes, minlength=self.lines.size)[shapes].sum())


def shape_keeps(message: str) -> bool:
    """Whether the text of a message holds digits that may be ones.

    Examples
    --------
    >>> shape_keeps("INFO\x1fa.v2\x1fbad UTF-8"), shape_keeps("status=502")
    (False, True)
    """
    text = message.split("\x1f", 2)[-1]
    return _DIGIT.search(text) is not None and _DIGIT.search(_FIXED.sub("", text)) is not None


def shape_places(places: Places, messages: Sequence[str]) -> Places | None:
    """Which of the free places of a shape its message keeps, by what became of its questions; None if not certain.

    The questions: ones at the places, sevens, and the digits of the places' numbers, one after the other.
    """
    ones, sevens, *counting = (np.frombuffer(message.encode(), np.uint8) for message in messages)
    digits = which_are_digits(ones)
    if places.size > 9 * WORTHS[-1] or any(one.size != ones.size for one in (sevens, *counting)):
        return None
    free = digits & (sevens != ones)
    numbers = np.zeros(np.count_nonzero(free), np.int64)
    for worth, found in zip(WORTHS, counting, strict=False):
        if not np.array_equal(found[~free], ones[~free]) or not which_are_digits(found)[free].all():
            return None
        numbers += (found[free].astype(np.int64) - 49) * worth
    if not np.array_equal(sevens[~free], ones[~free]) or np.any((numbers < 0) | (numbers >= places.size)):
        return None
    return places[numbers]


def lone_shapes(bodies: Collection[bytes], uses: Uses) -> tuple[list[bytes], Codes]:
    """What is read of each body, none for another."""
    return [uses.canonical_body(body) for body in bodies], np.arange(len(bodies), dtype=np.uint32)


def _have_odd_json_numbers(raw: Bytes, begins: Places, ends: Places) -> Flags:
    """Which bodies have a number that JSON would not read, or that Python writes otherwise than it stands there."""
    found, chosen = np.zeros(begins.size, bool), np.arange(begins.size)
    if 2 * int((ends - begins).sum()) > raw.size:  # else they are looked at one by one sooner
        chosen = _may_have_odd_numbers(raw, begins)
    data = raw.tobytes() if chosen.size else b""
    spans = zip(begins[chosen].tolist(), ends[chosen].tolist(), strict=True)
    found[chosen] = np.fromiter((_ODD_NUMBER.search(data, *span) is not None for span in spans), bool, chosen.size)
    return found


def _may_have_odd_numbers(raw: Bytes, begins: Places) -> Places:
    """Bodies with digits that begin with a zero or that a point or a power follows."""
    digit = which_are_digits(raw)
    first, last = np.flatnonzero(digit[1:] & ~digit[:-1]) + 1, np.flatnonzero(digit[:-1] & ~digit[1:]) + 1
    last = last[last > first[0]] if first.size else last
    first = first[: last.size]
    zero = (raw[first] == 48) & ((last - first > 1) | (raw[first - 1] == 45))
    maybe = first[zero | _GOES_ON[raw[last]]]
    chosen = np.unique(np.searchsorted(begins, maybe, side="right") - 1)
    return chosen[chosen >= 0]
