"""Formats that the user gives: ``--log-format [SERVICE=]NAME|PATTERN``, and ``--time-format`` for its times."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.errors import UsageError
from lo2.levels import level_of
from lo2.loading.formats.header import Fields
from lo2.loading.formats.headers import HEADERS
from lo2.loading.formats.plain import PLAIN
from lo2.loading.times.stamp_values import read_stamped_texts
from lo2.loading.times.stamps import NO_TIME

LONGEST = 1_000
GROUPS = ("time", "level", "logger", "thread", "pid", "host", "message")
NAMES = (*HEADERS, *PLAIN, "json", "logfmt")
_SERVICE = re.compile(r"(?P<service>[\w.-]+)=(?P<rest>.+)", re.DOTALL)


@dataclass(frozen=True)
class Given:
    """A format by the name of its row, or by a pattern of its own; else those that are ``expected`` are tried first."""

    name: str = ""
    pattern: str = ""
    time_format: str = ""
    expected: tuple[str, ...] = ()

    @cached_property
    def given_expression(self) -> re.Pattern[bytes]:
        """The pattern for bytes."""
        return re.compile(self.pattern.encode(), re.DOTALL)

    def cut_as_given(self, lines: Sequence[bytes]) -> tuple[list[Fields | None], NDArray[np.int64]]:
        """Fields of each line (None where the pattern does not fit) and their times."""
        found = [self.given_expression.match(line) for line in lines]
        groups = [match.groupdict() if match else {} for match in found]
        times = self._given_format_times([group.get("time") or b"" for group in groups])
        return [
            _fields_of_given_format(match, line) if match else None for match, line in zip(found, lines, strict=True)
        ], times

    def _given_format_times(self, texts: list[bytes]) -> NDArray[np.int64]:
        if not self.time_format:
            return read_stamped_texts(texts)
        try:
            words = pl.Series([text.decode("utf-8", "replace") for text in texts], dtype=pl.String)
            read = words.str.to_datetime(self.time_format, strict=False, time_unit="ms", time_zone="UTC")
        except pl.exceptions.PolarsError:
            read = words.str.to_datetime(self.time_format, strict=False, time_unit="ms")
        return read.cast(pl.Int64).fill_null(NO_TIME).to_numpy()


def _fields_of_given_format(match: re.Match[bytes], line: bytes) -> Fields:
    groups = {name: value or b"" for name, value in match.groupdict().items()}
    level = level_of(groups.get("level", b"").decode("ascii", "replace"))
    text = groups["message"] if "message" in groups else line[match.end() :]
    return Fields(level, groups.get("logger", b""), groups.get("thread", b""), text)


def given_format(
    service: str, formats: Sequence[str], time_format: str = "", expected: Sequence[str] = ()
) -> Given | None:
    """What was given for a service: its own, else the one for all, else what is ``expected``, else nothing.

    Raises
    ------
    UsageError
        If a text is neither the name of a format nor a pattern with a group of ``GROUPS``.

    Examples
    --------
    >>> given_format("web", ["web=access", "json"]).name, given_format("pay", ["web=access", "json"]).name
    ('access', 'json')
    >>> given_format("web", [], expected=["web=access (clf)", "pay=level (iso)"]).expected
    ('access (clf)',)
    """
    found = None
    for text in formats:
        whose, given = _parse_given_format(text, time_format)
        if whose == service:
            return given
        found = given if not whose and found is None else found
    named = tuple(text.removeprefix(f"{service}=") for text in expected if text.startswith(f"{service}="))
    return found or (Given(expected=named) if named else None)


def _parse_given_format(text: str, time_format: str) -> tuple[str, Given]:
    service, rest = "", text
    match = _SERVICE.fullmatch(text)
    if text not in NAMES and match is not None and "(?P<" not in match["service"]:
        service, rest = match["service"], match["rest"]
    if rest in NAMES:
        return service, Given(name=rest)
    advice = (
        f"Give one of {', '.join(NAMES)}; or a regular expression of at most {LONGEST:,} characters, without "
        f"look-around, with groups such as (?P<time>...) of {', '.join(GROUPS)}"
    )
    try:
        names = re.compile(rest).groupindex
        pl.Series([""]).str.contains(rest)  # the engine that knows linear patterns only
    except (re.error, pl.exceptions.PolarsError, RecursionError, OverflowError) as error:
        raise UsageError(f"--log-format {text!r} is no pattern that is understood ({error}). {advice}") from error
    if len(rest) > LONGEST or not set(names) or not set(names) <= set(GROUPS):
        raise UsageError(f"--log-format {text!r} is neither the name of a format nor such a pattern. {advice}")
    return service, Given(pattern=rest, time_format=time_format)
