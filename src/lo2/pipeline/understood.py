"""What was understood of each service's logs (format, times, levels, events), in a sentence, and doubts about it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lo2.wording import counted_noun

_SURE = 0.9
_FEW = 200


@dataclass
class Understood:
    """Sums over the logs of one service."""

    formats: Counter[str] = field(default_factory=Counter)
    events: int = 0
    timed: int = 0
    levels: int = 0
    continued: int = 0
    sure: float = 0.0
    dates: Counter[str] = field(default_factory=Counter)
    templates: set[str] = field(default_factory=set)
    zones: Counter[str] = field(default_factory=Counter)

    def add_log(self, one: Mapping[str, Any]) -> None:
        """Add what was understood of one log."""
        self.formats[one["format"]] += one["events"]
        self.dates[one["dates"]] += bool(one["dates"])
        self.zones.update(one.get("zones", {}))
        self.sure += one["share"] * one["events"]
        for name in ("events", "timed", "levels", "continued"):
            setattr(self, name, getattr(self, name) + one[name])

    def row(self, service: str) -> dict[str, Any]:
        """Plain values of what was understood, shares from 0 to 1."""
        events = max(1, self.events)
        return {
            "service": service,
            "formats": dict(sorted(self.formats.items(), key=lambda item: (-item[1], item[0]))),
            "events": self.events,
            "times": self.timed / events,
            "levels": self.levels / events,
            "continued": self.continued,
            "templates": len(self.templates),
            "sure": self.sure / events,
            "dates": sorted(self.dates.elements()) and sorted(self.dates),
            "zones": dict(sorted(self.zones.items())),
        }


def add_understood(files: Iterable[Mapping[str, Any]], by_service: dict[str, Understood]) -> None:
    """Add the logs of one part."""
    for one in files:
        for known in one.get("understood", ()):
            by_service.setdefault(known["service"], Understood()).add_log(known)


def understood_sentence(row: Mapping[str, Any]) -> str:
    """One line for people.

    Examples
    --------
    >>> row = Understood(Counter({"access (clf)": 2000}), 2000, 2000, templates={"a"}).row("web")
    >>> understood_sentence(row)
    'web  access (clf)  times 100 %  no level  2,000 events  0 continued  1 template'
    """
    first, *more = row["formats"] or ["empty"]
    name = f"{first} (+{len(more)} more)" if more else first
    levels = f"levels {row['levels']:.0%}".replace("%", " %") if row["levels"] else "no level"
    times = f"times {row['times']:.0%}".replace("%", " %") if row["times"] else "no time"
    dated = f"  date from {' and '.join(d for d in row['dates'] if d)}" if any(row["dates"]) else ""
    counts = f"{row['events']:,} events  {row['continued']:,} continued  {counted_noun(row['templates'], 'template')}"
    return f"{row['service']}  {name}  {times}  {levels}  {counts}{dated}"


def understood_doubts(row: Mapping[str, Any]) -> list[str]:
    """What may have been read wrong, each with the option that corrects it."""
    service = row["service"]
    said: list[str] = []
    if not row["events"]:
        return said
    if not row["times"]:
        said.append(f"{service}: no time was understood. Name the format: --log-format {service}=PATTERN")
    for zone, n in row.get("zones", {}).items():
        said.append(f"{service}: the zone {zone} of {n:,} times is not known: they are read as UTC")
    if row["events"] >= _FEW and row["templates"] * 2 > row["events"]:
        said.append(
            f"{service}: {row['templates']:,} templates in {row['events']:,} events: values are left in the text. "
            "Name them: --variable PATTERN"
        )
    if row["times"] and row["sure"] < _SURE:
        said.append(f"{service}: {row['sure']:.0%} of the lines fit a known format. Look at lo2 load ROOT --dry-run")
    return said
