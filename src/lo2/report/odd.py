"""Odd lines of odd runs for the report, from the JSON document of findings."""

from collections.abc import Mapping
from typing import Any

from lo2.report.findings_text import plain_log_line
from lo2.report.findings_view import view_flagged_runs
from lo2.report.values import OddLine, OddLines
from lo2.wording import counted_noun

MOST = 100
"""Findings on the page; ``findings.json`` holds all."""
_LONGEST = 2_000


def odd_lines(document: Mapping[str, Any], *, originals: bool) -> OddLines:
    """What was compared and the findings, the highest first (those in order), with original or with masked lines.

    Examples
    --------
    >>> one = {"file": "a.log", "line": 3, "kind": "new", "reason": "never", "text": "pin 12", "time": None}
    >>> one |= {"template_text": "pin <*>", "template": "0a", "service": "a", "end_line": 3}
    >>> target = {"path": "night", "lines": 9}
    >>> found = odd_lines({"findings": [one], "target": target, "runs": [], "why": None}, originals=False)
    >>> found.headline, found.lines[0].place, found.lines[0].text
    ('night: 1 of 9 lines in 1 finding', 'a.log:3', 'pin <*>')
    """
    found = list(document.get("findings") or ())
    highest = sorted(range(len(found)), key=lambda i: -(found[i].get("score") or 0.0))[:MOST]
    chosen = [*sorted(highest[: OddLines.shown]), *sorted(highest[OddLines.shown :])]
    lines = tuple(_odd_line(found[i], originals) for i in chosen)
    return OddLines(_odd_headline(document, found), lines, max(0, len(found) - MOST), originals)


def _odd_headline(document: Mapping[str, Any], found: list[Mapping[str, Any]]) -> str:
    runs = document.get("runs") or ()
    judged = f"{view_flagged_runs(one.get('flagged') for one in runs)}; " if runs else ""
    if document.get("why"):
        return plain_log_line(f"{judged}no line was compared: {document['why']}")
    target = document["target"]
    shown = sum(one["end_line"] - one["line"] + 1 for one in found if one.get("line") is not None)
    names = str(target["path"]).split(", ")
    bad = ", ".join([*names[:3], f"{len(names) - 3} more"] if len(names) > 4 else names)
    return plain_log_line(
        f"{judged}{bad}: {shown:,} of {target['lines']:,} lines in {counted_noun(len(found), 'finding')}"
    )


def _odd_line(one: Mapping[str, Any], originals: bool) -> OddLine:
    own = one.get("text") if originals else None
    text = "\n".join(map(plain_log_line, str(own or one["template_text"]).split("\n")))
    place = one["service"] if one.get("line") is None else f"{one['file']}:{one['line']}"
    where, kind, reason, when, name = (
        plain_log_line(str(value))
        for value in (place, one["kind"], one["reason"], one.get("time") or "", one["template"])
    )
    return OddLine(where, kind, reason, text[:_LONGEST], when, name)
