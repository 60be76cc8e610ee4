"""The parser of a block: formats are learnt, lines marked, cut and timed by their rows, continuations and all.

A body's first byte says which row reads it (``Uses``), the rest is the line without its stamp, so that lines that
differ in their time alone are one body. A continuation line's body is the line behind a line feed.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lo2.loading.formats.continuations import ALWAYS, AMONG, continues_event
from lo2.loading.formats.envelopes import Peeler
from lo2.loading.formats.header import Fields
from lo2.loading.formats.recognition import SAMPLE, Format, Use, recognise_format
from lo2.loading.formats.user_formats import Given
from lo2.loading.lines.collapse import collapse_digits
from lo2.loading.lines.index import Spans
from lo2.loading.lines.kinds import Kinds
from lo2.loading.lines.starts import (
    fill_line_places,
    keyed_lines,
    record_lines,
    spans_of_lines,
    stamp_places_of_lines,
    tagged_lines,
)
from lo2.loading.sources.blocks import LEARNT
from lo2.loading.times.fixed import bytes_of_fixed_fields
from lo2.loading.times.stamp_values import read_stamps
from lo2.loading.times.stamps import CLOCK, NO_TIME, PAD, STAMPS, Bytes, Flags, Places

Times = NDArray[np.int64]
Cut = tuple[Collection[bytes], Flags, Times]
_MARK, _ONE = 30, 49
_WORD = bytes_of_fixed_fields(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
_LONGEST = 4 << 20
_OWN = Use("own", "own")


@dataclass
class Uses:
    """Rows in use, by the byte that marks their bodies."""

    rows: list[Use] = field(default_factory=list)

    def mark(self, use: Use) -> int:
        """Byte of a row; never a line feed, which marks continuation lines."""
        if use not in self.rows:
            self.rows.append(use)
        number = self.rows.index(use) + 11
        if number > 255:
            raise OverflowError("more than 244 formats in one run")
        return number

    def read(self, body: bytes) -> Fields:
        """Fields of a body that begins with its mark."""
        return self.rows[body[0] - 11].read(body[1:])

    def canonical_body(self, body: bytes) -> bytes:
        """``LEVEL``, logger and message with unit separators between; a continuation line as it is."""
        if body[:1] == b"\n":
            return body
        level, logger, _, text = self.read(body)
        return b"%b\x1f%b\x1f%b" % (level.encode(), logger.replace(b"\x1f", b" "), text.strip(b" \t\r"))


@dataclass
class Parser:
    """The reader of one log: envelopes and format are learnt from its first block.

    ``collapsed`` bodies have ones for the digits of long ids, which masks replace anyway.
    """

    uses: Uses
    given: Given | None = None
    collapsed: bool = False
    format: Format | None = None
    peeler: Peeler = field(default_factory=Peeler)
    after: bool = False
    kinds: Kinds | None = None
    owners: list[NDArray[np.int64]] = field(default_factory=list)
    zones: Counter[str] = field(default_factory=Counter)

    def __call__(self, block: bytes) -> Cut:
        """Bodies, flags of events and their times (``NO_TIME`` where none was understood)."""
        if self.format is None:
            self.format = self._learn_to_parse(block)
        block, outside, owners = self.peeler.peel_envelopes(block)
        if owners is not None:
            self.owners.append(owners)
        own = self.given is not None and self.given.pattern
        bodies, flags, times = (
            self._parse_given_lines(block, self.given) if own and self.given else self._parse_lines(block)
        )
        if outside is not None:
            outer = outside[flags]
            vague = (times == NO_TIME) | (times < CLOCK // 2)
            times = np.where(vague & (outer != NO_TIME), outer, times)
        return bodies, flags, times

    def whole_lines(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Blocks that end where no JSON object or header is spread over lines; inside one these are joined."""
        carry = b""
        for block in blocks:
            if self.format is None:
                self.format = self._learn_to_parse(block)
            joined = carry + block
            at = self.peeler.finished(joined) if len(joined) < _LONGEST else len(joined)
            carry = joined[at:]
            if at:
                yield joined[:at]
        if carry:
            yield carry

    def _learn_to_parse(self, block: bytes) -> Format:
        """Envelopes and format, from the first lines."""
        head = block[: block.find(b"\n", LEARNT - 1) % (len(block) + 1)]
        lines = head.split(b"\n", SAMPLE)[:SAMPLE]
        self.peeler = Peeler.learn_envelopes(lines)
        if self.peeler.peels or b"\x1b" in head:
            inside = self.peeler.peel_envelopes(b"\n".join(lines).removesuffix(b"\n") + b"\n")[0]
            self.owners.clear()
            lines = inside.removesuffix(b"\n").split(b"\n")
        elif len(lines) > 1 and not lines[-1]:
            lines.pop()
        if self.given is not None and self.given.pattern:
            fitting = sum(self.given.expression.match(line) is not None for line in lines)
            return Format((_OWN,), share=fitting / max(1, sum(1 for line in lines if line.strip())))
        return recognise_format(lines, self.given.name, self.given.expected) if self.given else recognise_format(lines)

    def _parse_lines(self, block: bytes) -> Cut:
        assert self.format is not None
        data = bytearray(1 + len(block) + PAD)
        data[0], data[1:-PAD] = 10, block
        text = np.frombuffer(data, np.uint8)
        starts, ends = spans_of_lines(text, len(block) + 1)
        begin = starts - 1
        header = np.zeros(len(starts), bool)
        times = np.full(len(starts), NO_TIME)
        for use in self.format.uses:
            rest = np.flatnonzero(~header)
            if rest.size:
                self._parse_row_lines(use, text, data, starts, ends, begin, header, times, rest)
        self._parse_rowless_lines(data, text, starts, ends, begin, header)
        if self.collapsed:
            collapse_digits(text)
        return Spans(data, begin, ends), header, times if header.all() else times[header]

    def _parse_given_lines(self, block: bytes, given: Given) -> Cut:
        """Parse lines by a pattern of the user's own, one by one."""
        assert self.format is not None
        lines = [line.removesuffix(b"\r") for line in block.removesuffix(b"\n").split(b"\n")]
        fields, times = given.cut_as_given(lines)
        own, plain = (bytes([self.uses.mark(use)]) for use in (_OWN, self.format.plain))
        header = np.zeros(len(lines), bool)
        bodies = []
        for i, (line, found) in enumerate(zip(lines, fields, strict=True)):
            self.after = found is None and continues_event(line, headed=True, after=self.after)
            header[i] = not self.after
            if found is None:
                bodies.append(b"\n" + line if self.after else plain + line)
            else:
                parts = (found.level.encode(), found.logger, found.thread, found.text)
                bodies.append(own + b"\x1f".join(parts))
        return bodies, header, times[header]

    def _parse_row_lines(
        self,
        use: Use,
        text: Bytes,
        data: bytearray,
        starts: Places,
        ends: Places,
        begin: Places,
        header: Flags,
        times: Times,
        rest: Places,
    ) -> None:
        """Give the lines that a row takes their marks, times and the beginning of their bodies."""
        mark = self.uses.mark(use)
        if use.kind in ("json", "logfmt"):
            own = rest[record_lines(use, text, starts[rest], ends[rest])]
            lines, at = keyed_lines(use, data, starts, ends, own) if use.stamp else (own[:0], own[:0])
            header[own] = True
            text[starts[own] - 1] = mark
            if not use.stamp:
                return
        else:
            lines, at = stamp_places_of_lines(use.place, text, starts, ends, rest)
        found = read_stamps(text, at, ends[lines], STAMPS[use.stamp])
        stop = self._parse_unknown_zones(use, text, found.ends, ends[lines]) if use.zone else found.ends
        if not found.ok.all():
            lines, at, stop = lines[found.ok], at[found.ok], stop[found.ok]
            times[lines] = found.times[found.ok]
        else:
            times[lines] = found.times
        if use.kind == "text" and use.header.tags:
            words = tagged_lines(use, data, stop, ends[lines])
            kept = words < 0
            own, tag = lines[~kept], words[~kept] - 1  # the word that continues stays, what stands before it goes
            begin[own], text[tag], times[own] = tag, 10, NO_TIME
            lines, at, stop = lines[kept], at[kept], stop[kept]
        header[lines] = True
        if use.place == "start":
            begin[lines] = stop - 1
            text[stop - 1] = mark
            return
        text[starts[lines] - 1] = mark
        fill_line_places(text, at, stop, _ONE if use.kind == "json" else _MARK)

    def _parse_unknown_zones(self, use: Use, text: Bytes, stop: Places, limit: Places) -> Places:
        """Where stamps end with the zone that nobody knows; how many have it is counted."""
        word = b" " + use.zone.encode()
        found = stop + len(word) <= limit
        for i, byte in enumerate(word):
            found &= text[stop + i] == byte
        found &= ~_WORD[text[stop + len(word)]]
        self.zones[use.zone] += int(found.sum())
        return stop + len(word) * found

    def _parse_rowless_lines(
        self, data: bytearray, text: Bytes, starts: Places, ends: Places, begin: Places, header: Flags
    ) -> None:
        """Lines that no row took: continuations, or events without a time."""
        assert self.format is not None
        mark = self.uses.mark(self.format.plain)
        rest = np.flatnonzero(~header)
        if not rest.size:
            self.after = False
            return
        if self.kinds is None:
            self.kinds = Kinds(headed=self.format.headed)
        goes_on = begin[rest] >= starts[rest]  # a row's own continuation
        other = rest[~goes_on]
        found = np.full(rest.size, ALWAYS, np.uint8)
        found[~goes_on] = self.kinds.continuation_kinds(data, starts[other], ends[other])
        goes_on = found == ALWAYS
        follows = np.append(self.after and rest[0] == 0, rest[1:] == rest[:-1] + 1)
        for i in np.flatnonzero((found == AMONG) & follows).tolist():
            goes_on[i] = i == 0 or goes_on[i - 1]
        events = rest[~goes_on]
        header[events] = True
        text[starts[events] - 1] = mark
        self.after = bool(rest[-1] == len(starts) - 1 and goes_on[-1])
