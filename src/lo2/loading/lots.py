"""A lot of lines by their shapes, lines with ones for their digits; and which digits the message of a shape keeps."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from lo2.loading.index import AnyIndex, Spans
from lo2.loading.ones import digit_places, may_be_ones, with_ones
from lo2.loading.stamps import Bytes, Places
from lo2.masking.digits import FIXED

_ONE = 49
DIGITS_MOST = 1_000
"""Longer bodies, and shapes of more digits, are not looked at."""
WORTHS = (1, 10, 100)
"""The places of a number by which a question tells its digits apart."""
_DIGIT = re.compile("[0-9]")
_FIXED = re.compile("|".join(FIXED))


@dataclass(frozen=True, eq=False)
class Lot:
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
    def of(cls, bodies: Collection[bytes], marks: Bytes, known: AnyIndex) -> "Lot":
        """From bodies, the marks that their rows have here, and the shapes that are known."""
        spans = bodies if isinstance(bodies, Spans) else Spans.of(bodies)
        raw, begins, ends = np.frombuffer(spans.text, np.uint8), spans.begins, spans.ends
        text = with_ones(raw)
        text[begins] = own = marks[raw[begins]]
        blind = np.flatnonzero(own)
        shapes = known.number(Spans(text, begins[blind], ends[blind])).astype(np.int64)
        lines = np.full(len(known), -1)
        lines[shapes] = blind
        return cls(raw, text, begins, ends, blind, shapes, lines)

    def bodies(self, shapes: Places) -> list[bytes]:
        """A body of each shape."""
        lines = self.lines[shapes]
        return [
            self.text[a:b].tobytes()
            for a, b in zip(self.begins[lines].tolist(), self.ends[lines].tolist(), strict=True)
        ]

    def weight(self, shapes: Places) -> int:
        """How many bodies have these shapes."""
        return int(np.bincount(self.shapes, minlength=self.lines.size)[shapes].sum())


def keeps_digits(message: str) -> bool:
    """Whether the text of a message holds digits that may be ones.

    Examples
    --------
    >>> keeps_digits("INFO\x1fa.v2\x1fbad UTF-8"), keeps_digits("status=502")
    (False, True)
    """
    text = message.split("\x1f", 2)[-1]
    return _DIGIT.search(text) is not None and _DIGIT.search(_FIXED.sub("", text)) is not None


def digit_places_kept(body: bytes, messages: Sequence[str]) -> Places | None:
    """Places of the digits that a shape's message keeps, by what became of its questions; None if not certain."""
    shape, places = messages[0].encode(), digit_places(body)
    numbers = np.zeros(0, np.int64)
    for worth, message in zip(WORTHS, messages[1:], strict=True):
        found = np.frombuffer(message.encode(), np.uint8)
        free = may_be_ones(found)
        if np.where(free, np.uint8(_ONE), found).tobytes() != shape:
            return None
        digits = (found[free].astype(np.int64) - 48) * worth
        numbers = digits + numbers if numbers.size else digits
    return places[numbers] if places.size <= DIGITS_MOST else None
