"""Findings as GitHub's step summary: Markdown whose log text is HTML-escaped and can do nothing."""

import html
from collections.abc import Iterator

from lo2.diff.comparison import Comparison
from lo2.diff.finding import Finding
from lo2.report.findings_text import findings_headline, log_line_as_text
from lo2.report.findings_view import numbered_lines, services_viewed, view_flagged_runs, view_place
from lo2.wording import counted_noun

LIMIT = 900_000
"""Bytes of a summary; a step may write 1 MiB."""
_OPEN = 5
_RUNS = 100
_LONGEST = 1_000


def github_summary(found: Comparison) -> str:
    """The summary, below ``LIMIT`` bytes.

    Examples
    --------
    >>> print(github_summary(Comparison((("good", 1),), (("bad", 1),), ())).splitlines()[0])
    ### lo2 diff: nothing unusual
    """
    parts = list(_step_summary_head(found))
    size = sum(len(part.encode()) for part in parts)
    for number, one in enumerate(found.findings):
        part = _step_summary_finding(one, found, opened=number < _OPEN)
        size += len(part.encode())
        if size > LIMIT:
            parts.append(f"\n{len(found.findings) - number:,} more findings do not fit in here.\n")
            break
        parts.append(part)
    return "".join(parts)


def _step_summary_head(found: Comparison) -> Iterator[str]:
    n = len(found.findings)
    counts = "nothing unusual" if not n else counted_noun(n, "finding")
    flagged = [one for one in found.runs if one.flagged]
    if found.runs:
        counts = view_flagged_runs(one.flagged for one in found.runs) + (f", {counts}" if n else "")
    yield f"### lo2 {found.command}: {counts}\n\n"
    yield f"{github_inline(findings_headline(found))}\n\n"
    if flagged:
        yield "| flagged run | p | look first at |\n|---|---|---|\n"
        for one in flagged[:_RUNS]:
            chance = "" if one.p_value is None else f"{one.p_value:.3f}"
            yield f"| {github_inline(one.path)} | {chance} | {github_inline(one.first)} |\n"
        yield "\n"
    if n:
        yield "| service | findings | lines | first |\n|---|---|---|---|\n"
        for view in services_viewed(found)[:200]:
            if view.findings:
                first = next((one for one in view.findings if one.line is not None), None)
                where = github_inline(first.finding_place) if first else ""
                kinds = ", ".join(f"{count} {kind}" for kind, count in view.kinds)
                yield f"| {github_inline(view.name)} | {kinds} | {view.lines} | {where} |\n"
        yield "\n"
    notes = [
        *(f"unreadable: {name} ({why})" for name, why in found.bad_files),
        *found.unpaired,
        *found.notes,
        *(f"accepted finding no longer matches: {text}" for text in found.unmatched),
    ]
    for text in notes[:50]:
        yield f"- {github_inline(text)}\n"
    if not n and found.why:
        yield f"{github_inline(found.nothing_found)}\n"
    if found.shared:
        yield "\n"
        for name, runs in found.shared[:50]:
            yield f"- shared by {len(runs)} of {len(found.targets)} bad runs: <code>{name}</code>\n"
    yield "\n"


def _step_summary_finding(one: Finding, found: Comparison, *, opened: bool) -> str:
    place = view_place(one.target, one.finding_place, found)
    title = f"<b>{github_inline(place)}</b> {one.kind} <code>{one.template}</code> {github_inline(one.reason)}"
    before, own, after = numbered_lines(one)
    rows = [(bar, pair) for bar, part in ((" ", before), ("|", own[:60]), (" ", after)) for pair in part]
    body = "\n".join(f"{number:>7} {bar} {_step_summary_pre_text(text)}" for bar, (number, text) in rows)
    body = body if rows else _step_summary_pre_text(one.template_text)
    return f"<details{' open' if opened else ''}><summary>{title}</summary>\n\n<pre>\n{body}\n</pre>\n</details>\n\n"


def _step_summary_pre_text(text: str) -> str:
    return html.escape(log_line_as_text(text.replace("\n", " "))[:_LONGEST])


def github_inline(text: str) -> str:
    """Text that Markdown takes for nothing else: every sign but blanks and letters is a character reference.

    Examples
    --------
    >>> github_inline("a*b")
    'a&#42;b'
    """
    return "".join(
        c if c.isalnum() or c in " .,/" else f"&#{ord(c)};"
        for c in log_line_as_text(text.replace("\n", " "))[:_LONGEST]
    )
