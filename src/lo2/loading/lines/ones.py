"""Ones for digits, since no mask asks which digit it is: where they may stand, and how digits are counted to ask."""

from collections.abc import Iterator

import numpy as np

from lo2.kernel import kernel
from lo2.loading.times.stamps import Bytes, Flags, Places
from lo2.masking.digits import FIXED

_ONE = 49
_HTTP = b"http/"
_FIXED = [name.encode() for name in FIXED]


def put_ones(raw: Bytes) -> Bytes:
    """A copy with ones for its digits."""
    if (compiled := kernel()) is not None:
        text = np.empty_like(raw)
        compiled.ones(text, raw)
        return text
    return np.where(may_be_ones(raw), np.uint8(_ONE), raw)


def may_be_ones(text: Bytes) -> Flags:
    """Digits that may be ones: all but those of a protocol's version and of a name, which many lines have."""
    free = text - np.uint8(48) < 10
    data = text.tobytes()
    for begin in _name_digit_places(_HTTP, data.lower()):
        free[begin + len(_HTTP) : begin + len(_HTTP) + 3 : 2] = False
    for name in _FIXED:
        for begin in _name_digit_places(name, data):
            free[begin : begin + len(name)] = False
    return free


def _name_digit_places(name: bytes, data: bytes) -> Iterator[int]:
    begin = data.find(name)
    while begin >= 0:
        yield begin
        begin = data.find(name, begin + 1)


def count_digits_as_ones(shape: bytes, places: Places, worth: int) -> bytes:
    """The shape, each of its digits with the digit, 1 to 9, of this worth of its number among them.

    No number of it begins with a zero by that, which JSON would not read.
    """
    body = np.frombuffer(bytearray(shape), np.uint8)
    body[places] = 49 + np.arange(places.size) // worth % 9
    return body.tobytes()


def places_for_ones(body: bytes) -> Places:
    """Places of the digits of a body that may be ones."""
    return np.flatnonzero(may_be_ones(np.frombuffer(body[1:], np.uint8))) + 1
