"""A finding: lines of the bad run that the good ones do not explain, or lines of the good ones that it lacks."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from lo2.canonical import canonical_line
from lo2.features.templates import template_id

KINDS = ("new", "changed", "more", "fewer", "gone")
KEYS = tuple(
    "file line end_line time service kind score template text template_text reason nearest count expected".split()
)
"""Keys of a finding in JSON, every one always there."""


@dataclass(frozen=True)
class Finding:
    """One finding. ``template`` is its id: the hash of the masked text of its most telling line, ``head``.

    ``line`` to ``end_line`` are its own lines. ``text`` and ``template_text`` hold all of them; ``text`` is filled in
    by whoever can read the files. ``target`` numbers the bad runs.
    """

    service: str
    kind: str
    score: float
    template: str
    template_text: str
    reason: str
    file: str | None = None
    line: int | None = None
    end_line: int | None = None
    time: str | None = None
    text: str | None = None
    nearest: str | None = None
    count: int = 0
    expected: float = 0.0
    target: int = 0
    head: int | None = None
    known: str = ""
    scores: tuple[float, ...] = field(default=(), repr=False)
    masked: tuple[str, ...] = field(default=(), repr=False)
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    part: int = -1

    @property
    def n_lines(self) -> int:
        """Lines of the bad run that it shows."""
        return 0 if self.line is None or self.end_line is None else self.end_line - self.line + 1

    @property
    def finding_place(self) -> str:
        """File and line; of what is gone the service."""
        return self.service if self.line is None else f"{self.file}:{self.line}"

    def finding_document(self) -> dict[str, Any]:
        """The plain values of its JSON.

        Examples
        --------
        >>> Finding("web", "gone", 1.0, "0a", "up", "silent").finding_document()["line"] is None
        True
        """
        return {key: getattr(self, key) for key in KEYS}


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
