"""Some of the lines of a finding, as findings of their own."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from lo2.canonical import canonical_line
from lo2.diff.finding import Finding
from lo2.features.templates import template_id


def split_finding(one: Finding, keep: Collection[int]) -> Iterator[Finding]:
    """Findings of the lines to keep (counted from 0), those that touch together; all of it as it is.

    Examples
    --------
    >>> lines = {"scores": (0.2, 0.9, 0.3), "masked": ("x", "y", "z"), "head": 4}
    >>> one = Finding("web", "new", 0.9, "a", "x\\ny\\nz", "never", "w", 3, 5, **lines)
    >>> [(piece.line, piece.end_line, piece.score) for piece in split_finding(one, {0, 2})]
    [(3, 3, 0.2), (5, 5, 0.3)]
    """
    if one.line is None or len(keep) == len(one.masked):
        yield one
        return
    first = None
    for i in range(len(one.masked) + 1):
        if i in keep and first is None:
            first = i
        elif i not in keep and first is not None:
            yield _finding_part(one, first, i)
            first = None


def _finding_part(one: Finding, first: int, end: int) -> Finding:
    assert one.line is not None
    head = max(range(first, end), key=lambda i: (one.scores[i], -i))
    masked, same = one.masked[first:end], one.line + head == one.head
    own = None if one.text is None else "\n".join(one.text.split("\n")[first:end])
    return replace(
        one,
        score=one.scores[head],
        template=template_id(one.masked[head]),
        text=own,
        template_text="\n".join(canonical_line(text).removeprefix("\n") for text in masked),
        reason=one.reason if same else f"next to line {one.head}: {one.reason}",
        line=one.line + first,
        end_line=one.line + end - 1,
        nearest=one.nearest if same else None,
        head=one.line + head,
        scores=one.scores[first:end],
        masked=masked,
        before=() if first else one.before,
        after=one.after if end == len(one.masked) else (),
    )
