"""The report of a data state: read its artefacts, render one page, record it."""

from pathlib import Path

from lo2.artefacts import provenance
from lo2.artefacts.layout import Home
from lo2.artefacts.places import sequences_path
from lo2.document import plain
from lo2.options import record
from lo2.pipeline.phase import phase
from lo2.report.html import render
from lo2.report.sources import Sources
from lo2.report.summary import summarise
from lo2.report.values import ReportOptions, ReportSummary


def report_run(home: Home, options: ReportOptions = ReportOptions()) -> tuple[Path, ReportSummary]:
    """Write ``report.json`` and ``report.html`` from what the phases before it wrote."""
    with phase(home, "report", record(options)) as p:
        for name, entry in provenance.load(home).artefacts.items():
            path = home.locate(name)
            if entry.phase in ("load", "detect", "explain") and not name.startswith("enhanced/") and path.is_file():
                p.sources[path] = None
        for path in (
            sequences_path(home),
            *(home.path(name) for name in ("predictions", "evaluation", "explanation", "findings")),
        ):
            if path.is_file():
                p.check(path)
        summary = summarise(Sources.of(home), options)
        p.write("report_json", plain(summary))
        path = p.write("report", render(summary))
    return path, summary
