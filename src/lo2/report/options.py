"""How much a page or a terminal shows; the flags derive from these fields."""

from dataclasses import dataclass

from lo2.options import Ranged, option


@dataclass(frozen=True)
class ReportOptions(Ranged):
    """How much one page holds; the page states what it leaves out."""

    report_rows: int = option(2000, "Sequences in the report, the most suspicious first", least=1)
    report_mistakes: int = option(500, "False positives and misses added to them, of each kind", more=True, least=0)
    report_details: int = option(
        60, "Sequences with a detail view in full; every other flagged one has a short one", more=True, least=0
    )
    report_tokens: int = option(6, "Tokens, lines and differences per detail view", more=True, least=1)


@dataclass(frozen=True)
class AmountOptions:
    """How many findings a terminal shows."""

    every: bool = option(False, "All findings at a terminal, also more than 50", flag="--all")


@dataclass(frozen=True)
class BestOptions(AmountOptions, Ranged):
    """The same where lines can be counted."""

    top: int | None = option(None, "Findings, best first, until N lines", least=1)
