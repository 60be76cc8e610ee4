"""Findings as lines of text, with a headline: for a terminal, with colours or without."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lo2.diff.comparison import Comparison
from lo2.diff.finding import Finding
from lo2.diff.ranking import rank_findings
from lo2.report.findings_view import numbered_lines, view_flagged_runs, view_place
from lo2.visible import inert_text, visible
from lo2.wording import counted_noun, cut_text

ALL_SHOWN = 50
"""So many findings are all shown; of more the highest, and a line a service."""
HIGHEST = 20
_LONGEST = 400
_LINES = 12
_ANSI = re.compile(r"\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_COLOURS = {"new": "31", "changed": "33", "more": "35", "fewer": "36", "gone": "36", "dim": "2", "bold": "1"}


def log_line_as_text(text: str) -> str:
    r"""One line of a log as text that no terminal and no build server acts on; colours go, what else hides is shown.

    Examples
    --------
    >>> print(log_line_as_text("\x1b[31mred\x1b[0m ##[error]x \u202e"))
    red #\x23[error]x \u202e
    """
    return inert_text(visible(_ANSI.sub("", text).replace("\t", "    ")))


@dataclass(frozen=True)
class TextOptions:
    """What is shown: ``every`` finding or a choice, the best ``top`` lines, in colour."""

    every: bool = True
    top: int | None = None
    colour: bool = False


def findings_headline(found: Comparison) -> str:
    """What was compared and how much was left out.

    Examples
    --------
    >>> findings_headline(Comparison((("good.log", 1000),), (("bad.log", 900),), ()))
    '900 lines of bad.log against 1,000 lines of good.log: 0 lines in 0 findings, 900 left out'
    """
    if found.why or not found.targets:
        return log_line_as_text(
            f"{view_flagged_runs(one.flagged for one in found.runs)}: {found.why or 'nothing to compare'}"
        )
    mine = sum(lines for _, lines in found.targets)
    theirs = sum(lines for _, lines in found.baselines)
    good = _findings_text_names(path for path, _ in found.baselines)
    bad = _findings_text_names(path for path, _ in found.targets)
    services = f" in {len(found.services)} services" if len(found.services) > 1 else ""
    shown = found.lines_shown
    ignored = f"; {counted_noun(found.ignored, 'finding')} accepted before" if found.ignored else ""
    counts = (
        f"{counted_noun(shown, 'line')} in {counted_noun(len(found.findings), 'finding')}, {mine - shown:,} left out"
    )
    return log_line_as_text(f"{mine:,} lines of {bad} against {theirs:,} lines of {good}{services}: {counts}{ignored}")


def _findings_text_names(paths: Iterable[str]) -> str:
    names = list(paths)
    return names[0] if len(names) == 1 else f"{len(names)} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"


def findings_lines(found: Comparison, options: TextOptions) -> Iterator[str]:
    """All lines of the text."""
    yield findings_headline(found)
    for name, why in found.bad_files:
        yield log_line_as_text(f"note: unreadable: {name} ({why})")
    for text in (*found.unpaired, *found.notes):
        yield log_line_as_text(f"note: {text}")
    for text in found.unmatched:
        yield log_line_as_text(f"note: the accepted finding {text} no longer matches: it can go from the ignore file")
    if not found.findings:
        if not found.why:  # which the first line says
            yield log_line_as_text(found.nothing_found)
        return
    findings: Sequence[Finding] = found.findings
    if options.top is not None:
        findings = rank_findings(found.findings, options.top)
    elif not options.every and len(found.findings) > ALL_SHOWN:
        yield from _findings_text_services(found.findings)
        chosen = sorted(found.findings, key=lambda one: -one.score)[:HIGHEST]
        findings = [one for one in found.findings if one in chosen]
        yield f"The {len(findings)} highest of {len(found.findings)} findings (--all shows all):"
    for one in findings:
        yield ""
        yield from finding_lines(one, found, options)
    if found.shared:
        yield ""
        yield from _findings_text_shared(found, options)


def _findings_text_services(findings: Sequence[Finding]) -> Iterator[str]:
    names: dict[str, list[Finding]] = {}
    for one in findings:
        names.setdefault(one.service, []).append(one)
    for name, those in names.items():
        kinds = ", ".join(f"{sum(f.kind == k for f in those)} {k}" for k in _COLOURS if any(f.kind == k for f in those))
        first = next((f for f in those if f.line is not None), None)
        where = f"; first at {first.finding_place}" if first else ""
        yield log_line_as_text(f"  {name}: {kinds}{where}")


def finding_lines(one: Finding, found: Comparison, options: TextOptions) -> Iterator[str]:
    """Lines of one finding: place, kind, id and time; the reason; its lines in their context."""
    place = view_place(one.target, one.finding_place, found)
    when = f"  {one.time}" if one.time else ""
    kind = _findings_text_coloured(one.kind, one.kind, options)
    yield f"{_findings_text_coloured(log_line_as_text(place), 'bold', options)}  {kind}  {one.template}{when}"
    yield "  " + _findings_text_coloured(log_line_as_text(one.reason), "dim", options)
    if one.line is None or one.end_line is None:
        if one.template_text and one.kind == "gone":
            yield f"  {'-':>7} | {cut_text(log_line_as_text(one.template_text), _LONGEST)}"
        return
    width = max(7, len(str(one.end_line + len(one.after))))
    before, own, after = numbered_lines(one)
    shown = own if options.every else own[:_LINES]
    yield from (_findings_text_beside(pair, width, options) for pair in before)
    for number, text in shown:
        coloured = _findings_text_coloured(cut_text(log_line_as_text(text), _LONGEST), one.kind, options)
        yield f"  {number:>{width}} | {coloured}"
    if len(shown) < len(own):
        yield f"  {'':>{width}} | ... {len(own) - len(shown)} more lines of this finding"
    yield from (_findings_text_beside(pair, width, options) for pair in after)


def _findings_text_beside(pair: tuple[int, str], width: int, options: TextOptions) -> str:
    line = f"  {pair[0]:>{width}}   {cut_text(log_line_as_text(pair[1]), _LONGEST)}"
    return _findings_text_coloured(line, "dim", options)


def _findings_text_shared(found: Comparison, options: TextOptions) -> Iterator[str]:
    texts = {one.template: one for one in reversed(found.findings)}
    shown = found.shared if options.every else found.shared[:HIGHEST]
    few = f", the {len(shown)} first of {len(found.shared)} findings" if len(shown) < len(found.shared) else ""
    yield f"Shared by several of {len(found.targets)} bad runs{few}:"
    for name, runs in shown:
        text = (texts[name].template_text or texts[name].reason).split("\n")[0]
        yield log_line_as_text(
            f"  {name}  in {len(runs)}: {', '.join(found.targets[i][0] for i in runs)}  {cut_text(text, _LONGEST)}"
        )


def _findings_text_coloured(text: str, name: str, options: TextOptions) -> str:
    return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if options.colour else text
