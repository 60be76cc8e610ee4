"""``report``: one page of a data state rendered from its artefacts, and recorded; outdated sources named."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lo2.artefacts import provenance
from lo2.artefacts.advice import scan_advice, unpack_advice
from lo2.artefacts.files import sha256, write_text
from lo2.artefacts.json_yaml import parse_json, read_bounded_text
from lo2.artefacts.layout import Home
from lo2.artefacts.outside import outside_sequences_path
from lo2.artefacts.provenance import Entry
from lo2.artefacts.scan import scan_artefacts, scan_unpacked_members
from lo2.document import document_restored, document_values
from lo2.errors import CheckFailedError, InputError, InputNotFoundError
from lo2.options import record_options
from lo2.pipeline.phase import Phase, phase
from lo2.pipeline.recorded import Recorded
from lo2.report.html import render_html
from lo2.report.options import ReportOptions
from lo2.report.sources import Sources
from lo2.report.summary import summarise
from lo2.report.values import ReportSummary


def report_run(home: Home, options: ReportOptions = ReportOptions()) -> tuple[Path, ReportSummary]:
    """Write ``report.json`` and ``report.html`` from what the phases before it wrote.

    Where an archive was unpacked, the page is its own, or made from its ``report.json``.
    """
    shared = scan_unpacked_members(home, provenance.load_provenance(home))
    if shared:
        return _unpacked_page(home, shared)
    with phase(home, "report", record_options(options)) as p:
        for name, entry in provenance.load_provenance(p.home).artefacts.items():
            path = p.home.locate_artefact(name)
            if entry.phase in ("load", "detect", "explain") and not name.startswith("enhanced/") and path.is_file():
                p.sources[path] = None
        sources = Sources.from_home(p.home)
        for path in (
            outside_sequences_path(p.home),
            *(p.path(name) for name in ("predictions", "evaluation", "explanation", "findings")),
        ):
            if path.is_file():
                p.check(path)
        summary = summarise(sources, options)
        summary = replace(summary, notes=(*summary.notes, *(("data", text) for text in _outdated_report_sources(p))))
        p.write("report_json", document_values(summary))
        path = p.write("report", render_html(summary))
    return path, summary


def _unpacked_page(home: Home, shared: Mapping[str, Entry]) -> tuple[Path, ReportSummary]:
    """The page of an archive, made from its values where it is not the one that was packed, and these."""
    source, path = home.path("report_json"), home.path("report")
    if not source.is_file():
        raise InputNotFoundError(f"{source} is missing, so there is no page to show. {unpack_advice(home)}")
    if shared.get(source.name) is None or sha256(source) != shared[source.name].sha256:
        raise CheckFailedError(f"{source} is not what the ZIP held. {unpack_advice(home)}")
    packed = shared.get(path.name)
    try:
        summary = document_restored(ReportSummary, parse_json(read_bounded_text(source)))
        if packed is None or not path.is_file() or sha256(path) != packed.sha256:
            write_text(path, render_html(summary))
    except (ValueError, TypeError, LookupError) as error:
        raise InputError(f"{source} is no report that this version reads ({error}). Ask for one packed anew") from error
    return path, summary


def report_again(recorded: Recorded) -> dict[str, Any]:
    """Arguments of the recorded call."""
    return {"options": recorded.options(ReportOptions)}


def _outdated_report_sources(p: Phase) -> Iterator[str]:
    """What of the page's sources does not belong together; copies kept for comparison are none of them."""
    old = [
        found
        for found in scan_artefacts(p.home)
        if found.state in ("stale", "changed")
        and p.home.locate_artefact(found.path) in p.sources
        and not found.path.startswith("metrics/run_")
    ]
    if old:
        more = f" and {len(old) - 1} more" if old[1:] else ""
        yield f"out of date: {old[0].path}{more} ({old[0].note}). {scan_advice(old)}"
