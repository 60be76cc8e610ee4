"""LO2's logback header, cut by position: lines, headers, times of day of a block at once; the twin's oracle."""

import numpy as np
from numpy.typing import NDArray

_IDENTITY = np.isin(np.arange(256), list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"))
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


def cut_logback(
    block: bytes,
) -> tuple[tuple[bytes, NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_], NDArray[np.int64]]:
    """Bodies as places of a text, flags of events (per physical line) and times of day in ms (per event).

    A header line's body is what follows time, thread and correlation id, a continuation line's the whole line behind a
    line feed.
    """
    data = b"\n" + block
    starts, ends = logback_line_spans(data)
    starts, ends = starts[1:], ends[1:]
    flags, body, times = logback_header_spans(data, starts, ends)
    return (data, np.where(flags, body, starts - 1), ends), flags, times


def logback_line_spans(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and end of every line of a block that ends with a line feed; carriage returns are cut off."""
    text = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(text == 10)
    starts = np.empty_like(ends)
    starts[:1] = 0
    starts[1:] = ends[:-1] + 1
    carriage = (ends > starts) & (text[np.maximum(ends - 1, 0)] == 13)
    return starts, ends - carriage


def logback_header_spans(
    data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Which lines have LO2's logback header, where their bodies start (else the line), and times of day in ms."""
    text = np.frombuffer(data, dtype=np.uint8)
    header = ends - starts > 18
    header[header] = text[starts[header] + 13] == 91
    at = starts[header]
    good, times = _logback_times_of_day(data, at)
    brackets = np.append(np.flatnonzero(text == 93), len(text))
    close = brackets[np.searchsorted(brackets, at + 14)]
    line_end = ends[header]
    good &= close + 4 < line_end
    last = len(text) - 1
    blanks = (text[np.minimum(close + 1, last)] == 32) & (text[np.minimum(close + 2, last)] == 32)
    without_id = text[np.minimum(close + 3, last)] == 32
    with_id = ~without_id & (text[np.minimum(close + 25, last)] == 32) & (close + 26 < line_end)
    good &= blanks & (without_id | with_id)
    with_id = np.flatnonzero(good & with_id)  # what is cut off must not be text
    good[with_id] = _IDENTITY[text[close[with_id, None] + np.arange(3, 25)]].all(axis=1)
    body = starts.copy()
    body[header] = np.where(good, np.where(without_id, close + 4, close + 26), at)
    flags = header.copy()
    flags[header] = good
    return flags, body, times[good]


def _logback_times_of_day(data: bytes, at: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which of the places begin with ``HH:MM:SS.mmm [``, and the ms that says."""
    words = np.ndarray(max(len(data) - 7, 0), "<u8", data, strides=(1,))
    clock, milli = words[at], words[at + 8]
    good = (clock & _CLOCK_MASK == _CLOCK_REST) & _are_logback_digits(clock, _CLOCK_DIGITS)
    good &= (milli & _MILLI_MASK == _MILLI_REST) & _are_logback_digits(milli, _MILLI_DIGITS)
    times = np.zeros(at.size, np.uint64)
    for word, worth in ((clock, _CLOCK_WORTH), (milli, _MILLI_WORTH)):
        for shift, ms in worth.items():
            times += ((word >> np.uint64(shift)) & np.uint64(15)) * np.uint64(ms)
    return good, times.astype(np.int64)


def _are_logback_digits(word: NDArray[np.uint64], high: np.uint64) -> NDArray[np.bool_]:
    """Whether all places of ``high`` hold ASCII digits: 3 in the high half byte, also after adding 6 to the low one."""
    mask = high * np.uint64(5)
    six = high // np.uint64(8)
    found: NDArray[np.bool_] = (word & mask == high) & ((word + six) & mask == high)
    return found
