"""Lines alike but for digits that no message keeps become one body: their shapes are tried, asked, judged and counted.

A text with ones for its digits is masked where the text itself is, as long as no row of the masks names a digit in it.
So one such text tells of all others which of their digits stay in the message (a status, an error code): these go back
into every line, the rest stay ones. Whatever is not certain of this stays as it is. Masks and headers then run once per
shape of a line, not once per line.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from lo2.kernel import kernel
from lo2.loading.formats.recognition import Use
from lo2.loading.lines.collapse import collapsible_runs
from lo2.loading.lines.index import AnyIndex, Codes, Spans, new_index
from lo2.loading.lines.kept_digits import RECORDS, are_read_alike, digits_to_keep, put_sevens
from lo2.loading.lines.line_shapes import DIGITS_MOST, WORTHS, LineShapes, lone_shapes, shape_keeps, shape_places
from lo2.loading.lines.ones import count_digits_as_ones, may_be_ones, places_for_ones
from lo2.loading.lines.parser import Uses
from lo2.loading.times.stamps import Bytes, Flags, Places
from lo2.masking.digits import FIXED
from lo2.masking.sweeps import sweep_matches

_FEED = 10
_LONGEST = 20_000
_REMEMBERED = 50_000
_ROWS = 100
_DIGIT = re.compile("[0-9]")
_FEW = 3
"""So many bodies of a shape on average make it worth to look for those that are alike, by arrays."""
_RESTS = 15
"""So many further lots are left alone after one that was not worth it: what comes out is the same."""
_WORTH = 4
"""So many lines of a shape make it worth to learn what its messages keep."""
_WHOLE, _UNKNOWN, _KEEPS, _ODD, _SPLIT, _PART = -1, -2, -3, -4, -5, -6
"""Of a shape: all digits stay; not looked at; some stay; some tell; its lines are of its parts; a part, not judged."""
_LINES_BYTES = 16_000_000
_MANY = 100
"""So many bodies make it worth to ask at once what their messages keep, not with the next lot."""
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
    keeps : str
        Pattern of the texts in whose messages digits are likely to stay, if one is known.
    """

    masked: Callable[[Sequence[bytes]], list[str]]
    digits: str
    keeps: str = ""
    _uses: Uses = field(default_factory=Uses)
    _shapes: AnyIndex = field(default_factory=new_index)
    _seen: Places = field(default_factory=lambda: _NONE)
    _sizes: Places = field(default_factory=lambda: _NONE)
    _firsts: Places = field(default_factory=lambda: _NONE)
    _places: Places = field(default_factory=lambda: _NONE)
    _lines: dict[int, bytes] = field(default_factory=dict)
    _told: dict[int, Places] = field(default_factory=dict)
    _parts: Counter[int] = field(default_factory=Counter)
    _heads: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    _bodies: dict[Use, dict[bytes, bytes]] = field(default_factory=dict)
    _held: int = 0
    _bold: bool = True
    _rest: int = 0

    def alike_lines(self, bodies: Collection[bytes], uses: Uses) -> tuple[list[bytes], Codes]:
        """Levels, loggers and messages of lines that stand for these bodies, in order, and which stands for which.

        ``uses`` are the rows that read the bodies.
        """
        if self._rest or not len(bodies):
            self._rest = max(0, self._rest - 1)
            return lone_shapes(bodies, uses)
        if len(self._shapes) > _REMEMBERED or len(self._uses.rows) > _ROWS:
            self._uses, self._shapes, self._lines, self._held = Uses(), new_index(), {}, 0
            self._seen = self._sizes = self._firsts = self._places = _NONE
            self._told, self._parts = {}, Counter()
        lot = LineShapes.from_bodies(bodies, uses, self._uses, self._shapes)
        if kernel() is None and np.unique(lot.shapes).size * _FEW > lot.shapes.size:  # masks are met as soon without
            self._rest = _RESTS
            return lone_shapes(bodies, uses)
        self._count_alike_shapes(lot.shapes)
        trial = self._try_alike_shapes(lot)
        lot = self._split_alike_shapes(lot)
        due = self._alike_shapes_due(lot)
        if lot.shape_weight(due) >= _MANY:
            due = self._ask_alike_shapes(lot, due)
        found = self._alike_lot_lines(lot, uses)
        asked = [*trial.values(), *self._alike_digit_questions(lot, due)]
        messages = self.masked([*asked, *found[0]])[: len(asked)]  # at once: each time costs the masks their start
        self._learn_alike_digits(lot, due, messages[len(trial) :])
        kept = [number for number, message in zip(trial, messages, strict=False) if shape_keeps(message)]
        self._bold = 2 * len(kept) <= len(trial)
        if not kept:
            return found
        self._sizes[kept] = _KEEPS
        if lot.shape_weight(due := self._alike_shapes_due(lot)) >= _MANY:
            self._ask_alike_shapes(lot, due)
        return self._alike_lot_lines(lot, uses)

    def _alike_lot_lines(self, lot: LineShapes, uses: Uses) -> tuple[list[bytes], Codes]:
        """Lines that stand for those of a lot, by what is known of their shapes."""
        firsts, sizes = np.zeros(lot.begins.size, np.int64), np.full(lot.begins.size, _WHOLE)
        firsts[lot.blind], sizes[lot.blind] = self._firsts[lot.shapes], self._sizes[lot.shapes]
        text = lot.text.copy()
        self._restore_kept_digits(text, lot.raw, lot.begins, lot.ends, firsts, sizes)
        index = new_index()
        numbers = index.number_bodies(Spans(text, lot.begins, lot.ends))
        own, first = np.full(lot.begins.size, -1), np.empty(len(index), np.int64)
        own[lot.blind] = np.where(sizes[lot.blind] == 0, lot.shapes, -1)
        first[numbers[::-1]] = np.arange(numbers.size - 1, -1, -1)
        known = [self._bodies.setdefault(use, {}) for use in uses.rows]
        lines = [self._alike_shape_line(*one, known, uses) for one in zip(own[first].tolist(), index, strict=True)]
        if sum(map(len, known)) > _REMEMBERED:
            self._bodies.clear()
        return lines, numbers

    def _alike_shape_line(self, shape: int, body: bytes, known: list[dict[bytes, bytes]], uses: Uses) -> bytes:
        """What is read of a body, remembered by its shape where that tells all of it."""
        if shape < 0 and (body[0] == _FEED or len(body) > DIGITS_MOST):
            return uses.canonical_body(body)
        found = self._lines.get(shape) if shape >= 0 else known[body[0] - 11].get(body)
        if found is None:
            found = uses.canonical_body(body)
            if shape >= 0:
                self._keep_alike_line(shape, found)
            else:
                known[body[0] - 11][body] = found
        return found

    def _keep_alike_line(self, shape: int, line: bytes) -> None:
        self._held += len(line)
        if self._held > _LINES_BYTES:
            self._lines, self._held = {}, len(line)
        self._lines[shape] = line

    def _restore_kept_digits(
        self, text: Bytes, raw: Bytes, begins: Places, ends: Places, firsts: Places, sizes: Places
    ) -> None:
        """Give lines the digits back that their messages keep, or all of them where that is not known."""
        if (compiled := kernel()) is not None:
            compiled.put_back(text, raw, begins, ends, firsts, sizes, self._places)
            return
        whole, some = sizes < 0, np.flatnonzero(sizes > 0)
        back = collapsible_runs(begins[whole], (ends - begins)[whole])
        text[back] = raw[back]
        back = np.repeat(begins[some], sizes[some]) + self._places[collapsible_runs(firsts[some], sizes[some])]
        text[back] = raw[back]
        text[begins] = raw[begins]

    def _count_alike_shapes(self, shapes: Places) -> None:
        """Count shapes."""
        size = len(self._shapes)
        fresh = size - self._seen.size
        self._seen = np.concatenate([self._seen, np.zeros(fresh, np.int64)]) + np.bincount(shapes, minlength=size)
        self._sizes = np.concatenate([self._sizes, np.full(fresh, _UNKNOWN)])
        self._firsts = np.concatenate([self._firsts, np.zeros(fresh, np.int64)])

    def _try_alike_shapes(self, lot: LineShapes) -> dict[int, bytes]:
        """Lines of new shapes in whose messages likely no digit stays, which is supposed for now."""
        present = lot.lines >= 0
        new = np.flatnonzero((self._sizes == _UNKNOWN) & present & (self._bold | (self._seen >= _WORTH)))
        self._sizes[new] = _ODD
        bodies = zip(new.tolist(), lot.shape_bodies(new), strict=True)
        some = (one for one in bodies if len(one[1]) <= _LONGEST and self._alike_body_kind(one[1]) not in RECORDS)
        lines = {number: self._uses.canonical_body(body) for number, body in some}
        sure, keeping, headed = self._judge_alike_lines(list(lines.values()))
        self._sizes[list(lines)] = np.where(~sure, _ODD, np.where(keeping, _KEEPS, 0))
        trial = {number: line for number, line in lines.items() if self._sizes[number] == 0}
        for number, line in trial.items():
            self._keep_alike_line(number, line)
        for number in np.array(list(lines), np.int64)[sure & ~keeping & headed].tolist():
            self._keep_logger_digits(number, lot, trial[number])
        return trial

    def _alike_body_kind(self, body: bytes) -> str:
        return "" if body[0] == _FEED else self._uses.rows[body[0] - 11].kind

    def _split_alike_shapes(self, lot: LineShapes) -> LineShapes:
        """Shapes of which some digits tell are split by these digits; then each part is a shape like any other."""
        odd = np.flatnonzero((self._sizes == _ODD) & (self._seen >= _WORTH) & (lot.lines >= 0))
        for number, body in zip(odd.tolist(), lot.shape_bodies(odd), strict=True):
            places = digits_to_keep(body, self._alike_body_kind(body), self.digits)
            self._sizes[number] = _WHOLE
            if places is not None and (places.size or self._alike_body_kind(body) in RECORDS):
                self._keep_alike_digits(number, places)
                self._told[number], self._sizes[number] = places, _SPLIT
        chosen = np.flatnonzero(self._sizes[lot.shapes] == _SPLIT)
        if not chosen.size:
            return lot
        whole, at = lot.shapes[chosen], lot.blind[chosen]
        some, which = np.unique(whole, return_inverse=True)
        sizes = np.array([self._told[number].size for number in some.tolist()])[which]
        marks = lot.text[lot.begins[at]]
        self._restore_kept_digits(lot.text, lot.raw, lot.begins[at], lot.ends[at], self._firsts[whole], sizes)
        lot.text[lot.begins[at]] = marks
        known = len(self._shapes)
        lot = lot.split_shapes(chosen, self._shapes)
        self._count_alike_shapes(lot.shapes[chosen])
        parts, first = np.unique(lot.shapes[chosen], return_index=True)
        for part, number in zip(parts.tolist(), whole[first].tolist(), strict=True):
            if part >= known:
                self._told[part], self._sizes[part] = self._told[number], _PART
                self._parts[number] += 1
                if self._parts[number] > _MANY and self._parts[number] * _WORTH > self._seen[number]:
                    self._sizes[number] = _WHOLE
        self._judge_split_shapes(lot)
        return lot

    def _judge_split_shapes(self, lot: LineShapes) -> None:
        """Of which parts the reading and the masking depend on no digit that was not put back."""
        due = np.flatnonzero((self._sizes == _PART) & (self._seen >= _WORTH) & (lot.lines >= 0))
        for number, body in zip(due.tolist(), lot.shape_bodies(due), strict=True):
            read = [self._uses.canonical_body(one) for one in (body, put_sevens(body, self._free_digits(number, body)))]
            ones, sevens = (one.decode("utf-8", "replace").replace("\0", "\ufffd") for one in read)
            self._sizes[number] = _KEEPS if are_read_alike(ones, sevens, self.digits) else _WHOLE

    def _free_digits(self, number: int, body: bytes) -> Places:
        """Places of the digits of a shape that are ones for any."""
        places, told = places_for_ones(body), self._told.get(number, _NONE)
        return np.setdiff1d(places, told) if told.size else places

    def _keep_logger_digits(self, number: int, lot: LineShapes, line: bytes) -> None:
        """A logger keeps its digits: they go back where it stands."""
        [body] = lot.shape_bodies(np.array([number]))
        logger = line.split(b"\x1f", 2)[1]
        begin = body.find(logger)
        if begin < 0 or body.find(logger, begin + 1) >= 0:
            self._sizes[number] = _KEEPS
            return
        self._keep_alike_digits(number, begin + np.flatnonzero(may_be_ones(np.frombuffer(logger, np.uint8))))

    def _keep_alike_digits(self, number: int, kept: Places) -> None:
        self._sizes[number], self._firsts[number] = kept.size, self._places.size
        self._places = np.concatenate([self._places, kept])

    def _alike_shapes_due(self, lot: LineShapes) -> Places:
        """Shapes of a lot that keep some digits and have been met often enough to ask which."""
        return np.flatnonzero((self._sizes == _KEEPS) & (self._seen >= _WORTH) & (lot.lines >= 0))

    def _ask_alike_shapes(self, lot: LineShapes, due: Places) -> Places:
        """Ask at once; none is left."""
        self._learn_alike_digits(lot, due, self.masked(self._alike_digit_questions(lot, due)))
        return due[:0]

    def _alike_digit_questions(self, lot: LineShapes, due: Places) -> list[bytes]:
        """Lines of shapes, then as often as there are worths, those whose digits count their digits."""
        bodies = lot.shape_bodies(due)
        places = [self._free_digits(*one) for one in zip(due.tolist(), bodies, strict=True)]
        sevens = [put_sevens(*one) for one in zip(bodies, places, strict=True)]
        most = max((one.size for one in places), default=0)
        worths = [worth for worth in WORTHS if worth == 1 or worth < most]
        counting = [count_digits_as_ones(*one, worth) for worth in worths for one in zip(bodies, places, strict=True)]
        return [self._uses.canonical_body(body) for body in (*bodies, *sevens, *counting)]

    def _learn_alike_digits(self, lot: LineShapes, due: Places, messages: Sequence[str]) -> None:
        """Which digits stay in the messages of these shapes, by the messages of the questions."""
        for i, (number, body) in enumerate(zip(due.tolist(), lot.shape_bodies(due), strict=True)):
            kept = shape_places(self._free_digits(number, body), messages[i :: due.size])
            if kept is None:
                self._sizes[number] = _WHOLE
            else:
                self._keep_alike_digits(number, kept)

    def _judge_alike_lines(self, lines: Sequence[bytes]) -> tuple[Flags, Flags, Flags]:
        """Of which lines no mask depends on their digits, in which some is likely to stay, and in whose loggers."""
        texts = [line.decode("utf-8", "replace").replace("\0", "\ufffd") for line in lines]
        parts = [text.split("\x1f", 2) if text[:1] != "\n" else [text] for text in texts]
        heads = [self._logger_needs_digits(part[1] if len(part) == 3 else "") for part in parts]
        said = pl.Series([part[-1] for part in parts], dtype=pl.String).str.replace_many(FIXED)
        odd, headed = (np.array([head[i] for head in heads], bool) for i in (0, 1))
        odd |= sweep_matches(said, self.digits).to_numpy()
        rest, keeping = np.flatnonzero(~odd) if self.keeps else _NONE, np.zeros(len(lines), bool)
        keeping[rest] = sweep_matches(said.gather(rest), self.keeps).to_numpy()
        return ~odd, keeping, headed

    def _logger_needs_digits(self, logger: str) -> tuple[bool, bool]:
        """Whether the masking of a logger depends on its digits, and whether it has some; few are different."""
        found = self._heads.get(logger)
        if found is None:
            if len(self._heads) > _REMEMBERED:
                self._heads.clear()
            odd = bool(sweep_matches(pl.Series([logger]), self.digits).item())
            found = self._heads[logger] = odd, _DIGIT.search(logger) is not None
        return found
