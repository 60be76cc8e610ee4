"""Lines that differ only in digits that no message keeps become one body, in the logs of any service.

A text with ones for its digits is masked where the text itself is, as long as no row of the masks names a digit in it.
So one such text tells of all others which of their digits stay in the message (a status, an error code): these go back
into every line, the rest stay ones. Whatever is not certain of this stays as it is. Masks and headers then run once per
shape of a line, not once per line.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from lo2.loading.collapse import inside
from lo2.loading.index import AnyIndex, Spans, new_index
from lo2.loading.stamps import Bytes, Flags, Places
from lo2.loading.steps import Uses

_ONE = 49
_DIGITS_MOST = 1_000
_LONGEST = 4_000
_REMEMBERED = 50_000
_ROWS = 100
_DIGIT = re.compile("[0-9]")
_FEW = 3
"""So many bodies of a shape on average make it worth to look for those that are alike."""
_RESTS = 15
"""So many further lots are left alone after one that was not worth it: what comes out is the same."""
_WORTH = 4
"""So many lines of a shape make it worth to learn what its messages keep."""
_WHOLE, _UNKNOWN = -1, -2
_NONE = np.empty(0, np.int64)


@dataclass
class Alike:
    """What is known of the shapes of the lines of some logs.

    Parameters
    ----------
    masked : callable
        Masked messages of levels, loggers and messages with unit separators between.
    digits : str
        Pattern of the texts whose masking may depend on which digits they have.
    """

    masked: Callable[[Sequence[bytes]], list[str]]
    digits: str
    _uses: Uses = field(default_factory=Uses)
    _shapes: AnyIndex = field(default_factory=new_index)
    _kept: dict[int, Places] = field(default_factory=dict)
    _sizes: Places = field(default_factory=lambda: _NONE)
    _rest: int = 0

    def numbers(self, bodies: Sequence[bytes], uses: Uses) -> tuple[list[bytes], Places]:
        """Bodies that stand for these, in order of first appearance, and which of them stands for which.

        ``uses`` are the rows that read them.
        """
        if not bodies:
            return [], _NONE
        if self._rest:
            self._rest -= 1
            return list(bodies), np.arange(len(bodies))
        if len(self._shapes) > _REMEMBERED or len(self._uses.rows) > _ROWS:
            self._uses, self._shapes, self._kept, self._sizes = Uses(), new_index(), {}, _NONE
        ends = np.cumsum(np.fromiter(map(len, bodies), np.int64, len(bodies)))
        text = np.frombuffer(bytearray(b"".join(bodies)), np.uint8)
        begins = np.concatenate([[0], ends[:-1]])
        raw, marks = text.copy(), self._marks(uses)[text[begins]]
        np.copyto(text, np.uint8(_ONE), where=_free(text))
        text[begins] = marks
        blind = np.flatnonzero(marks)
        shapes, sizes = np.zeros(begins.size, np.int64), np.full(begins.size, _WHOLE)
        shapes[blind] = self._shapes.number(Spans(text.tobytes(), begins[blind], ends[blind]))
        if np.unique(shapes[blind]).size * _FEW > blind.size:  # masks are met as soon without
            self._rest = _RESTS
            return list(bodies), np.arange(len(bodies))
        self._learn(shapes[blind])
        sizes[blind] = self._sizes[shapes[blind]]
        self._put_back(text, raw, begins, ends, sizes, shapes)
        text[begins] = raw[begins]
        own = np.flatnonzero(sizes != 0)
        view = text.tobytes()
        shapes[own] = new_index().number(Spans(view, begins[own], ends[own])).astype(np.int64) + len(self._shapes)
        _, first, numbers = np.unique(shapes, return_index=True, return_inverse=True)
        rank = np.argsort(np.argsort(first))
        first = np.sort(first)
        return list(Spans(view, begins[first], ends[first])), rank[numbers]

    def _put_back(self, text: Bytes, raw: Bytes, begins: Places, ends: Places, sizes: Places, shapes: Places) -> None:
        """Give lines the digits back that their messages keep, or all of them where that is not known."""
        whole, some = sizes < 0, np.flatnonzero(sizes > 0)
        back = inside(begins[whole], (ends - begins)[whole])
        text[back] = raw[back]
        if some.size:
            kept = np.concatenate([self._kept[shape] for shape in shapes[some].tolist()])
            back = np.repeat(begins[some], sizes[some]) + kept
            text[back] = raw[back]

    def _marks(self, uses: Uses) -> Bytes:
        """By the first byte of a body, the mark that its row has here; 0 where it tells digits apart."""
        own = np.zeros(256, np.uint8)
        own[10] = 10
        for number, use in enumerate(uses.rows):
            if use.blind:
                own[number + 11] = self._uses.mark(use)
        return own

    def _learn(self, shapes: Places) -> None:
        """Which digits stay in the messages of those of these shapes that are worth it and not yet known."""
        size = len(self._shapes)
        self._sizes = np.concatenate([self._sizes, np.full(size - self._sizes.size, _UNKNOWN)])
        fresh = np.flatnonzero((np.bincount(shapes, minlength=size) >= _WORTH) & (self._sizes == _UNKNOWN))
        if not fresh.size:
            return
        self._sizes[fresh] = _WHOLE
        every = list(self._shapes)
        bodies = {number: every[number] for number in fresh.tolist() if len(every[number]) <= _LONGEST}
        lines = {number: self._uses.canonical(body) for number, body in bodies.items()}
        sure = [number for number, one in zip(lines, self._sure(list(lines.values())), strict=True) if one]
        messages = dict(zip(sure, self.masked([lines[number] for number in sure]), strict=True))
        unsettled = [number for number in sure if _DIGIT.search(messages[number]) is not None]
        self._kept |= dict.fromkeys(sure, _NONE)
        places = self._places([(bodies[number], messages[number]) for number in unsettled])
        for number, kept in zip(unsettled, places, strict=True):
            self._kept[number] = _NONE if kept is None else kept
        lost = {number for number, kept in zip(unsettled, places, strict=True) if kept is None}
        for number in sure:
            self._sizes[number] = _WHOLE if number in lost else self._kept[number].size

    def _sure(self, lines: Sequence[bytes]) -> Flags:
        """Of which no mask depends on their digits, neither in the message nor in the logger."""
        texts = [line.decode("utf-8", "replace").replace("\0", "\ufffd") for line in lines]
        parts = [text.split("\x1f", 2) if text[:1] != "\n" else [text] for text in texts]
        odd = np.zeros(len(lines), bool)
        for column in ([part[-1] for part in parts], [part[1] if len(part) == 3 else "" for part in parts]):
            odd |= pl.Series(column, dtype=pl.String).str.contains(self.digits).to_numpy()
        return ~odd

    def _places(self, shapes: Sequence[tuple[bytes, str]]) -> list[Places | None]:
        """Places of the digits that each message keeps: told by messages of lines whose digits count their digits."""
        at = [np.flatnonzero(_free(np.frombuffer(shape[1:], np.uint8))) + 1 for shape, _ in shapes]
        told: list[list[Places]] = [[] for _ in shapes]
        for worth in (1, 10, 100):
            bodies = [_counting(shape, places, worth) for (shape, _), places in zip(shapes, at, strict=True)]
            for i, message in enumerate(self.masked([self._uses.canonical(body) for body in bodies])):
                found = np.frombuffer(message.encode(), np.uint8)
                free = _free(found)
                if np.where(free, np.uint8(_ONE), found).tobytes() == shapes[i][1].encode():
                    told[i].append((found[free].astype(np.int64) - 48) * worth)
        return [
            places[sum(numbers)] if places.size <= _DIGITS_MOST and len(numbers) == 3 else None
            for places, numbers in zip(at, told, strict=True)
        ]


def _free(text: Bytes) -> Flags:
    """Digits that may be ones: all but those of a protocol's version, which many lines have and few rows do without."""
    free = text - np.uint8(48) < 10
    slash = np.flatnonzero(text == 47)
    for i, letter in enumerate(b"http"):
        slash = slash[(text[np.maximum(slash - 4 + i, 0)] | 32) == letter]
    at = slash + 1
    for place in (at, at + 2):
        free[place[place < text.size]] = False
    return free


def _counting(shape: bytes, places: Places, worth: int) -> bytes:
    """The shape, each of its digits with the digit of this worth of its number among them."""
    body = np.frombuffer(bytearray(shape), np.uint8)
    body[places] = 48 + np.arange(places.size) // worth % 10
    return body.tobytes()
