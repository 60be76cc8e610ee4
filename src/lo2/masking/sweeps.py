"""Sweeps of a pattern over many texts by Polars' Rust engine: matches and replacements, the engine kept between calls.

A call with one pattern for all rows starts the engine anew: for the largest patterns that costs as much as a megabyte
of text. A pattern per row is looked up in the cache of the process instead, and what it learnt of earlier texts is
there. That way only finds; so few matches are replaced by Python's engine, where they were found, and many by a call
that starts.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_SMALL = 1_000
"""A pattern of fewer characters starts in no time."""
_START = 3
"""One text with a match is worth so many characters of a pattern that would have to start."""
_LONGEST = 400
_MATCHES = 20
"""Longer matches, and more of them in a text on average, are not looked at one by one."""
_REMEMBERED = 10_000


def rust_pattern(pattern: str) -> str:
    r"""``pattern`` as Polars takes it: word boundaries, digits and blanks of ASCII.

    Unicode ones would make Polars' regex leave its fast engine at the first other character, and mask such lines a
    hundred times slower. ``\s`` may stand inside brackets only.

    Examples
    --------
    >>> rust_pattern(r"(?i:pin)\b")
    '(?i-u:pin)(?-u:\\b)'
    """
    pairs = ((r"\b", r"(?-u:\b)"), (r"\d", "[0-9]"), (r"\s", r" \t\n\r\f\v"), (r"\Z", r"\z"), ("(?i:", "(?i-u:"))
    for python, other in pairs:
        pattern = pattern.replace(python, other)
    return pattern


def is_small_pattern(pattern: str) -> bool:
    """Whether the engine starts on it in no time."""
    return len(pattern) < _SMALL


def are_few_texts(texts: "pl.Series", pattern: str) -> bool:
    """Whether starting the engine costs more than replacing in so many texts without."""
    return len(texts) * _START < len(pattern)


def sweep_matches(texts: "pl.Series", pattern: str) -> "pl.Series":
    """Of each text whether a pattern matches somewhere.

    Examples
    --------
    >>> import polars as pl
    >>> sweep_matches(pl.Series(["up", "took 5 ms", "9"]), "[0-9]+").to_list()
    [False, True, True]
    """
    return (
        texts.str.contains(pattern)
        if is_small_pattern(pattern)
        else _sweep_with_kept_engine(texts, pattern, "contains")
    )


@dataclass(frozen=True)
class Twin:
    """A pattern for both engines, and what takes the place of a match; what was met lately is remembered."""

    pattern: str
    python: re.Pattern[str]
    replace: Callable[[re.Match[str]], str]
    _known: dict[tuple[str, bool, int], str | None] = field(default_factory=dict)

    def replacement_at(self, text: str, at: int, size: int) -> str | None:
        """What takes the place of a match of this size at a place of a text; None where there is none.

        No more is looked at than the characters around: if what is found there has its size, nothing behind had a say.
        So the cost is bounded whatever the text.
        """
        key = text[max(at - 1, 0) : at + size + 1], at > 0, size
        if key not in self._known:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            match = self.python.match(text, at, at + size + 1)
            self._known[key] = self.replace(match) if match is not None and match.end() == at + size else None
        return self._known[key]


def sweep_replaced(texts: "pl.Series", twin: Twin) -> "pl.Series | None":
    """Texts with all matches replaced, one after the other; None where that is not worth it, or a match is too long.

    Examples
    --------
    >>> import polars as pl
    >>> twin = Twin("(pin )[0-9]+", re.compile("(pin )[0-9]+"), lambda match: match[1] + "*")
    >>> sweep_replaced(pl.Series(["pin 47, pin 11"]), twin).to_list()
    ['pin *, pin *']
    """
    import polars as pl

    found = _sweep_with_kept_engine(texts, twin.pattern, "extract_all").to_list()
    matches = [match for some in found for match in some]
    if len(matches) > _MATCHES * len(texts) or not all(0 < len(match) <= _LONGEST for match in matches):
        return None
    done = []
    for text, some in zip(texts.to_list(), found, strict=True):
        one = _text_replaced_in_sweep(text, some, twin)
        if one is None:
            return None
        done.append(one)
    return pl.Series(texts.name, done, dtype=pl.String)


def _sweep_with_kept_engine(texts: "pl.Series", pattern: str, question: str) -> "pl.Series":
    """Answers of the engine that was kept."""
    import polars as pl

    patterns = pl.Series([pattern]).new_from_index(0, len(texts))
    frame = pl.DataFrame([texts.alias("text"), patterns.alias("pattern")])
    return frame.select(getattr(pl.col("text").str, question)(pl.col("pattern"))).to_series()


def _text_replaced_in_sweep(text: str, matches: Sequence[str], twin: Twin) -> str | None:
    """One text with these matches, in order, replaced; None where the engines are not of one mind."""
    parts: list[str] = []
    end = 0
    for match in matches:
        at, size, put = text.find(match, end), len(match), None
        while at >= 0 and (put := twin.replacement_at(text, at, size)) is None:
            at = text.find(match, at + 1)
        if put is None:
            return None
        parts += [text[end:at], put]
        end = at + size
    return "".join([*parts, text[end:]])
