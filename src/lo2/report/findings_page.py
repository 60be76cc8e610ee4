"""The page of findings: in order, their context folded, one timeline, what was left out; no script at all."""

from typing import Any

from lo2.diff.comparison import Comparison
from lo2.diff.finding import KINDS, Finding
from lo2.report.findings_text import headline, plain
from lo2.report.findings_view import services, timeline
from lo2.report.html import page

MOST = 2_000
"""Findings of a page; files hold all."""
_ROW = 22
_RUNS = 200


def render_findings(found: Comparison) -> str:
    """HTML of the page."""
    shown = found.findings[:MOST]
    views = [view for view in services(found) if view.findings]
    marks, first, last = timeline(shown, views)
    several = len(found.targets) > 1
    rows = [_findings_page_place(view.target, view.name, found) for view in views]
    return page(
        "findings",
        command=found.command,
        nothing=plain(found.nothing),
        title=plain(", ".join(path for path, _ in found.targets))[:120],
        headline=headline(found),
        findings=[_findings_page_entry(number, one, found) for number, one in enumerate(shown)],
        beyond=len(found.findings) - len(shown),
        kinds=[(kind, sum(one.kind == kind for one in shown)) for kind in KINDS],
        services=[
            (name, view, [n for n, one in enumerate(shown) if (one.target, one.service) == (view.target, view.name)])
            for name, view in zip(rows, views, strict=True)
        ],
        quiet=[_findings_page_place(view.target, view.name, found) for view in services(found) if not view.findings],
        timeline={
            "marks": marks,
            "rows": rows,
            "first": first,
            "last": last,
            "height": _ROW * len(rows) + 4,
            "row": _ROW,
        },
        baselines=[(plain(path), n) for path, n in found.baselines],
        targets=[(plain(path), n) for path, n in found.targets],
        left_out=_findings_page_left_out(found),
        runs=[(plain(one.path), one, plain(one.first)) for one in found.runs[:_RUNS]],
        more_runs=len(found.runs) - _RUNS,
        shared=[(name, [plain(found.targets[i][0]) for i in runs]) for name, runs in found.shared] if several else [],
    )


def _findings_page_place(target: int, name: str, found: Comparison) -> str:
    return plain(f"{found.targets[target][0]} {name}" if len(found.targets) > 1 else name)


def _findings_page_entry(number: int, one: Finding, found: Comparison) -> dict[str, Any]:
    own = [] if one.line is None else [(one.line + i, plain(t)) for i, t in enumerate((one.text or "").split("\n"))]
    start = (one.line or 0) - len(one.before)
    return {
        "number": number,
        "one": one,
        "reason": plain(one.reason),
        "place": _findings_page_place(one.target, one.place, found),
        "own": own,
        "before": [(start + i, plain(t)) for i, t in enumerate(one.before)],
        "after": [((one.end_line or 0) + 1 + i, plain(t)) for i, t in enumerate(one.after)],
        "gone": [plain(t) for t in one.template_text.split("\n")] if one.line is None and one.template_text else [],
    }


def _findings_page_left_out(found: Comparison) -> list[tuple[str, str]]:
    lines = sum(n for _, n in found.targets)
    rows = [(f"lines that {found.against} explain", f"{lines - found.lines_shown:,} of {lines:,}")] if lines else []
    rows += [("findings accepted before (ignore file)", f"{found.ignored:,}")] if found.ignored else []
    rows += [(f"files: {reason}", f"{count:,}") for reason, count in found.left_out]
    rows += [("unreadable", f"{name}: {why}") for name, why in found.bad_files]
    rows += [("no partner", text) for text in found.unpaired]
    rows += [("accepted, but no longer there", text) for text in found.unmatched]
    return [(plain(what), plain(value)) for what, value in (*rows, *(("note", text) for text in found.notes))]
