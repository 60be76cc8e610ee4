"""A finding: lines of the bad run that the good ones do not explain, or lines of the good ones that it lacks."""

from dataclasses import dataclass, field
from typing import Any

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
    def place(self) -> str:
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
