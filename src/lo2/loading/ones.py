"""Digits of lines that become ones, since no mask asks which digit it is, and which of them a message keeps."""

import numpy as np

from lo2.kernel import kernel
from lo2.loading.stamps import Bytes, Flags, Places
from lo2.masking.digits import FIXED

_ONE = 49
_FIXED = [name.encode() for name in FIXED]


def with_ones(raw: Bytes) -> Bytes:
    """A copy with ones for its digits."""
    text = raw.copy()
    if (compiled := kernel()) is not None:
        compiled.ones(text, raw)
    else:
        np.copyto(text, np.uint8(_ONE), where=may_be_ones(raw))
    return text


def may_be_ones(text: Bytes) -> Flags:
    """Digits that may be ones: all but those of a protocol's version and of a name, which many lines have."""
    free = text - np.uint8(48) < 10
    slash = np.flatnonzero(text == 47)
    for i, letter in enumerate(b"http"):
        slash = slash[(text[np.maximum(slash - 4 + i, 0)] | 32) == letter]
    at = slash + 1
    for place in (at, at + 2):
        free[place[place < text.size]] = False
    data = text.tobytes()
    for name in _FIXED:
        begin = data.find(name)
        while begin >= 0:
            free[begin : begin + len(name)] = False
            begin = data.find(name, begin + 1)
    return free


def counted_digits(shape: bytes, places: Places, worth: int) -> bytes:
    """The shape, each of its digits with the digit, 1 to 9, of this worth of its number among them.

    No number of it begins with a zero by that, which JSON would not read.
    """
    body = np.frombuffer(bytearray(shape), np.uint8)
    body[places] = 49 + np.arange(places.size) // worth % 9
    return body.tobytes()


def digit_places(body: bytes) -> Places:
    """Places of the digits of a body that may be ones."""
    return np.flatnonzero(may_be_ones(np.frombuffer(body[1:], np.uint8))) + 1
