"""The report of a data state: read its artefacts, render one page, record it."""

from pathlib import Path

from lo2.artefacts import provenance
from lo2.artefacts.layout import Home
from lo2.options import record
from lo2.pipeline.phase import phase
from lo2.report.html import render
from lo2.report.summary import summarise
from lo2.report.values import ReportOptions, ReportSummary


def report_run(home: Home, options: ReportOptions = ReportOptions()) -> tuple[Path, ReportSummary]:
    """Write ``report.html`` from what the phases before it wrote."""
    with phase(home, "report", record(options)) as p:
        for name, entry in provenance.load(home).artefacts.items():
            path = home.locate(name)
            if entry.phase in ("load", "detect", "explain") and not name.startswith("enhanced/") and path.is_file():
                p.sources[path] = None
        for name in ("sequences", "predictions"):
            if home.path(name).is_file():
                p.check(name)
        summary = summarise(home, options)
        path = p.write("report", render(summary))
    return path, summary
