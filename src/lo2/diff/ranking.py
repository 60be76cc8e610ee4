"""The best findings first, until enough lines are shown."""

from collections.abc import Sequence
from dataclasses import replace

from lo2.diff.finding import Finding

MOST = 5
"""Lines that one finding may take of a ranked list while others wait."""


def best(findings: Sequence[Finding], lines: int) -> list[Finding]:
    """Findings, best first, until ``lines`` lines; long ones are cut to what tells most.

    Examples
    --------
    >>> one = Finding("web", "new", 0.9, "a", "x", "never", "web.log", 3, 4, scores=(0.2, 0.9), masked=("y", "x"), text="y\\nx")
    >>> [(f.line, f.end_line) for f in best([one], 1)]
    [(4, 4)]
    """
    chosen: list[Finding] = []
    left = lines
    for one in sorted(findings, key=lambda one: (-one.score, one.target, one.line or 0)):
        if left <= 0:
            break
        cut = _cut(one, min(left, MOST))
        chosen.append(cut)
        left -= max(1, cut.n_lines)
    return chosen


def _cut(one: Finding, lines: int) -> Finding:
    """The window of so many lines with the highest scores."""
    if one.line is None or one.n_lines <= lines:
        return one
    sums = [sum(one.scores[i : i + lines]) for i in range(one.n_lines - lines + 1)]
    head = (one.head or one.line) - one.line
    fitting = range(max(0, head - lines + 1), min(head, len(sums) - 1) + 1)
    first = max(fitting, key=lambda i: (sums[i], -i))
    own = (one.text or "").split("\n")
    return replace(
        one,
        line=one.line + first,
        end_line=one.line + first + lines - 1,
        text="\n".join(own[first : first + lines]),
        template_text="\n".join(one.template_text.split("\n")[first : first + lines]),
        scores=one.scores[first : first + lines],
        masked=one.masked[first : first + lines],
        before=() if first else one.before,
        after=(),
    )
