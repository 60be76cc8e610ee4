"""Which good sides are kept and which findings accepted; the flags derive from these fields."""

from dataclasses import dataclass
from pathlib import Path

from lo2.options import option


@dataclass(frozen=True)
class BaselineOptions:
    """Good sides that are named, and where they are kept."""

    baseline: tuple[str, ...] = option((), "A good one; repeatable", whole=True)
    save_baseline: Path | None = option(None, "Keep what the good logs hold in this file", more=True)


@dataclass(frozen=True)
class AcceptOptions:
    """Findings to accept from now on."""

    add_ignore: tuple[str, ...] = option((), "Accept findings by id: add them to --ignore-file")
    reason: str = option("", "Why they are accepted", more=True)
