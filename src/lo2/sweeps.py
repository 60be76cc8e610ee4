"""A pattern over many texts with Polars' engine, kept from one call to the next.

A call with one pattern for all rows starts the engine anew: for the largest patterns that costs as much as a megabyte
of text. A pattern per row is looked up in the cache of the process instead, and what it learnt of earlier texts is
there. That way only finds; so few matches are replaced by Python's engine, where they were found, and many by a call
that starts.
"""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_SMALL = 1_000
"""A pattern of fewer characters starts in no time."""
_START = 10
"""One text with a match is worth so many characters of a pattern that would have to start."""
_LONGEST = 400
_MATCHES = 5
"""Longer matches, and more of them in a text on average, are not looked at one by one."""


def rust(pattern: str) -> str:
    r"""``pattern`` as Polars takes it: word boundaries, digits and blanks of ASCII.

    Unicode ones would make Polars' regex leave its fast engine at the first other character, and mask such lines a
    hundred times slower. ``\s`` may stand inside brackets only.

    Examples
    --------
    >>> rust(r"(?i:pin)\b")
    '(?i-u:pin)(?-u:\\b)'
    """
    pairs = ((r"\b", r"(?-u:\b)"), (r"\d", "[0-9]"), (r"\s", r" \t\n\r\f\v"), (r"\Z", r"\z"), ("(?i:", "(?i-u:"))
    for python, other in pairs:
        pattern = pattern.replace(python, other)
    return pattern


def is_small(pattern: str) -> bool:
    """Whether the engine starts on it in no time."""
    return len(pattern) < _SMALL


def are_few(texts: "pl.Series", pattern: str) -> bool:
    """Whether starting the engine costs more than replacing in so many texts without."""
    return len(texts) * _START < len(pattern)


def holds(texts: "pl.Series", pattern: str) -> "pl.Series":
    """Of each text whether a pattern matches somewhere.

    Examples
    --------
    >>> import polars as pl
    >>> holds(pl.Series(["up", "took 5 ms", "9"]), "[0-9]+").to_list()
    [False, True, True]
    """
    return texts.str.contains(pattern) if is_small(pattern) else _asked(texts, pattern, "contains")


def replaced(
    texts: "pl.Series", pattern: str, twin: re.Pattern[str], replace: Callable[[re.Match[str]], str]
) -> "pl.Series | None":
    """Texts with all matches replaced, one after the other; None where that is not worth it, or a match is too long.

    Parameters
    ----------
    texts : polars.Series
        Few texts.
    pattern : str
        The pattern for Polars.
    twin : re.Pattern
        The same for Python.
    replace : callable
        What takes the place of a match.

    Examples
    --------
    >>> import polars as pl
    >>> twin = re.compile("(pin )[0-9]+")
    >>> replaced(pl.Series(["pin 47, pin 11"]), twin.pattern, twin, lambda match: match[1] + "*").to_list()
    ['pin *, pin *']
    """
    import polars as pl

    found = _asked(texts, pattern, "extract_all").to_list()
    if sum(map(len, found)) > _MATCHES * len(texts) or any(
        not 0 < len(one) <= _LONGEST for some in found for one in some
    ):
        return None
    done = []
    for text, matches in zip(texts.to_list(), found, strict=True):
        one = _replaced(text, matches, twin, replace)
        if one is None:
            return None
        done.append(one)
    return pl.Series(texts.name, done, dtype=pl.String)


def _asked(texts: "pl.Series", pattern: str, question: str) -> "pl.Series":
    """Answers of the engine that was kept."""
    import polars as pl

    patterns = pl.Series([pattern]).new_from_index(0, len(texts))
    frame = pl.DataFrame([texts.alias("text"), patterns.alias("pattern")])
    return frame.select(getattr(pl.col("text").str, question)(pl.col("pattern"))).to_series()


def _replaced(
    text: str, matches: Sequence[str], twin: re.Pattern[str], replace: Callable[[re.Match[str]], str]
) -> str | None:
    """One text with these matches, in order, replaced; None where the engines are not of one mind.

    A match is looked at with no more than the character behind it: if what is found there has its length, nothing
    behind that character had a say. So its cost is bounded whatever the text.
    """
    parts, end = [], 0
    for match in matches:
        at = text.find(match, end)
        while at >= 0:
            own = twin.match(text, at, at + len(match) + 1)
            if own is not None and own[0] == match:
                break
            at = text.find(match, at + 1)
        else:
            return None
        parts += [text[end:at], replace(own)]
        end = at + len(match)
    return "".join([*parts, text[end:]])
