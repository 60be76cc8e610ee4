"""What was understood of each service's logs, printed on the screen, or as a preview of a load."""

from collections.abc import Mapping
from typing import Any

from lo2.cli.screen import Verbosity, note, say
from lo2.pipeline.understood import understood_doubts, understood_sentence

_SHOWN = 12


def print_understood(rows: list[dict[str, Any]], verbosity: Verbosity) -> None:
    """One line per service on stderr, the largest first, and what to look at twice."""
    rows = _order_understood(rows)
    shown = rows if verbosity.verbose else rows[:_SHOWN]
    for row in shown:
        note(understood_sentence(row), verbosity)
    if len(rows) > len(shown):
        note(f"and {len(rows) - len(shown)} more services (-v shows all)", verbosity)
    doubtful = [text for row in rows for text in understood_doubts(row)]
    for text in doubtful[:_SHOWN]:
        note(f"look twice: {text}")
    if len(doubtful) > _SHOWN:
        note(f"look twice: at {len(doubtful) - _SHOWN} more (`understood` in lo2_quality.json)")


def preview_understood(rows: list[dict[str, Any]], examples: Mapping[str, list[str]]) -> None:
    """What a sample of the logs was understood as, on stdout, with masked examples below each service."""
    for row in _order_understood(rows):
        say(understood_sentence(row))
        for text in examples.get(row["service"], []):
            say(f"    {text[:160]}")
        for text in understood_doubts(row):
            say(f"  look twice: {text}")


def _order_understood(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (-row["events"], row["service"]))
