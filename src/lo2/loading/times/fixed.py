"""Fixed shapes of fields read at many places at once: eight bytes as one word of 64 bits, and tables of such words."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lo2.loading.times.stamps import DAYS, MONTHS, Bytes, Flags, Places

Fields = dict[str, NDArray[np.int64]]
_Words = NDArray[np.uint64]
_STEP = 7  # words overlap by one character, so that every pair of neighbours lies in one


@dataclass(frozen=True)
class _Word:
    """What must stand in eight characters: digits by the upper half of their bytes, other characters as they are."""

    offset: int
    digits: np.uint64
    high: np.uint64
    sixes: np.uint64
    rest: np.uint64
    mask: np.uint64


@dataclass(frozen=True)
class _Plan:
    """How one shape is read: its words, where a field's digits stand (word, shift, how many), names and free places."""

    words: tuple[_Word, ...]
    digits: tuple[tuple[str, int, int, int], ...]
    names: tuple[tuple[str, int], ...]
    separators: tuple[int, ...]
    blanks: tuple[int, ...]


def fixed_words(text: Bytes) -> _Words:
    """The eight bytes from every place on as one number, the first in its lowest byte."""
    return np.ndarray(max(text.size - 7, 0), "<u8", text, strides=(1,))


def read_fixed_shape(text: Bytes, at: Places, shape: str) -> tuple[Flags, Fields]:
    """Which places begin a text of this shape, and the numbers of its fields; eight bytes must follow its end.

    Examples
    --------
    >>> text = np.frombuffer(b"05/Mar/2024 x            ", np.uint8)
    >>> ok, fields = read_fixed_shape(text, np.array([0, 3]), "DD/bbb/YYYY")
    >>> ok.tolist(), {name: int(value[0]) for name, value in fields.items()}
    ([True, False], {'M': 3, 'D': 5, 'Y': 2024})
    """
    plan = _plan_fixed_shape(shape)
    every = fixed_words(text)
    ok = np.ones(at.size, bool)
    loaded = []
    for word in plan.words:
        found = every[at + word.offset]
        ok &= found & word.mask == word.rest
        ok &= found & word.high == word.digits
        ok &= (found + word.sixes) & word.high == word.digits
        if not ok.any():
            return ok, {}
        loaded.append(found)
    for place in plan.separators:
        ok &= _SEPARATORS[text[at + place]]
    for place in plan.blanks:
        first = text[at + place]
        ok &= (first == 32) | (first - np.uint8(48) < 10)
    fields: Fields = {}
    for letter, place in plan.names:
        name = every[at + place] & np.uint64(0xFFFFFF)
        number = number_fixed(_NAMES[letter], name)
        ok &= number > 0
        if letter == "b":
            fields["M"] = number
    return ok, fields | _fixed_field_numbers(plan, loaded)


def _fixed_field_numbers(plan: _Plan, loaded: list[_Words]) -> Fields:
    pairs, singles = [], []
    for found in loaded:
        single = found & np.uint64(0x0F0F0F0F0F0F0F0F)
        singles.append(single)
        pairs.append(single * np.uint64(10) + (single >> np.uint64(8)))  # ten times a digit and the next fit a byte
    values: dict[str, _Words] = {}
    for letter, word_number, shift, count in plan.digits:
        source, mask = (pairs, 0xFF) if count == 2 else (singles, 0x0F)
        value = (source[word_number] >> np.uint64(shift)) & np.uint64(mask)
        values[letter] = values[letter] * np.uint64(10**count) + value if letter in values else value
    return {letter: value.view(np.int64) for letter, value in values.items()}


@cache
def _plan_fixed_shape(shape: str) -> _Plan:
    kinds = shape.replace("bbb", "\0\0\0").replace("www", "\0\0\0")
    digits: list[tuple[str, int, int, int]] = []
    i = 0
    while i < len(shape):
        letter = kinds[i]
        if letter not in _DIGITS:
            i += 1
            continue
        count = 2 if kinds[i + 1 : i + 2] == letter else 1
        word = min(i // _STEP, max(0, len(shape) - 2) // _STEP)
        digits.append((letter, word, 8 * (i - word * _STEP), count))
        i += count
    names = [(shape[i], i) for i in range(len(shape)) if shape[i : i + 3] in ("bbb", "www")]
    separators = tuple(i for i, letter in enumerate(kinds) if letter == "~")
    blanks = tuple(i for i in range(len(shape)) if kinds[i : i + 2] == "DD" and kinds[i - 1 : i] != "D")
    last = max(0, len(shape) - 2) // _STEP
    words = tuple(_fixed_shape_word(kinds, word * _STEP, blanks) for word in range(last + 1))
    return _Plan(words, tuple(digits), tuple(names), separators, blanks)


def _fixed_shape_word(kinds: str, offset: int, blanks: tuple[int, ...]) -> _Word:
    digits = rest = mask = 0
    for k, letter in enumerate(kinds[offset : offset + 8]):
        if offset + k in blanks or letter in "~\0":
            continue
        if letter in _DIGITS:
            digits |= 0x30 << (8 * k)
        else:
            rest |= ord(letter) << (8 * k)
            mask |= 0xFF << (8 * k)
    return _Word(offset, *(np.uint64(value) for value in (digits, digits * 5, digits // 8, rest, mask)))


@dataclass(frozen=True)
class WordTable:
    """Words of three characters in places of their own, by what remains of their number."""

    size: np.uint64
    words: _Words
    numbers: NDArray[np.int64]


def fixed_table(names: Sequence[str]) -> WordTable:
    """Table of such words, numbered from 1."""
    values = [int.from_bytes(name.encode(), "little") for name in names]
    size = next(n for n in range(len(values), 1 << 12) if len({value % n for value in values}) == len(set(values)))
    words, numbers = np.full(size, 1 << 63, np.uint64), np.zeros(size, np.int64)
    for number, value in enumerate(values, 1):
        words[value % size], numbers[value % size] = value, number
    return WordTable(np.uint64(size), words, numbers)


def number_fixed(table: WordTable, words: _Words) -> NDArray[np.int64]:
    """Number of each word, 0 where the table has it not.

    Examples
    --------
    >>> number_fixed(fixed_table(["Jan", "Feb"]), np.array([int.from_bytes(b"Feb", "little"), 7], np.uint64)).tolist()
    [2, 0]
    """
    key = words % table.size
    return np.where(table.words[key] == words, table.numbers[key], 0)


def bytes_of_fixed_fields(characters: bytes) -> Flags:
    """Which of the 256 bytes are among these characters."""
    found = np.zeros(256, bool)
    found[list(characters)] = True
    return found


_DIGITS = "YyMDhmsE"
_SEPARATORS = bytes_of_fixed_fields(b"T \t_")
_NAMES = {"b": fixed_table(MONTHS), "w": fixed_table(DAYS)}
