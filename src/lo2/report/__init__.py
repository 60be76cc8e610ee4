"""One page per data state: sources to plain values (``summarise``), values to one HTML file (``render``).

``sources`` reads or takes what the phases left, ``explorer``, ``reasons`` and ``summary`` shape it, ``charts`` draws,
``html`` assembles; the page needs no network and no library. The values are also ``report.json``, and what the closing
screen shows. To add a section: its values in ``values``, their making in ``summary``, its part of
``templates/report.html.j2``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lo2.report.html import render
    from lo2.report.sources import Sources
    from lo2.report.summary import summarise
    from lo2.report.values import ReportOptions, ReportSummary

__all__ = ["ReportOptions", "ReportSummary", "Sources", "render", "summarise"]

_HOMES = {
    "ReportOptions": "lo2.report.values",
    "ReportSummary": "lo2.report.values",
    "Sources": "lo2.report.sources",
    "render": "lo2.report.html",
    "summarise": "lo2.report.summary",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: the texts of a diff need no template engine."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lo2.report' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
