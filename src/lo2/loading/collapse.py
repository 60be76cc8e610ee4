"""Digits of long ids and numbers replaced by ones before lines are counted, in the logs of any service.

Lines that differ only in such values become one body, so that masks run over few. Masked text must not change by it: a
word that holds a digit is a value as a whole (``lo2.values``), and what carries the signal is never touched, which are
codes of at most six digits behind letters or a dash, and numbers of at most three or, behind a blank, five digits. The
test of the module holds this against the masks.
"""

import numpy as np

from lo2.loading.reading import among
from lo2.loading.stamps import Bytes, Flags, Places

_HEX = 8
_LONG = 8
_NUMBER = 6
_SHORT = 4


_DIGIT = among(b"0123456789")
_LETTER = among(b"abcdef")
_JOINED = among(b"0123456789abcdef-")
_BEHIND_WORD = among(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")
_QUOTED = among(b"('\"#@")


def collapse(text: Bytes) -> None:
    """Put ones in place, between line feeds and other bytes that stay.

    Examples
    --------
    >>> data = bytearray(b"req-255efb04-532a took 1234567 of 200")
    >>> collapse(np.frombuffer(data, np.uint8))
    >>> bytes(data)
    b'req-11111111-1111 took 1111111 of 200'
    """
    digit = _DIGIT[text]
    starts, ends = _runs(digit)
    before = text[np.maximum(starts - 1, 0)]
    length = ends - starts
    dated = (length == 8) & ((text[starts] == 49) | (text[starts] == 50))
    chosen = (length >= _LONG) & ~dated
    chosen |= (length >= _NUMBER) & (length < _LONG) & ~_BEHIND_WORD[before]
    chosen |= (length >= _SHORT) & (length < _NUMBER) & _QUOTED[before]
    fraction = (before == 46) & _DIGIT[text[np.maximum(starts - 2, 0)]] & (starts > 1)
    chosen |= fraction & ((length == 2) | (length == 3))  # four may be a year, one a version that stays
    _level(text, starts[chosen], length[chosen])
    starts, ends = _whole_parts(text, *_runs(_JOINED[text]))
    if starts.size:
        lengths = ends - starts
        offsets = np.cumsum(lengths) - lengths
        inside = text[np.arange(lengths.sum()) + np.repeat(starts - offsets, lengths)]
        letters, digits = (np.add.reduceat(table[inside], offsets, dtype=np.int64) for table in (_LETTER, _DIGIT))
        power = (letters == 1) & np.logical_or.reduceat(inside == 101, offsets)  # 1.5e-07 stays a number
        mixed = (letters > 0) & (digits > 0) & ~power
        _level(text, starts[mixed], lengths[mixed])


def _whole_parts(text: Bytes, starts: Places, ends: Places) -> tuple[Places, Places]:
    """Runs without the parts, up to a dash, that belong to a word around them; of these the long ones."""
    long = ends - starts >= _HEX
    starts, ends = starts[long], ends[long]
    dashes = np.append(np.flatnonzero(text == 45), text.size)
    hexadecimal = (text[np.maximum(starts - 1, 0)] == 120) & (text[np.maximum(starts - 2, 0)] == 48)  # 0x...
    joined = _BEHIND_WORD[text[np.maximum(starts - 1, 0)]] & (starts > 0) & ~hexadecimal
    starts = np.where(joined, dashes[np.searchsorted(dashes, starts)] + 1, starts)
    followed = _BEHIND_WORD[text[np.minimum(ends, text.size - 1)]] & (ends < text.size)
    before = np.concatenate([[0], dashes])[np.searchsorted(dashes, ends)]
    ends = np.where(followed, before, ends)
    long = ends - starts >= _HEX
    return starts[long], ends[long]


def _runs(flags: Flags) -> tuple[Places, Places]:
    edges = np.flatnonzero(flags[1:] != flags[:-1]) + 1
    if flags.size and flags[0]:
        edges = np.concatenate([[0], edges])
    if edges.size % 2:
        edges = np.append(edges, flags.size)
    return edges[::2], edges[1::2]


def _level(text: Bytes, starts: Places, lengths: Places) -> None:
    if not starts.size:
        return
    offsets = np.cumsum(lengths) - lengths
    places = np.arange(lengths.sum()) + np.repeat(starts - offsets, lengths)
    text[places[text[places] != 45]] = 49
