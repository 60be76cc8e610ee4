"""One page per data state: artefacts to plain values (``summarise``), values to one HTML file (``render``).

``inputs`` reads, ``detectors``, ``sequences`` and ``verdict`` shape, ``charts`` draws, ``html`` assembles; the page
needs no network and no library. To add a section: its values in ``values``, their making beside the others, its part
of ``templates/report.html.j2``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lo2.report.html import render
    from lo2.report.summary import summarise
    from lo2.report.values import ReportOptions, ReportSummary

__all__ = ["ReportOptions", "ReportSummary", "render", "summarise"]

_HOMES = {
    "ReportOptions": "lo2.report.values",
    "ReportSummary": "lo2.report.values",
    "render": "lo2.report.html",
    "summarise": "lo2.report.summary",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: the texts of a diff need no template engine."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lo2.report' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
