"""The scan: raw bytes to numbers of distinct bodies, one per physical line, and times.

Contract of the seam (a compiled twin may come later, this one is its oracle): ``scan(blocks, index)`` gives per
physical line the number of its body in ``index``, which it extends. A header line's body is what follows time,
thread and correlation id: ``LEVEL logger method - message``. A continuation line's body is the whole line behind a
line feed, so that the two never collide. Work per line is vectorised or done by C; nothing here decodes text. With
``shapes`` ids that the masks replace anyway may be stand-ins of the same shape (``lo2.loading.standins``), which keeps
``index`` small.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, count
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lo2.loading.blocks import LEARNT
from lo2.loading.standins import stand_in

if TYPE_CHECKING:
    from lo2.loading.given import Given
    from lo2.loading.recognise import Format
    from lo2.loading.steps import Step, Uses

# ``HH:MM:SS`` and ``.mmm [`` as 64-bit words, the first character in the lowest byte: where digits stand (their high
# half byte), what else must stand there, and how many ms a digit is worth by the bits it is shifted by.
_CLOCK_DIGITS, _CLOCK_REST, _CLOCK_MASK = (
    np.uint64(word) for word in (0x3030003030003030, 0x00003A00003A0000, 0x0000FF0000FF0000)
)
_MILLI_DIGITS, _MILLI_REST, _MILLI_MASK = (
    np.uint64(word) for word in (0x0000000030303000, 0x00005B200000002E, 0x0000FFFF000000FF)
)
_CLOCK_WORTH = {0: 36_000_000, 8: 3_600_000, 24: 600_000, 32: 60_000, 48: 10_000, 56: 1_000}
_MILLI_WORTH = {8: 100, 16: 10, 24: 1}


Codes = NDArray[np.uint32]


class Index(defaultdict[bytes, int]):
    """Distinct bodies, numbered in order of first appearance; ``uses`` are the rows that read those of any format."""

    def __init__(self) -> None:
        super().__init__(count().__next__)

    @cached_property
    def uses(self) -> "Uses":
        """Rows in use; LO2's own profile needs none, nor their room."""
        from lo2.loading.steps import Uses

        return Uses()

    def clear(self) -> None:
        """Forget all bodies and count from 0 again."""
        super().clear()
        self.default_factory = count().__next__


@dataclass(frozen=True)
class Scan:
    """One log: arrays over its physical lines and events.

    ``times`` are milliseconds since the Unix epoch, or as ``lo2.loading.stamps`` says where a stamp lacks year or date;
    for LO2's own profile since midnight (``absolute`` is False). ``owners`` number the ``services`` of lines that a
    collector mixed.
    """

    codes: NDArray[np.uint32]
    header: NDArray[np.bool_]
    times: NDArray[np.int64]
    absolute: bool
    format: "Format | None" = None
    first_unknown: str = ""
    owners: NDArray[np.int64] | None = None
    services: tuple[str, ...] = ()


def scan(
    blocks: Iterable[bytes],
    index: Index,
    *,
    profile: str = "lo2",
    shapes: bool = False,
    after: Callable[[Codes], None] | None = None,
    given: "Given | None" = None,
) -> Scan:
    """Numbers of the bodies, flags of events (per physical line) and times in ms (per event).

    ``after`` takes the numbers of every block instead, and may empty a full ``index``; none come back then. ``given``
    is the format it is read by, else what its first lines say.

    Examples
    --------
    >>> line = b"16:29:40.148 [hz.thread-8]   DEBUG c.n.UserMapStore load - Load:66c2c2bd" + bytes([10])
    >>> index = Index()
    >>> scan([line, b"at frame" + bytes([10]), line], index).codes.tolist(), list(index)[0]
    ([0, 1, 0], b'DEBUG c.n.UserMapStore load - Load:66c2c2bd')
    """
    stream = iter(blocks)
    first = _opening(stream, LEARNT if profile == "tree" else 1)
    step = _step(index, given, collapsed=shapes) if profile == "tree" else None
    rest = chain([first] if first else [], stream)
    whole = rest if step is None else step.whole(rest)
    parts = []
    for block in map(stand_in, whole) if shapes and step is None else whole:
        codes, header, times = _number(*(step or _logback)(block), index)
        if after is not None:
            after(codes)
            codes = codes[:0]
        parts.append((codes, header, times))
    if not parts:
        return Scan(np.empty(0, np.uint32), np.empty(0, bool), np.empty(0, np.int64), step is not None)
    codes, header, times = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    unknown = first[:120].split(b"\n")[0].decode("utf-8", "replace") if first and not header.any() else ""
    if step is None:
        return Scan(codes, header, times, absolute=False, first_unknown=unknown)
    owners = np.concatenate(step.owners) if step.owners else None
    return Scan(codes, header, times, True, step.format, unknown, owners, tuple(step.peeler.services))


def _opening(stream: Iterator[bytes], least: int) -> bytes:
    """The first blocks joined to so many bytes: what is learnt must not depend on where blocks are cut."""
    found, size = [], 0
    while size < least and (block := next(stream, None)) is not None:
        found.append(block)
        size += len(block)
    return b"".join(found)


def _step(index: Index, given: "Given | None", *, collapsed: bool) -> "Step":
    from lo2.loading.steps import Step

    return Step(index.uses, given, collapsed)


def _number(
    bodies: Iterable[bytes], header: NDArray[np.bool_], times: NDArray[np.int64], index: Index
) -> tuple[Codes, NDArray[np.bool_], NDArray[np.int64]]:
    return np.fromiter(map(index.__getitem__, bodies), np.uint32, len(header)), header, times


def line_spans(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and end of every line of a block that ends with a line feed; carriage returns are cut off."""
    text = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(text == 10)
    starts = np.empty_like(ends)
    starts[:1] = 0
    starts[1:] = ends[:-1] + 1
    carriage = (ends > starts) & (text[np.maximum(ends - 1, 0)] == 13)
    return starts, ends - carriage


def header_spans(
    data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Which lines have LO2's logback header, where their bodies start (else the line), and times of day in ms."""
    text = np.frombuffer(data, dtype=np.uint8)
    header = ends - starts > 18
    header[header] = text[starts[header] + 13] == 91
    at = starts[header]
    good, times = _times_of_day(data, at)
    brackets = np.append(np.flatnonzero(text == 93), len(text))
    close = brackets[np.searchsorted(brackets, at + 14)]
    line_end = ends[header]
    good &= close + 4 < line_end
    last = len(text) - 1
    blanks = (text[np.minimum(close + 1, last)] == 32) & (text[np.minimum(close + 2, last)] == 32)
    without_id = text[np.minimum(close + 3, last)] == 32
    with_id = ~without_id & (text[np.minimum(close + 25, last)] == 32) & (close + 26 < line_end)
    good &= blanks & (without_id | with_id)
    body = starts.copy()
    body[header] = np.where(good, np.where(without_id, close + 4, close + 26), at)
    flags = header.copy()
    flags[header] = good
    return flags, body, times[good]


def _times_of_day(data: bytes, at: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which of the places begin with ``HH:MM:SS.mmm [``, and the ms that says."""
    words = np.ndarray(max(len(data) - 7, 0), "<u8", data, strides=(1,))
    clock, milli = words[at], words[at + 8]
    good = (clock & _CLOCK_MASK == _CLOCK_REST) & _are_digits(clock, _CLOCK_DIGITS)
    good &= (milli & _MILLI_MASK == _MILLI_REST) & _are_digits(milli, _MILLI_DIGITS)
    times = np.zeros(at.size, np.uint64)
    for word, worth in ((clock, _CLOCK_WORTH), (milli, _MILLI_WORTH)):
        for shift, ms in worth.items():
            times += ((word >> np.uint64(shift)) & np.uint64(15)) * np.uint64(ms)
    return good, times.astype(np.int64)


def _are_digits(word: NDArray[np.uint64], high: np.uint64) -> NDArray[np.bool_]:
    """Whether all places of ``high`` hold ASCII digits: 3 in the high half byte, also after adding 6 to the low one."""
    mask = high * np.uint64(5)
    six = high // np.uint64(8)
    found: NDArray[np.bool_] = (word & mask == high) & ((word + six) & mask == high)
    return found


def _logback(block: bytes) -> tuple[Iterable[bytes], NDArray[np.bool_], NDArray[np.int64]]:
    data = b"\n" + block
    starts, ends = line_spans(data)
    starts, ends = starts[1:], ends[1:]
    flags, body, times = header_spans(data, starts, ends)
    cut = np.where(flags, body, starts - 1)
    return map(data.__getitem__, map(slice, cut.tolist(), ends.tolist())), flags, times
