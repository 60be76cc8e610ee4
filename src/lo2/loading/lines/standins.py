"""Stand-ins: ids that masks replace anyway (uuids, hexadecimal, short) become a fixed one before lines are counted.

Four of five distinct lines differ only in such ids, so this is what makes the dictionary of bodies small. Masked text
must not change by it, which holds because

- ids whose first eight characters hold no digit stay, and a stand-in holds one, because a rule may ask for a digit;
- only hexadecimal digits change, within ids whose neighbours are ASCII and cannot join them, and every class in
  ``lo2.masking.profiles`` that can reach into such an id from outside holds all hexadecimal digits;
- at each of these places one mask covers the whole id, or an earlier match swallows all of it: a uuid is matched
  where it starts; eight digits are taken only behind ``/`` or `` Load:``, or between quotes of their own. Where a
  match could end inside (``Basic a/<uuid>``, ``id <uuid>``) the id is left as it is.

The test of the module holds this against the masks on random text.
"""

import numpy as np
from numpy.typing import NDArray

from lo2.loading.times.fixed import bytes_of_fixed_fields
from lo2.loading.times.stamps import Bytes, Flags, Places


def _stand_in_word(characters: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(characters, "little"))


_BEFORE = bytes_of_fixed_fields(b'"/ :')
_AFTER = bytes_of_fixed_fields(b'" ,)}?/\n\r')
_OPENS = bytes_of_fixed_fields(b" :,{[(")
_CREDENTIALS = bytes_of_fixed_fields(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_LETTER = bytes_of_fixed_fields(b"abcdefghijklmnopqrstuvwxyz")
_KEYS = (b" Load:", b" Store:", b" Delete:")
_ID = b"a1aaaaaa"
_UUID = (_ID, b"-aaaa-aa", b"aa-aaaa-", b"aaaaaaaa")
_LETTERS = np.uint64(0x4040404040404040)
_MARGIN = 64
_BACK = np.arange(-2, 16 - _MARGIN, -1)


def put_stand_ins(block: bytes) -> bytes:
    """Block of the same length with the ids replaced.

    Examples
    --------
    >>> put_stand_ins(b"DEBUG a.b load - Load:66c2c2bd, 66c2c2bd")
    b'DEBUG a.b load - Load:a1aaaaaa, 66c2c2bd'
    """
    data = bytearray(len(block) + 2 * _MARGIN)
    data[_MARGIN:-_MARGIN] = block
    text = np.frombuffer(data, np.uint8)
    eights = np.ndarray(len(data) - 7, "<u8", data, strides=(1,))
    four, eight, starts = _hexadecimal_id_places(text)
    starts = starts[_BEFORE[text[starts - 1]] & (eights[starts] & _LETTERS != _LETTERS)]
    starts = starts[~_ids_within_credentials(text, eights, starts)]
    dashed = text[starts + 8] == 45
    uuids, long = _uuids_to_replace(text, starts[dashed], four, eight)
    short = _short_ids_to_replace(text, eights, starts[~dashed])
    for i, word in enumerate(_UUID):
        eights[uuids + 8 * i] = _stand_in_word(word)
    eights[uuids[long] + 28] = _stand_in_word(b"aaaaaaaa")
    eights[short] = _stand_in_word(_ID)
    return bytes(memoryview(data)[_MARGIN:-_MARGIN])


def _hexadecimal_id_places(text: Bytes) -> tuple[Flags, Flags, Places]:
    """Where four and where eight hexadecimal digits begin, and where exactly eight stand in a row."""
    digit = ((text - np.uint8(48)) < 10) | ((text - np.uint8(97)) < 6)
    two = digit[:-1] & digit[1:]
    four = two[:-2] & two[2:]
    eight = four[:-4] & four[4:]
    starts = np.flatnonzero(eight[1:] & ~digit[: len(eight) - 1]) + 1
    return four, eight, starts[~digit[starts + 8]]


def _uuids_to_replace(text: Bytes, starts: Places, four: Flags, eight: Flags) -> tuple[Places, Flags]:
    """Which of the places are uuids that may be replaced, and which of these are not cut to 32 characters."""
    for dash in (13, 18, 23):
        starts = starts[(text[starts + dash] == 45) & four[starts + dash - 4]]
    starts = starts[eight[starts + 24]]
    long = four[starts + 32]
    colon = (text[starts - 1] == ord(":")) & ~_LETTER[text[starts - 2]]
    announced = (text[starts - 1] == ord(" ")) & (text[starts - 2] == ord("d")) & ((text[starts - 3] | 32) == ord("i"))
    good: Flags = _AFTER[text[starts + 32 + 4 * long]] & ~colon & ~announced
    return starts[good], long[good]


def _short_ids_to_replace(text: Bytes, eights: NDArray[np.uint64], starts: Places) -> Places:
    starts = starts[_AFTER[text[starts + 8]]]
    before = text[starts - 1]
    quoted = (before == ord('"')) & (text[starts + 8] == ord('"')) & _OPENS[text[starts - 2]]
    words = eights[starts - 8]
    keys = np.zeros(len(starts), bool)
    for key in _KEYS:
        cut = np.uint64(8 * (8 - len(key)))
        keys |= words >> cut == _stand_in_word(key)
    kept: Places = starts[quoted | (before == ord("/")) | keys]
    return kept


def _ids_within_credentials(text: Bytes, eights: NDArray[np.uint64], starts: Places) -> Flags:
    """Which places behind a slash may be reached by Basic credentials, whose characters hold the slash too."""
    found: Flags = text[starts - 1] == ord("/")
    slashed = starts[found]
    ends = ~_CREDENTIALS[text[slashed[:, None] + _BACK]]
    at = slashed + _BACK[ends.argmax(axis=1)]
    found[found] = ~ends.any(axis=1) | (eights[at - 7] >> np.uint64(16) == _stand_in_word(b"Basic "))
    return found
