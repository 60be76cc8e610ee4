"""The report of a data state: read its artefacts, render one page, record it."""

from pathlib import Path

from lo2.artefacts import provenance
from lo2.artefacts.files import write_document, write_text
from lo2.artefacts.layout import Home
from lo2.artefacts.lock import lock
from lo2.document import plain
from lo2.options import record
from lo2.report.html import render
from lo2.report.sources import Sources
from lo2.report.summary import summarise
from lo2.report.values import ReportOptions, ReportSummary


def report_run(home: Home, options: ReportOptions = ReportOptions()) -> tuple[Path, ReportSummary]:
    """Write ``report.html`` from what the phases before it wrote."""
    with lock(home):
        for name in ("sequences", "predictions", "evaluation", "explanation"):
            if home.path(name).is_file():
                provenance.check_read(home, home.path(name))
        summary = summarise(Sources.of(home), options)
        path, values = home.path("report"), home.path("report_json")
        write_document(values, plain(summary))
        write_text(path, render(summary))
        recorded = provenance.load(home).artefacts
        sources = [
            home.locate(name)
            for name, entry in recorded.items()
            if entry.phase in ("load", "detect", "explain") and not name.startswith("enhanced/")
        ]
        provenance.record(
            home,
            phase="report",
            options=record(options),
            seed=None,
            input_fingerprint=None,
            written=[path, values],
            made_from={one: [source for source in sources if source.is_file()] for one in (path, values)},
        )
    return path, summary
