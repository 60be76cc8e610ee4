"""Collapsing: digits of long ids, numbers and hexadecimal words become ones before lines are counted.

Lines that differ only in such values become one body, so that masks run over few. Masked text must not change by it: a
word that holds a digit is a value as a whole (``values``), and what carries the signal is never touched, which are
codes of at most six digits behind letters or a dash, and numbers of at most three or, behind a blank, five digits. The
test of the module holds this against the masks.
"""

import re

import numpy as np

from lo2.kernel import kernel
from lo2.loading.times.fixed import bytes_of_fixed_fields
from lo2.loading.times.stamps import Bytes, Flags, Places

_HEX = 8
_LONG = 8
_NUMBER = 6
_SHORT = 4
_ONE, _DASH, _DOT, _E = (ord(character) for character in "1-.e")

_BEHIND_WORD = bytes_of_fixed_fields(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")
_NAMES = bytes_of_fixed_fields(b".$@")
_NAME = 64
_IDENTITY = re.compile(rb"[A-Za-z0-9_.$]{0,%d}@|[A-Za-z0-9_.$]{%d}" % (_NAME, _NAME), re.DOTALL)
"""A class with the identity of its object begins with a letter: ``a1b24711.C@50312``; a long name may be one."""
_QUOTED = bytes_of_fixed_fields(b"('\"#@")


def collapse_digits(text: Bytes) -> None:
    """Put ones in place, between line feeds and other bytes that stay.

    Examples
    --------
    >>> data = bytearray(b"req-255efb04-532a took 1234567 of 200")
    >>> collapse_digits(np.frombuffer(data, np.uint8))
    >>> bytes(data)
    b'req-11111111-1111 took 1111111 of 200'
    """
    if (compiled := kernel()) is not None:
        compiled.collapse(text)
        return
    digit = text - np.uint8(48) < 10  # comparing bytes is ten times faster than looking them up
    letter = text - np.uint8(97) < 6
    _collapse_long_numbers(text, digit)
    starts, ends = _long_hexadecimal_words(text, *_runs_to_collapse(digit | letter | (text == _DASH), _HEX))
    if starts.size:
        _collapse_hexadecimal_words(text, starts, ends, digit, letter)


def _collapse_long_numbers(text: Bytes, digit: Flags) -> None:
    """Runs of digits alone."""
    starts, ends = _runs_to_collapse(digit, _SHORT)
    before = text[np.maximum(starts - 1, 0)]
    length = ends - starts
    dated = (length == 8) & ((text[starts] == 49) | (text[starts] == 50))
    chosen = (length >= _LONG) & ~dated
    chosen |= (length >= _NUMBER) & (length < _LONG) & ~_BEHIND_WORD[before]
    chosen |= (length < _NUMBER) & _QUOTED[before]
    fraction = np.flatnonzero((text[1:-2] == _DOT) & digit[:-3] & digit[2:-1] & digit[3:]) + 2
    longer = np.append(digit, [False, False, False])
    three = longer[fraction + 2]
    short = ~(three & longer[fraction + 3])  # four digits may be a year, one a version that stays
    text[collapsible_runs(starts[chosen], length[chosen])] = _ONE
    for at in (fraction[short], fraction[short] + 1, fraction[short & three] + 2):
        text[at] = _ONE


def _collapse_hexadecimal_words(text: Bytes, starts: Places, ends: Places, digit: Flags, letter: Flags) -> None:
    """Hexadecimal words that hold a letter and a digit, their dashes left."""
    bounds = np.stack([starts, ends], axis=1).ravel()
    at = bounds[: -1 if bounds[-1] == text.size else None]
    power = text == _E
    letters, digits, others = (np.logical_or.reduceat(flags, at)[::2] for flags in (letter, digit, letter ^ power))
    mixed = letters & digits
    for i in np.flatnonzero(mixed & ~others).tolist():
        mixed[i] = np.count_nonzero(power[starts[i] : ends[i]]) > 1  # 1.5e-07 stays a number
    sizes = np.diff(bounds, prepend=0, append=text.size)
    chosen = np.zeros(sizes.size, bool)
    chosen[1::2] = mixed
    text[np.repeat(chosen, sizes) & (text != _DASH)] = _ONE


def _long_hexadecimal_words(text: Bytes, starts: Places, ends: Places) -> tuple[Places, Places]:
    """Where long hexadecimal words begin and end: runs without the parts, up to a dash, of a word around them."""
    dashes = np.append(np.flatnonzero(text == _DASH), text.size)
    hexadecimal = (text[np.maximum(starts - 1, 0)] == 120) & (text[np.maximum(starts - 2, 0)] == 48)  # 0x...
    joined = _BEHIND_WORD[text[np.maximum(starts - 1, 0)]] & (starts > 0) & ~hexadecimal
    starts = np.where(joined, dashes[np.searchsorted(dashes, starts)] + 1, starts)
    after = text[np.minimum(ends, text.size - 1)]
    followed = _BEHIND_WORD[after] & (ends < text.size)
    for i in np.flatnonzero(_NAMES[after] & ~followed & (ends < text.size)).tolist():
        followed[i] = _IDENTITY.match(text[ends[i] : ends[i] + _NAME + 1].tobytes()) is not None
    before = np.concatenate([[0], dashes])[np.searchsorted(dashes, ends)]
    ends = np.where(followed, before, ends)
    long = ends - starts >= _HEX
    return starts[long], ends[long]


def _runs_to_collapse(flags: Flags, least: int) -> tuple[Places, Places]:
    """Start and end of the runs of at least so many, a power of two."""
    step = 1
    while step < least:  # what is left is where a run of the least length begins
        flags = flags[:-step] & flags[step:]
        step *= 2
    edges = np.flatnonzero(flags[1:] != flags[:-1]) + 1
    if flags.size and flags[0]:
        edges = np.concatenate([[0], edges])
    if edges.size % 2:
        edges = np.append(edges, flags.size)
    return edges[::2], edges[1::2] + least - 1


def collapsible_runs(starts: Places, lengths: Places) -> Places:
    """All places of runs."""
    offsets = np.cumsum(lengths) - lengths
    return np.asarray(np.arange(lengths.sum()) + np.repeat(starts - offsets, lengths))
