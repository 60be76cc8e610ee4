"""One header of log lines: how a row of the table reads fields, level and words of a line without its stamp."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from lo2.levels import LETTERS, NAME, WORD, WORDS, level_of
from lo2.masking.digits import any_digit

Example = tuple[str, str, str, str]

# Pieces that the expressions of many rows share.
DOTTED = r"(?P<logger>[A-Za-z_$][\w$-]*(?:(?:\.|::|/|\$)[\w$<>-]+)+)"
SQUARE = r"\[(?P<thread>(?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]"
TAG = rf"(?!{NAME}:)(?P<logger>[A-Za-z_][\w./()@+-]{{0,60}}?(?: \d[\d.]+)?)(?:\[\d+\])?:(?= |$)"
LABEL = r"(?P<before>[A-Za-z][\w-]*(?: [\w-]+){%d}:) *\x1e+[ \t]*$"
CLOSE = r"[\])>\"']?[ \t]*"
# A level that the program itself says behind what the collector wrote: a word in capitals, before a colon, in brackets, as a pair.
OWN_LEVEL = (
    r"(?:(?=[A-Z]{3,}[ \t]|[A-Za-z]+:[ \t]|[\[(<][A-Za-z]+[\])>]|(?:time|ts|level|lvl)=)"
    rf"(?:(?:(?:time|ts)=(?:\"[^\"\n]*\"|\S+) )?(?:level|lvl)=|[\[(<])?{WORD}[\])>]?:?[ \t]+(?:- )?)?"
)


@dataclass(frozen=True)
class Header:
    """One format: where its stamp stands, what else its header holds, how it reads.

    ``stamps`` restricts which stamps may stand there; ``signs`` are levels that are written as a sign; ``tags`` are
    level words that continue the event before; ``keeps`` says that what stands before the stamp belongs to the message.
    """

    pattern: str
    examples: tuple[Example, ...]
    place: str = "start"
    stamps: tuple[str, ...] = ()
    signs: Mapping[str, str] | None = None
    tags: tuple[str, ...] = ()
    keeps: bool = False
    least: float = 0.6

    @cached_property
    def header_expression(self) -> re.Pattern[bytes]:
        """The pattern for bytes."""
        return re.compile(self.pattern.encode(), re.DOTALL)

    def read_fields(self, body: bytes) -> "Fields | None":
        """Fields of what is left of a line without its stamp, or None where the row does not fit."""
        match = self.header_expression.match(body)
        if match is None:
            return None
        level_at, logger_at, thread_at, more = self._header_group_numbers
        written = (match[level_at] or b"") if level_at else b""
        level = (self.signs and self.signs.get(written.decode("ascii", "replace"))) or _header_level(written)
        logger = (match[logger_at] or b"").strip() if logger_at else b""
        thread = (match[thread_at] or b"") if thread_at else b""
        text = body[match.end() :]
        return (
            Fields(level, logger, thread, text)
            if not more
            else self._header_match_fields(match, level, logger, thread, text)
        )

    @cached_property
    def _header_group_numbers(self) -> tuple[int, int, int, bool]:
        """Numbers of the groups, 0 where there is none, and whether a row says more than these."""
        named = self.header_expression.groupindex
        level, logger, thread = (named.get(name, 0) for name in ("level", "logger", "thread"))
        return level, logger, thread, self.keeps or "priority" in named or "text" in named

    def fits_lines(self, lines: Sequence[bytes]) -> bool:
        """Whether it fits its least share of these lines; no more of them are tried than that needs."""
        match, least, n = self.header_expression.match, self.least, max(1, len(lines))
        hits = misses = 0
        for line in lines:
            if match(line) is None:
                misses += 1
                if (n - misses) / n < least:
                    return False
            else:
                hits += 1
                if hits / n >= least:
                    return True
        return hits / n >= least

    @cached_property
    def blind(self) -> bool:
        """Whether what it reads of a line is the same, but for digits, whichever digits the line has."""
        told = "priority" in self.header_expression.groupindex or re.search(
            r"\(\?P<level>[^)]*(?:\\d|[0-9])", self.pattern
        )
        return not told and any_digit(self.pattern) == self.pattern

    def _header_match_fields(
        self, match: re.Match[bytes], level: str, logger: bytes, thread: bytes, text: bytes
    ) -> "Fields":
        groups = match.groupdict()
        if groups.get("priority"):
            level = level_of(int(groups["priority"]) % 8)
        inside = groups.get("text")
        text = text if inside is None else inside
        return Fields(level, logger, thread, (groups.get("before") or b"") + text if self.keeps else text)


_NAME = re.compile(r"\(\?P<\w+>")


def joined_header(rows: Iterable[Header]) -> Header:
    """A row that matches wherever one of these does, and fits wherever one of them does.

    Examples
    --------
    >>> joined_header([Header("a", ()), Header("(?P<level>b)", ())]).pattern
    '(?:a)|(?:(?:b))'
    """
    rows = list(rows)
    patterns = [f"(?:{_NAME.sub('(?:', row.pattern)})" for row in rows]
    return Header("|".join(patterns), (), least=min(row.least for row in rows))


@lru_cache(1 << 10)
def _header_level(written: bytes) -> str:
    return level_of(written.decode("ascii", "replace"))


class Fields(NamedTuple):
    """What a header says, and the message behind it."""

    level: str
    logger: bytes
    thread: bytes
    text: bytes


_WORD_OR_CELL = re.compile(rb"[\s,;|]+")


def words_before_header(body: bytes) -> tuple[str, bytes]:
    """Level, and words without digits, before the stamp of a line: they tell who wrote it where no row says so.

    Examples
    --------
    >>> words_before_header(b"WARN 4711 node-7 unix.hw state_change " + bytes([30]) + b" 1 up")
    ('WARN', b'unix.hw state_change')
    >>> words_before_header(b'"7","WARN","shop","' + bytes([30]) + b'","slow"')
    ('WARN', b'shop')
    """
    level, kept = "", []
    for word in _WORD_OR_CELL.split(body.partition(b"\x1e")[0].strip(b"[(<\"',;| ")):
        bare = word.strip(b"[]():<>\"'")
        written = bare.decode("ascii", "replace")
        found = WORDS.get(written.upper(), "") or LETTERS.get(written, "")
        if found and not level:
            level = found
        elif not re.search(rb"[0-9]|^\[", word):
            kept.append(bare)
    return level, b" ".join(kept)
