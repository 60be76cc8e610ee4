"""Reading the values of time stamps: zones, fractions, epochs, am and pm, of all stamps of a block at once."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lo2.kernel import kernel
from lo2.loading.times.fixed import bytes_of_fixed_fields, fixed_table, fixed_words, number_fixed, read_fixed_shape
from lo2.loading.times.stamps import CLOCK, NO_TIME, PAD, STAMPS, YEARLESS, ZONES, Bytes, Flags, Places, Stamp


@dataclass(frozen=True)
class Read:
    """What was found at each of the places: whether, the time (ms; see ``YEARLESS``, ``CLOCK``), where it ends."""

    ok: Flags
    times: NDArray[np.int64]
    ends: Places


def read_stamped_texts(texts: Sequence[bytes], names: Iterable[str] = tuple(STAMPS)) -> NDArray[np.int64]:
    """Times that texts begin with, whichever of the stamps of these names it is.

    Examples
    --------
    >>> read_stamped_texts([b"2024-03-05 09:07:03", b"noon"])[0] == 1709629623000
    np.True_
    """
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    ends = np.cumsum(sizes + 1) - 1
    text = np.frombuffer(b"\n".join(texts) + bytes(PAD), np.uint8)
    times = np.full(len(texts), NO_TIME)
    for name in names:
        missing = np.flatnonzero((times == NO_TIME) & (sizes > 0))
        if not missing.size:
            break
        found = read_stamps(text, (ends - sizes)[missing], ends[missing], STAMPS[name])
        times[missing] = np.where(found.ok, found.times, NO_TIME)
    return times


def read_stamps(text: Bytes, at: Places, limit: Places, stamp: Stamp) -> Read:
    """Times that begin at the places ``at`` of ``text`` and end before ``limit``.

    Parameters
    ----------
    text : array of uint8
        A block, with ``PAD`` bytes of anything behind it.
    at, limit : arrays of shape (n,)
        First byte of each stamp, and the end of its line.

    Examples
    --------
    >>> from lo2.loading.times.stamps import PAD, STAMPS
    >>> text = np.frombuffer(b"2024-03-05T09:07:03.120Z up" + bytes(PAD), np.uint8)
    >>> found = read_stamps(text, np.array([0]), np.array([27]), STAMPS["iso"])
    >>> str(found.times.astype("datetime64[ms]")[0]), found.ends.tolist()
    ('2024-03-05T09:07:03.120', [24])
    """
    if (compiled := kernel()) is not None:
        flags, moments, stops = compiled.stamps(text, at, limit, stamp.shapes, stamp.tail, _kernel_stamp_zones())
        return Read(np.frombuffer(flags, bool), np.frombuffer(moments, np.int64), np.frombuffer(stops, np.int64))
    ok = np.zeros(at.size, bool)
    times = np.full(at.size, NO_TIME)
    ends = at.copy()
    for shape in stamp.shapes:
        rest = np.flatnonzero(~ok)
        if not rest.size:
            break
        rest = rest[limit[rest] - at[rest] >= len(shape)]
        good, fields = read_fixed_shape(text, at[rest], shape)
        rest, fields = rest[good], {name: value[good] for name, value in fields.items()}
        if not rest.size:
            continue
        good, found, end = _read_stamp_tails(text, at[rest] + len(shape), limit[rest], stamp, fields)
        ok[rest[good]], times[rest[good]], ends[rest[good]] = True, found[good], end[good]
    return Read(ok, times, ends)


@cache
def _kernel_stamp_zones() -> bytes:
    """``ZONES`` for the compiled twin: names filled up to four bytes, minutes in two."""
    return b"".join(name.encode().ljust(4, b"\0") + struct.pack("=h", east) for name, east in ZONES.items())


_DIGIT = bytes_of_fixed_fields(b"0123456789")
_ZONE_BEGINS = fixed_table([name[:3] for name in ZONES])
_ZONE = bytes_of_fixed_fields(b"+-ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_WORD = bytes_of_fixed_fields(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")


def _read_stamp_tails(
    text: Bytes, end: Places, limit: Places, stamp: Stamp, fields: dict[str, NDArray[np.int64]]
) -> tuple[Flags, NDArray[np.int64], Places]:
    """Tails and the value; a stamp that runs on as a number or a word is none."""
    ms = np.zeros(end.size, np.int64)
    ok = np.ones(end.size, bool)
    east = np.zeros(end.size, np.int64)
    if "fraction" in stamp.tail:
        ms, end = _read_stamp_fraction(text, end, limit, loose="YYYYMMDD-hh" in stamp.shapes[0])
    if "half" in stamp.tail:
        fields["h"], end, told = _read_stamp_am_pm(text, end, limit, fields["h"])
        ok &= told | ("s" in fields)
    if "zone" in stamp.tail:
        east, end = _read_stamp_zone(text, end, limit)
    if "year" in stamp.tail:
        inside = limit - end >= 5
        good, year = read_fixed_shape(text, end, " YYYY")
        ok &= good & inside
        fields["Y"], end = year.get("Y", east), end + 5
    ok &= (end >= limit) | ~_DIGIT[text[end]]
    if "E" in fields:
        times, fits = _read_epoch_stamp(fields["E"], ms)
        return ok & fits & ((end >= limit) | ~_WORD[text[end]]), times, end
    times, fits = _stamp_field_moments(fields)
    return ok & fits, times + ms - 60_000 * east, end


def _stamp_field_moments(fields: dict[str, NDArray[np.int64]]) -> tuple[NDArray[np.int64], Flags]:
    hour, minute = fields["h"], fields["m"]
    second = fields.get("s", np.zeros(hour.size, np.int64))
    ok = (hour <= 23) & (minute <= 59) & (second <= 60)
    clock = ((hour * 60 + minute) * 60 + second) * 1000
    if "D" not in fields:
        return clock + CLOCK, ok
    year = fields["Y"] if "Y" in fields else fields["y"] + 2000 if "y" in fields else np.full(hour.size, 1972)
    month, day = fields["M"], fields["D"]
    ok &= (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1) & (year <= 9999)
    index = np.where(ok, year * 12 + month - 1, 0)
    begin = _month_first_days()
    first = begin[index]
    ok &= day <= begin[index + 1] - first
    times = (first + day - 1) * 86_400_000 + clock
    known = "Y" in fields or "y" in fields
    return times if known else times - _YEAR_1972 + YEARLESS, ok


@cache
def _month_first_days() -> NDArray[np.int64]:
    """Days since 1970 on which each month begins, from year 0 to 10,000."""
    months = np.arange(-1970 * 12, 8031 * 12).astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)


_YEAR_1972 = 2 * 365 * 86_400_000


def _read_epoch_stamp(number: NDArray[np.int64], ms: NDArray[np.int64]) -> tuple[NDArray[np.int64], Flags]:
    """By their size: seconds, ms, us or ns; years from 2001 to 2096 only."""
    times = np.select(
        [number >= 10**18, number >= 10**15, number >= 10**12], [number // 10**6, number // 1000, number], number * 1000
    )
    return times + np.where(number < 10**12, ms, 0), (times >= 10**12) & (times < 4 * 10**12)


def _read_stamp_fraction(text: Bytes, end: Places, limit: Places, *, loose: bool) -> tuple[NDArray[np.int64], Places]:
    """Milliseconds behind ``.``, ``,`` or ``:``; behind a comma or a colon only three digits and more are some."""
    mark = text[end]
    marked = ((mark == 46) | (mark == 44) | (mark == 58)) & (end < limit)
    if not marked.any():
        return np.zeros(end.size, np.int64), end
    word = fixed_words(text)[end + 1]
    digits = np.uint64(0x3030303030303030)
    other = ((word & (digits * np.uint64(5))) ^ digits) | (
        ((word + digits // np.uint64(8)) & (digits * np.uint64(5))) ^ digits
    )
    # How many bytes stand before the first that is no digit: by the zeros below the lowest bit that is set.
    length = np.bitwise_count((other & (~other + np.uint64(1))) - np.uint64(1)).astype(np.int64) >> 3
    length += (length == 8) & _DIGIT[text[end + 9]]
    length = np.where(marked, np.minimum(length, limit - end - 1), 0)
    value = np.zeros(end.size, np.int64)
    for i, worth in enumerate((100, 10, 1)):
        digit = ((word >> np.uint64(8 * i)) & np.uint64(15)).view(np.int64)
        value += np.where(length > i, digit * worth, 0)
    colon = mark == 58
    good = (length >= 3) | ((mark == 46) & (length > 0)) | (loose & colon & (length > 0))
    if loose:  # a number of milliseconds, not a fraction
        value = np.where(colon, value // 10 ** np.clip(3 - length, 0, 3), value)
    return np.where(good, value, 0), end + np.where(good, length + 1, 0)


def _read_stamp_am_pm(
    text: Bytes, end: Places, limit: Places, hour: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Places, Flags]:
    """Hours of a day of two halves; which places tell the half."""
    at = end + ((text[end] == 32) & (end < limit))
    first, second = text[at] | 32, text[at + 1] | 32
    told = ((first == 97) | (first == 112)) & (second == 109) & (at + 2 <= limit) & ~_WORD[text[at + 2]]
    told &= (hour >= 1) & (hour <= 12)
    return np.where(told, hour % 12 + 12 * (first == 112), hour), np.where(told, at + 2, end), told


def _read_stamp_zone(text: Bytes, end: Places, limit: Places) -> tuple[NDArray[np.int64], Places]:
    """Minutes east of UTC, and where the zone ends: ``Z``, ``+01:00``, `` +0100`` or a name of ``ZONES``."""
    east = np.zeros(end.size, np.int64)
    stop = end.copy()
    blank = (text[end] == 32) & (end < limit)
    at = end + blank
    first = text[at]
    if not (_ZONE[first] & (at < limit)).any():
        return east, stop
    zulu = (first == 90) & ~blank & ~_WORD[text[at + 1]] & (at < limit)
    stop[zulu] = at[zulu] + 1
    signed = ((first == 43) | (first == 45)) & _DIGIT[text[at + 1]] & _DIGIT[text[at + 2]] & (at + 3 <= limit)
    if signed.any():
        where = at + 3 + (text[at + 3] == 58)
        four = signed & _DIGIT[text[where]] & _DIGIT[text[where + 1]] & (where + 2 <= limit)
        two = signed & ~four & ~blank & ~_WORD[text[at + 3]] & (text[at + 3] != 58)
        hours = (text[at + 1].astype(np.int64) - 48) * 10 + text[at + 2] - 48
        minutes = np.where(four, (text[where].astype(np.int64) - 48) * 10 + text[where + 1] - 48, 0)
        good = (four | two) & (hours <= 18) & (minutes < 60)
        sign = np.where(first == 45, -1, 1)
        east = np.where(good, sign * (hours * 60 + minutes), 0)
        stop = np.where(good, np.where(four, where + 2, at + 3), stop)
    word = fixed_words(text)[at] & np.uint64(0xFFFFFF)
    named = blank & (number_fixed(_ZONE_BEGINS, word) > 0)
    if named.any():
        for name, minutes_east in ZONES.items():
            found = named & (word == int.from_bytes(name[:3].encode(), "little")) & (at + len(name) <= limit)
            if len(name) == 4:
                found &= text[at + 3] == ord(name[3])
            found &= ~_WORD[text[at + len(name)]]
            east = np.where(found, minutes_east, east)
            stop = np.where(found, at + len(name), stop)
    return east, stop
