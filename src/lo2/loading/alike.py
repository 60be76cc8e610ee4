"""Lines that differ only in digits that no message keeps become one body, in the logs of any service.

A text with ones for its digits is masked where the text itself is, as long as no row of the masks names a digit in it.
So one such text tells of all others which of their digits stay in the message (a status, an error code): these go back
into every line, the rest stay ones. Whatever is not certain of this stays as it is. Masks and headers then run once per
shape of a line, not once per line.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from lo2.kernel import kernel
from lo2.loading.collapse import inside
from lo2.loading.index import AnyIndex, Codes, Spans, new_index
from lo2.loading.stamps import Bytes, Flags, Places
from lo2.loading.steps import Uses

_ONE = 49
_DIGITS_MOST = 1_000
_LONGEST = 4_000
_REMEMBERED = 50_000
_ROWS = 100
_DIGIT = re.compile("[0-9]")
_FEW = 3
"""So many bodies of a shape on average make it worth to look for those that are alike, by arrays."""
_RESTS = 15
"""So many further lots are left alone after one that was not worth it: what comes out is the same."""
_WORTH = 4
"""So many lines of a shape make it worth to learn what its messages keep."""
_WHOLE, _UNKNOWN, _KEEPS = -1, -2, -3
_LINES_BYTES = 16_000_000
_WORTHS = (1, 10, 100)
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
    _seen: Places = field(default_factory=lambda: _NONE)
    _sizes: Places = field(default_factory=lambda: _NONE)
    _firsts: Places = field(default_factory=lambda: _NONE)
    _places: Places = field(default_factory=lambda: _NONE)
    _lines: dict[int, bytes] = field(default_factory=dict)
    _held: int = 0
    _bold: bool = True
    _rest: int = 0

    def lines(self, bodies: Collection[bytes], uses: Uses) -> tuple[list[bytes], Codes]:
        """Levels, loggers and messages of lines that stand for these bodies, in order, and which stands for which.

        ``uses`` are the rows that read the bodies.
        """
        if self._rest or not len(bodies):
            self._rest = max(0, self._rest - 1)
            return _themselves(bodies, uses)
        if len(self._shapes) > _REMEMBERED or len(self._uses.rows) > _ROWS:
            self._uses, self._shapes, self._lines, self._held = Uses(), new_index(), {}, 0
            self._seen = self._sizes = self._firsts = self._places = _NONE
        spans = bodies if isinstance(bodies, Spans) else Spans.of(bodies)
        raw, begins, ends = np.frombuffer(spans.text, np.uint8), spans.begins, spans.ends
        text = _with_ones(raw)
        text[begins] = marks = self._marks(uses)[raw[begins]]
        blind = np.flatnonzero(marks)
        shapes = self._shapes.number(Spans(text, begins[blind], ends[blind])).astype(np.int64)
        if kernel() is None and np.unique(shapes).size * _FEW > blind.size:  # masks are met as soon without
            self._rest = _RESTS
            return _themselves(bodies, uses)
        self._learn(text, begins[blind], ends[blind], shapes)
        firsts, sizes = np.zeros(begins.size, np.int64), np.full(begins.size, _WHOLE)
        firsts[blind], sizes[blind] = self._firsts[shapes], self._sizes[shapes]
        self._put_back(text, raw, begins, ends, firsts, sizes)
        index = new_index()
        numbers = index.number(Spans(text, begins, ends))
        own, first = np.full(begins.size, -1), np.empty(len(index), np.int64)
        own[blind] = np.where(sizes[blind] == 0, shapes, -1)
        first[numbers[::-1]] = np.arange(numbers.size - 1, -1, -1)
        return [self._line(*one, uses) for one in zip(own[first].tolist(), index, strict=True)], numbers

    def _line(self, shape: int, body: bytes, uses: Uses) -> bytes:
        """What is read of a body, remembered where its shape tells all of it."""
        found = self._lines.get(shape)
        if found is None:
            found = uses.canonical(body)
            if shape >= 0:
                self._keep(shape, found)
        return found

    def _keep(self, shape: int, line: bytes) -> None:
        self._held += len(line)
        if self._held > _LINES_BYTES:
            self._lines, self._held = {}, len(line)
        self._lines[shape] = line

    def _put_back(self, text: Bytes, raw: Bytes, begins: Places, ends: Places, firsts: Places, sizes: Places) -> None:
        """Give lines the digits back that their messages keep, or all of them where that is not known."""
        if (compiled := kernel()) is not None:
            compiled.put_back(text, raw, begins, ends, firsts, sizes, self._places)
            return
        whole, some = sizes < 0, np.flatnonzero(sizes > 0)
        back = inside(begins[whole], (ends - begins)[whole])
        text[back] = raw[back]
        back = np.repeat(begins[some], sizes[some]) + self._places[inside(firsts[some], sizes[some])]
        text[back] = raw[back]
        text[begins] = raw[begins]

    def _marks(self, uses: Uses) -> Bytes:
        """By the first byte of a body, the mark that its row has here; 0 where it tells digits apart."""
        own = np.zeros(256, np.uint8)
        own[10] = 10
        for number, use in enumerate(uses.rows):
            if use.blind:
                own[number + 11] = self._uses.mark(use)
        return own

    def _learn(self, text: Bytes, begins: Places, ends: Places, shapes: Places) -> None:
        """Which digits stay in the messages of those of these shapes that are worth it and not yet known."""
        size = len(self._shapes)
        fresh = size - self._seen.size
        self._seen = np.concatenate([self._seen, np.zeros(fresh, np.int64)]) + np.bincount(shapes, minlength=size)
        self._sizes = np.concatenate([self._sizes, np.full(fresh, _UNKNOWN)])
        self._firsts = np.concatenate([self._firsts, np.zeros(fresh, np.int64)])
        some = np.full(size, -1)
        some[shapes] = np.arange(shapes.size)  # a line of each
        known, worth = self._sizes, (self._seen >= _WORTH) & (some >= 0)
        new = np.flatnonzero((known == _UNKNOWN) & (worth | (self._bold & (some >= 0))))
        if new.size:
            self._try(dict(zip(new.tolist(), Spans(text, begins[some[new]], ends[some[new]]), strict=True)))
        keeping = np.flatnonzero((known == _KEEPS) & worth)
        if keeping.size:
            self._count(
                dict(zip(keeping.tolist(), Spans(text, begins[some[keeping]], ends[some[keeping]]), strict=True))
            )

    def _try(self, bodies: Mapping[int, bytes]) -> None:
        """Whether any digit stays in the messages of these shapes."""
        self._sizes[list(bodies)] = _WHOLE
        lines = {number: self._uses.canonical(body) for number, body in bodies.items() if len(body) <= _LONGEST}
        sure = [number for number, one in zip(lines, self._sure(list(lines.values())), strict=True) if one]
        for number, message in zip(sure, self.masked([lines[number] for number in sure]), strict=True):
            keeps = _DIGIT.search(message) is not None
            self._sizes[number] = _KEEPS if keeps else 0
            if not keeps:
                self._keep(number, lines[number])
        self._bold = 2 * int(np.count_nonzero(self._sizes[list(bodies)] == 0)) >= len(bodies)

    def _count(self, bodies: Mapping[int, bytes]) -> None:
        """Which digits stay in the messages of these shapes."""
        messages = self.masked([self._uses.canonical(body) for body in bodies.values()])
        found = self._told(list(zip(bodies.values(), messages, strict=True)))
        for number, kept in zip(bodies, found, strict=True):
            self._sizes[number] = _WHOLE if kept is None else kept.size
        told = {number: kept for number, kept in zip(bodies, found, strict=True) if kept is not None}
        lengths = np.fromiter(map(len, told.values()), np.int64, len(told))
        self._firsts[list(told)] = self._places.size + np.cumsum(lengths) - lengths
        self._places = np.concatenate([self._places, *told.values()])

    def _sure(self, lines: Sequence[bytes]) -> Flags:
        """Of which no mask depends on their digits, neither in the message nor in the logger."""
        texts = [line.decode("utf-8", "replace").replace("\0", "\ufffd") for line in lines]
        parts = [text.split("\x1f", 2) if text[:1] != "\n" else [text] for text in texts]
        odd = np.zeros(len(lines), bool)
        for column in ([part[-1] for part in parts], [part[1] if len(part) == 3 else "" for part in parts]):
            odd |= pl.Series(column, dtype=pl.String).str.contains(self.digits).to_numpy()
        return ~odd

    def _told(self, shapes: Sequence[tuple[bytes, str]]) -> list[Places | None]:
        """Places of the digits that each message keeps: told by messages of lines whose digits count their digits."""
        at = [np.flatnonzero(_free(np.frombuffer(shape[1:], np.uint8))) + 1 for shape, _ in shapes]
        told: list[list[Places]] = [[] for _ in shapes]
        bodies = [_counting(shape, ats, n) for n in _WORTHS for (shape, _), ats in zip(shapes, at, strict=True)]
        messages = self.masked([self._uses.canonical(body) for body in bodies])
        for k, message in enumerate(messages):
            i, found = k % len(shapes), np.frombuffer(message.encode(), np.uint8)
            free = _free(found)
            if np.where(free, np.uint8(_ONE), found).tobytes() == shapes[i][1].encode():
                told[i].append((found[free].astype(np.int64) - 48) * _WORTHS[k // len(shapes)])
        return [
            places[sum(numbers)] if places.size <= _DIGITS_MOST and len(numbers) == len(_WORTHS) else None
            for places, numbers in zip(at, told, strict=True)
        ]


def _themselves(bodies: Collection[bytes], uses: Uses) -> tuple[list[bytes], Codes]:
    return [uses.canonical(body) for body in bodies], np.arange(len(bodies), dtype=np.uint32)


def _with_ones(raw: Bytes) -> Bytes:
    """A copy with ones for its digits."""
    text = raw.copy()
    if (compiled := kernel()) is not None:
        compiled.ones(text, raw)
    else:
        np.copyto(text, np.uint8(_ONE), where=_free(raw))
    return text


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
