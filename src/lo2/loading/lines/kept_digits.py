"""Digits to keep, since masks name them or keys and levels of records hold them; sevens show if lines read alike.

``ipv6`` is a name and ``ipv7`` a value, ``"level":30`` a level and ``"level":31`` a field. Lines that differ in other
digits are read and masked alike; whether they are, is looked at in two of them, one with ones and one with sevens.
"""

import re
from collections.abc import Iterator
from functools import cache

import numpy as np

from lo2.loading.formats.records import LEVEL_KEYS
from lo2.loading.times.stamps import Bytes, Flags, Places

_DIGIT = re.compile("[0-9]")
_WORD = re.compile(r"[^\s\"',;()\[\]{}<>]+")
_ESCAPE = re.compile(r"\\u[0-9A-Fa-f]{4}")
_KEYS = {
    "json": re.compile(r'"((?:[^"\\]|\\.)*)"(?:\s*:(?=\s*("?-?[0-9][0-9.eE+-]*)?))?', re.DOTALL),
    "logfmt": re.compile(r'([A-Za-z_@][\w.@/-]*)=("?-?[0-9][0-9.]*)?'),
}
RECORDS = frozenset(_KEYS)
"""Kinds of lines of which a reader makes fields."""
_LONGEST = 4_000
_SEVEN = ord("7")


@cache
def kept_digit_expression(pattern: str) -> re.Pattern[str]:
    """A pattern of :func:`lo2.masking.sweeps.rust_pattern` for Python."""
    for other, python in ((r"(?-u:\b)", r"\b"), ("(?i-u:", "(?i:"), (r"\z", r"\Z")):
        pattern = pattern.replace(other, python)
    return re.compile(pattern, re.ASCII)


def digits_to_keep(body: bytes, kind: str, pattern: str) -> Places | None:
    """Places of the digits of a body, behind its mark, that tell; None where the body is too long.

    Examples
    --------
    >>> digits_to_keep(b"*ipv6 of 7", "text", "ipv[0-9]").tolist()
    [4]
    >>> digits_to_keep(b'*{"level":30,"n1":7}', "json", "ipv[0-9]").tolist()
    [10, 11, 15]
    """
    text = body.decode("latin-1")
    if len(text) > _LONGEST:
        return None
    inside = np.zeros(len(text), bool)
    for begin, end in _overlapping_digit_spans(kept_digit_expression(pattern), text):
        inside[begin:end] = True
    spans = [match.span() for match in _WORD.finditer(text)]  # a match may have taken more of a word, or less of it
    told = [(begin, end) for begin, end in spans if inside[begin:end].any()]
    if kind in _KEYS:
        told += [match.span() for match in _ESCAPE.finditer(text)]
        told += _record_key_spans(text, kind)
    for begin, end in told:
        inside[begin:end] = True
    found: Places = np.flatnonzero(inside & which_are_digits(body))
    return found[found > 0]


def _overlapping_digit_spans(expression: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    match = expression.search(text, 1)
    while match is not None:
        yield match.span()
        match = expression.search(text, match.start() + 1)


def _record_key_spans(text: str, kind: str) -> Iterator[tuple[int, int]]:
    """Keys, of which two must not become one, and the values of those that may hold a level."""
    for match in _KEYS[kind].finditer(text, 1):
        if kind == "logfmt" or match[0].endswith(":"):
            yield match.span(1)
            if match[2] and match[1].rpartition(".")[2] in LEVEL_KEYS:
                yield match.span(2)


def which_are_digits(body: bytes | Bytes) -> Flags:
    """Which bytes are digits."""
    found: Flags = np.frombuffer(body, np.uint8) - np.uint8(48) < 10
    return found


def put_sevens(body: bytes, free: Places) -> bytes:
    """The body with sevens at places."""
    text = np.frombuffer(bytearray(body), np.uint8)
    text[free] = _SEVEN
    return text.tobytes()


def are_read_alike(ones: str, sevens: str, pattern: str) -> bool:
    """Whether what was read of two such bodies differs in digits alone, none of them in what the pattern finds."""
    if _DIGIT.sub("1", ones) != _DIGIT.sub("1", sevens):
        return False
    expression = kept_digit_expression(pattern)
    found, other = ([text[a:b] for a, b in _overlapping_digit_spans(expression, "*" + text)] for text in (ones, sevens))
    return found == other
