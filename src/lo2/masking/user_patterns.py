"""Patterns of a user (``--variable``, ``--redact``): parts and groups checked, since they may come from strangers."""

import re

from lo2.errors import UsageError
from lo2.masking.masks import PLACEHOLDER, Pass
from lo2.masking.sweeps import rust_pattern

LONGEST = 1_000
_GROUP = "(?P<value>"
_ADVICE = (
    f"write a regular expression of at most {LONGEST:,} characters without look-around and back-references, "
    f"with at most one group {_GROUP}...) that stands in no other group and next to no alternative"
)


def user_pattern_pass(pattern: str) -> Pass:
    """Pass for one pattern: its group ``value``, or else all it finds, becomes ``<*>``.

    Raises
    ------
    UsageError
        If it is too long, does not compile in both engines, fits empty text, or looks around or back.

    Examples
    --------
    >>> user_pattern_pass("customer (?P<value>[A-Z]+)").mask_text("customer ACME left")
    'customer <*> left'
    """
    if len(pattern) > LONGEST:
        raise UsageError(f"the pattern {pattern[:60]!r}... has {len(pattern):,} characters; {_ADVICE}")
    parts = _split_user_pattern(pattern)
    if parts is None:
        one = Pass(rust_pattern(pattern), PLACEHOLDER, None)
    else:
        before, value, after = parts
        one = Pass(
            rust_pattern(f"(?P<before>{before})(?:{value})(?P<after>{after})"),
            f"${{before}}{PLACEHOLDER}${{after}}",
            None,
        )
    import polars as pl

    try:
        whole = re.compile(pattern, re.ASCII)
        fits_nothing = whole.match("") is not None
        one.mask_text("")
    except (re.error, pl.exceptions.PolarsError, RecursionError, OverflowError) as error:
        raise UsageError(f"the pattern {pattern[:60]!r} is not understood; {_ADVICE}") from error
    if fits_nothing:
        raise UsageError(f"the pattern {pattern[:60]!r} fits an empty text; {_ADVICE}")
    return one


def _split_user_pattern(pattern: str) -> tuple[str, str, str] | None:
    """What stands before, in and after the group ``value``; None without one."""
    start = pattern.find(_GROUP)
    if start < 0:
        return None
    depths = _pattern_group_depths(pattern)
    inside = [i for i in range(start, len(pattern)) if depths[i] > depths[start]]
    end = next((i for i in range(start + 1, len(pattern)) if depths[i] <= depths[start]), None)
    alternative = any(character == "|" and depths[i] == 0 for i, character in enumerate(pattern))
    if depths[start] or end is None or alternative or not inside or pattern.count(_GROUP) > 1:
        raise UsageError(f"the pattern {pattern[:60]!r} is not understood; {_ADVICE}")
    return pattern[:start], pattern[start + len(_GROUP) : end], pattern[end + 1 :]


def _pattern_group_depths(pattern: str) -> list[int]:
    """In how many groups each character stands; what is escaped or in brackets counts as being in one more."""
    depths, depth, i, brackets = [], 0, 0, False
    while i < len(pattern):
        character = pattern[i]
        if character == "\\":
            depths += [depth + 1] * len(pattern[i : i + 2])
            i += 2
            continue
        if brackets:
            depths.append(depth + 1)
            brackets = character != "]" or pattern[i - 1] == "[" or pattern[i - 2 : i] == "[^"
        elif character == "[":
            depths.append(depth)
            brackets = True
        else:
            depth -= character == ")"
            depths.append(depth)
            depth += character == "("
        i += 1
    return depths
