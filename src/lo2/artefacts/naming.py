"""Names of kept runs, parsed and made: ``<date>_<feature_set>_<contamination>``, a second one with ``.2``."""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal

_NAME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)_(?P<features>[a-z0-9][a-z0-9_]*(?:\+[a-z0-9][a-z0-9_]*)*)"
    r"_(?P<contamination>auto|0\.\d{2,}|1\.00)(?:\.(?P<repeat>[2-9]|[1-9]\d+))?"
)


@dataclass(frozen=True, order=True)
class RunName:
    """Parts of a run's name; ``str()`` prints it (no contamination as ``auto``), ``parse`` reads it.

    Examples
    --------
    >>> str(RunName(dt.date(2025, 11, 3), "words", 0.1))
    '2025-11-03_words_0.10'
    >>> RunName.parse_run_name("2025-11-03_words+numeric_0.125.2").repeat
    2
    """

    date: dt.date
    feature_set: str
    contamination: float | None = None
    repeat: int = 1

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(str(self)):
            raise ValueError(
                f"{self!s} is no run name: expected <date>_<feature_set>_<contamination>, lower-case feature sets "
                "joined by +, a contamination from 0 to 1 and a repeat from 1 on"
            )

    def __str__(self) -> str:
        name = f"{self.date.isoformat()}_{self.feature_set}_{_contamination_in_run_name(self.contamination)}"
        return name if self.repeat == 1 else f"{name}.{self.repeat}"

    @classmethod
    def parse_run_name(cls, text: str) -> "RunName":
        """Read a printed name; a leading ``run_`` is ignored.

        Raises
        ------
        ValueError
            If ``text`` has another shape.
        """
        found = _NAME.fullmatch(text.removeprefix("run_"))
        if not found:
            raise ValueError(f"{text!r} is no run name: expected e.g. 2025-11-03_words_0.10")
        share = None if found["contamination"] == "auto" else float(found["contamination"])
        repeat = int(found["repeat"] or 1)
        return cls(dt.date.fromisoformat(found["date"]), found["features"], share, repeat)


def _contamination_in_run_name(value: float | None) -> str:
    """Two decimals, more only where the value has them."""
    if value is None:
        return "auto"
    digits = format(Decimal(repr(float(value))), "f")
    whole, _, fraction = digits.partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
