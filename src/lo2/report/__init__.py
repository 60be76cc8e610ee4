"""One page per data state: artefacts to plain values (``summarise``), values to one HTML file (``render``).

``inputs`` reads, ``detectors``, ``sequences`` and ``verdict`` shape, ``charts`` draws, ``html`` assembles; the page
needs no network and no library. To add a section: its values in ``values``, their making beside the others, its part
of ``templates/report.html.j2``.
"""

from lo2.report.html import render
from lo2.report.summary import summarise
from lo2.report.values import ReportOptions, ReportSummary

__all__ = ["ReportOptions", "ReportSummary", "render", "summarise"]
