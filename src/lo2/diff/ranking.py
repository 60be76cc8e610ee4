"""The ranking of findings: the best lines first, until enough are shown."""

from collections.abc import Sequence

from lo2.diff.finding import Finding, split_finding

_LATER = 0.06
"""What a finding's second, third ... line loses, so that one long trace does not take all places."""


def rank_findings(findings: Sequence[Finding], lines: int) -> list[Finding]:
    """Findings, best first, until ``lines`` lines; of long ones the lines that tell most.

    Examples
    --------
    >>> lines = {"scores": (0.2, 0.9), "masked": ("y", "x"), "text": "y\\nx"}
    >>> one = Finding("web", "new", 0.9, "a", "y\\nx", "never", "web.log", 3, 4, **lines)
    >>> [(f.line, f.end_line, f.text) for f in rank_findings([one], 1)]
    [(4, 4, 'x')]
    """
    ranked: list[tuple[float, int, int]] = []
    for number, one in enumerate(findings):
        if one.line is None:
            ranked.append((one.score, number, 0))
            continue
        order = sorted((i for i, score in enumerate(one.scores) if score), key=lambda i: (-one.scores[i], i))
        ranked += [(one.scores[i] - _LATER * k, number, i) for k, i in enumerate(order)]
    ranked.sort(key=lambda row: (-row[0], row[1], row[2]))
    chosen: dict[int, set[int]] = {}
    for _, number, i in ranked:
        if lines <= 0:
            break
        lines -= findings[number].line is not None  # what is gone has no line
        chosen.setdefault(number, set()).add(i)
    found = [piece for number, keep in chosen.items() for piece in split_finding(findings[number], keep)]
    return sorted(found, key=lambda one: (-one.score, one.target, one.line or 0))
