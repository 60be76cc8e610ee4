"""Any digit for a digit: whether what a pattern finds depends on which digits a text has."""

import re

_ESCAPE = re.compile(
    r"(?:HTTP/|%(?:\(\?:25\)(?:\?|\{0,3\}))?|&#x?|\\\\(?:\{1,2\})?[ux])(?:[0-9]|\[[0-9A-Za-z]+\]|\(\?:\\\.\[01\]\)|\?)*"
)
_COUNT = re.compile(r"\{\d*,?\d*\}")
_HEX = re.compile(r"\\x[0-9a-f]{2}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
FIXED = {"UTF-8": "UTG-8", "x86_64": "y86_64", "IPv4": "IQv4", "IPv6": "IQv6", "ipv4": "iqv4", "ipv6": "iqv6"}
"""Names that many lines hold and that keep their digits, and words like them that no row names: with these in their
place a pattern still finds what depends on other digits."""
ESCAPES = r"%|&#|\\[ux]"
"""What stands before the digits of an escaped character; texts that hold one are no matter of :func:`any_digit`."""


def any_digit(pattern: str) -> str:
    """``pattern`` with any digit wherever it names one, but for those of escaped characters (``ESCAPES``).

    Where that changes nothing, what the pattern finds does not depend on which digits a text has.

    Examples
    --------
    >>> any_digit(r"log4j[12]?\\d{4}"), any_digit("id=[0-9a-f]{8}")
    ('log[0-9]j[0-912]?\\\\d{4}', 'id=[0-9a-f]{8}')
    """
    parts, i = [], 0
    while i < len(pattern):
        found = _ESCAPE.match(pattern, i) or _COUNT.match(pattern, i) or _HEX.match(pattern, i)
        if found is None and (found := _CLASS.match(pattern, i)) is not None:
            parts.append(_any_digit_in_bracket(found[0]))
        elif found is not None:
            parts.append(found[0])
        else:
            piece = pattern[i : i + 2] if pattern[i] == "\\" else pattern[i]
            parts.append("[0-9]" if piece.isdecimal() else piece)
            i += len(piece)
            continue
        i = found.end()
    return "".join(parts)


def _any_digit_in_bracket(brackets: str) -> str:
    """Characters in brackets with all digits where they hold some."""
    if not any(map(str.isdecimal, _HEX.sub("", brackets.replace("0-9", "")))):
        return brackets
    return r"[\s\S]" if brackets[1] == "^" else f"[0-9{brackets[1:]}"
