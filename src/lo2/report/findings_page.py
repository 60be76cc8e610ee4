"""The page of findings: in order, their context folded, one timeline, what was left out; no script at all."""

from typing import Any

from lo2.diff.comparison import Comparison
from lo2.diff.finding import KINDS, Finding
from lo2.report.findings_text import findings_headline, log_line_as_text
from lo2.report.findings_view import findings_timeline, numbered_lines, services_viewed, view_place
from lo2.report.html import html_page

MOST = 2_000
"""Findings of a page; files hold all."""
_ROW = 22
_RUNS = 200


def render_findings_page(found: Comparison) -> str:
    """HTML of the page."""
    shown = found.findings[:MOST]
    views = [view for view in services_viewed(found) if view.findings]
    marks, first, last = findings_timeline(shown, views)
    several = len(found.targets) > 1
    rows = [log_line_as_text(view_place(view.target, view.name, found)) for view in views]
    return html_page(
        "findings",
        command=found.command,
        nothing=log_line_as_text(found.nothing_found),
        title=log_line_as_text(", ".join(path for path, _ in found.targets))[:120],
        headline=findings_headline(found),
        findings=[_findings_page_entry(number, one, found) for number, one in enumerate(shown)],
        beyond=len(found.findings) - len(shown),
        kinds=[(kind, sum(one.kind == kind for one in shown)) for kind in KINDS],
        services=[
            (name, view, [n for n, one in enumerate(shown) if (one.target, one.service) == (view.target, view.name)])
            for name, view in zip(rows, views, strict=True)
        ],
        quiet=[
            log_line_as_text(view_place(view.target, view.name, found))
            for view in services_viewed(found)
            if not view.findings
        ],
        timeline={"marks": marks, "rows": rows, "first": first, "last": last,
                  "height": _ROW * len(rows) + 4, "row": _ROW},
        baselines=[(log_line_as_text(path), n) for path, n in found.baselines],
        targets=[(log_line_as_text(path), n) for path, n in found.targets],
        left_out=_findings_page_left_out(found),
        runs=[(log_line_as_text(one.path), one, log_line_as_text(one.first)) for one in found.runs[:_RUNS]],
        more_runs=len(found.runs) - _RUNS,
        shared=[(name, [log_line_as_text(found.targets[i][0]) for i in runs]) for name, runs in found.shared]
        if several
        else [],
    )  # fmt: skip


def _findings_page_entry(number: int, one: Finding, found: Comparison) -> dict[str, Any]:
    before, own, after = ([(n, log_line_as_text(text)) for n, text in part] for part in numbered_lines(one))
    gone = one.template_text.split("\n") if one.line is None and one.template_text else []
    place = log_line_as_text(view_place(one.target, one.finding_place, found))
    return {"number": number, "one": one, "reason": log_line_as_text(one.reason), "place": place,
            "own": own, "before": before, "after": after, "gone": [*map(log_line_as_text, gone)]}  # fmt: skip


def _findings_page_left_out(found: Comparison) -> list[tuple[str, str]]:
    lines = sum(n for _, n in found.targets)
    rows = [(f"lines that {found.against} explain", f"{lines - found.lines_shown:,} of {lines:,}")] if lines else []
    rows += [("findings accepted before (ignore file)", f"{found.ignored:,}")] if found.ignored else []
    rows += [(f"files: {reason}", f"{count:,}") for reason, count in found.left_out]
    rows += [("unreadable", f"{name}: {why}") for name, why in found.bad_files]
    rows += [("no partner", text) for text in found.unpaired]
    rows += [("accepted, but no longer there", text) for text in found.unmatched]
    return [
        (log_line_as_text(what), log_line_as_text(value))
        for what, value in (*rows, *(("note", text) for text in found.notes))
    ]
