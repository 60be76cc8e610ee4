"""A header of log lines: how one row of the table reads what is left of a line when its stamp is taken out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from lo2.loading.levels import LETTERS, WORDS, level_of

Example = tuple[str, str, str, str]

# Pieces that the expressions of many rows share.
DOTTED = r"(?P<logger>[A-Za-z_$][\w$-]*(?:(?:\.|::|/|\$)[\w$<>-]+)+)"
SQUARE = r"\[(?P<thread>(?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]"
TAG = r"(?!(?i:error|warning|info|warn|debug|notice|fatal):)(?P<logger>[A-Za-z_][\w./()@+-]{0,60}?(?: \d[\d.]+)?)(?:\[\d+\])?:(?= |$)"
CLOSE = r"[\])>\"']?[ \t]*"


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
    def expression(self) -> re.Pattern[bytes]:
        """The pattern for bytes."""
        return re.compile(self.pattern.encode(), re.DOTALL)

    def read(self, body: bytes) -> "Fields | None":
        """Fields of what is left of a line without its stamp, or None where the row does not fit."""
        match = self.expression.match(body)
        if match is None:
            return None
        groups = match.groupdict()
        written = (groups.get("level") or b"").decode("ascii", "replace")
        level = (self.signs or {}).get(written) or level_of(written)
        if groups.get("priority"):
            level = level_of(int(groups["priority"]) % 8)
        text = groups.get("text")
        text = body[match.end() :] if text is None else text
        if self.keeps:
            text = (groups.get("before") or b"") + text
        return Fields(level, (groups.get("logger") or b"").strip(), groups.get("thread") or b"", text)


@dataclass(frozen=True, slots=True)
class Fields:
    """What a header says, and the message behind it."""

    level: str
    logger: bytes
    thread: bytes
    text: bytes


def placed(body: bytes) -> tuple[str, bytes]:
    """Level, and words without digits, before the stamp of a line: they tell who wrote it where no row says so.

    Examples
    --------
    >>> placed(b"WARN 4711 node-7 unix.hw state_change " + bytes([30]) + b" 1 up")
    ('WARN', b'unix.hw state_change')
    """
    level, kept = "", []
    for word in body.partition(b"\x1e")[0].strip(b"[(<\"' ").split():
        bare = word.strip(b"[]():<>\"'")
        written = bare.decode("ascii", "replace")
        found = WORDS.get(written.upper(), "") or LETTERS.get(written, "")
        if found and not level:
            level = found
        elif not re.search(rb"[0-9]|^\[", word):
            kept.append(bare)
    return level, b" ".join(kept)
