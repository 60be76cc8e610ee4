"""Level words, letters and numbers: one table, from what programs print to the name that ``level`` shows.

A row is a name, what it counts as, and every other way of writing it. Adding a way of writing is adding it to its row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True)
class Level:
    """One level: ``counts`` is ``error``, ``warn`` or nothing; words, single letters and numbers that mean it."""

    counts: str = ""
    words: tuple[str, ...] = ()
    letters: str = ""
    numbers: tuple[int, ...] = ()


LEVELS: Mapping[str, Level] = {
    "TRACE": Level(
        words=("FINEST", "FINER", "VERBOSE", "VRB", "TRC", "TRCE", "TRAC", "SILLY"), letters="VT", numbers=(10,)
    ),
    "DEBUG": Level(words=("DBG", "FINE", "DBUG", "DEBG", "DEBU"), letters="D", numbers=(7, 20)),
    "INFO": Level(
        words=("INF", "INFORMATION", "INFORMATIONAL", "LOG", "CONFIG", "NOTE", "INFOS"), letters="I", numbers=(6, 30)
    ),
    "NOTICE": Level(words=("NTC",), letters="N", numbers=(5,)),
    "WARN": Level("warn", ("WARNING", "WRN", "WARNG", "WARNUNG", "AVERTISSEMENT"), "W", (4, 40)),
    "ERROR": Level(
        "error", ("ERR", "SEVERE", "FAIL", "EROR", "ERRO", "FEHLER", "ERREUR", "SCHWERWIEGEND", "GRAVE"), "E", (3, 50)
    ),
    "FAILURE": Level("error"),
    "CRITICAL": Level("error", ("CRIT", "CRT"), "C", (2,)),
    "FATAL": Level("error", ("FTL", "FATA", "PANIC", "PANI", "DPANIC"), "F", (60,)),
    "ALERT": Level("error", numbers=(1,)),
    "EMERGENCY": Level("error", ("EMERG",), numbers=(0,)),
}
"""Numbers from 10 are those of pino and bunyan, below 8 those of syslog."""

WORDS: Mapping[str, str] = {word: name for name, row in LEVELS.items() for word in (name, *row.words)}
LETTERS: Mapping[str, str] = {letter: name for name, row in LEVELS.items() for letter in row.letters}
NUMBERS: Mapping[int, str] = {number: name for name, row in LEVELS.items() for number in row.numbers}
LOGBACK = "|".join(("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"))
"""Pattern of those that logback and log4j print."""
_SPELT = sorted({way for word in WORDS for way in (word, word.capitalize(), word.lower())})


def _level_pattern(words: Iterable[str]) -> str:
    """Pattern of any of these words: by the first letter, since a hundred tries at each line take long."""
    groups = {first: "|".join(word[1:] for word in some) for first, some in groupby(words, lambda word: word[0])}
    return f"(?=[{''.join(groups)}])(?:{'|'.join(f'{first}(?:{rest})' for first, rest in groups.items())})"


WORD = rf"(?P<level>{_level_pattern(_SPELT)})(?![\w])"
NAME = "(?i:ERROR|WARNING|INFO|WARN|DEBUG|NOTICE|FATAL)"
"""Pattern of those that no program is called."""
LETTER = rf"(?P<level>[{''.join(sorted(LETTERS))}])(?![\w])"


def level_counts_as(level: str) -> str:
    """What events of a level are counted as: ``error``, ``warn`` or nothing.

    Examples
    --------
    >>> level_counts_as("FATAL"), level_counts_as("WARN"), level_counts_as("INFO"), level_counts_as("")
    ('error', 'warn', '', '')
    """
    return LEVELS[level].counts if level in LEVELS else ""


def level_of(written: object) -> str:
    """Name of a level as it was written, or nothing where it is none.

    Examples
    --------
    >>> level_of("warning"), level_of("E"), level_of(50), level_of("user")
    ('WARN', 'ERROR', 'ERROR', '')
    """
    if isinstance(written, bool):
        return ""
    if isinstance(written, int | float):
        return next((name for number, name in NUMBERS.items() if number == written), "")
    text = str(written).strip().upper()
    number = int(text) if text.isdecimal() and len(text) < 4 else -1
    return WORDS.get(text) or LETTERS.get(text) or NUMBERS.get(number, "")
