"""What the outputs of findings share: services viewed, runs flagged, and the timeline of places."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from lo2.diff.comparison import Comparison
from lo2.diff.finding import KINDS, Finding
from lo2.wording import counted_noun


@dataclass(frozen=True)
class ServiceView:
    """One service of one bad run."""

    target: int
    name: str
    findings: tuple[Finding, ...]

    @property
    def kinds(self) -> tuple[tuple[str, int], ...]:
        """How many findings of each kind."""
        counts = ((kind, sum(one.kind == kind for one in self.findings)) for kind in KINDS)
        return tuple(pair for pair in counts if pair[1])

    @property
    def lines(self) -> int:
        """Lines that its findings show."""
        return sum(one.n_lines for one in self.findings)


@dataclass(frozen=True)
class Mark:
    """A finding on the timeline: ``x`` from 0 to 100, its row, and its number in the list."""

    x: float
    row: int
    number: int
    kind: str


def numbered_lines(one: Finding) -> tuple[list[tuple[int, str]], ...]:
    """Lines before a finding, its own, and those after, with their numbers; none of what is gone.

    Examples
    --------
    >>> numbered_lines(Finding("web", "new", 0.9, "a", "x", "never", "w", 3, 3, text="x", after=("y", "z")))
    ([], [(3, 'x')], [(4, 'y'), (5, 'z')])
    """
    if one.line is None or one.end_line is None:
        return [], [], []
    parts = (one.before, (one.text or "").split("\n"), one.after)
    starts = (one.line - len(one.before), one.line, one.end_line + 1)
    return tuple([*enumerate(part, start)] for start, part in zip(starts, parts, strict=True))


def view_place(target: int, place: str, found: Comparison) -> str:
    """A place or a service, behind the name of its bad run where there are several and it does not begin with it."""
    path = found.targets[target][0] if len(found.targets) > 1 else ""
    return f"{path} {place}" if path and not place.startswith(f"{path}/") else place


def view_flagged_runs(flags: Iterable[bool | None]) -> str:
    """How many runs are flagged, or that nobody can tell: None where too few normal runs are known.

    Examples
    --------
    >>> view_flagged_runs([True, False]), view_flagged_runs([None, None]), view_flagged_runs([True, None])
    ('1 of 2 runs flagged', '2 runs ranked, too few normal ones to flag any', '1 of 2 runs flagged, 1 not told')
    """
    found = list(flags)
    unknown = sum(flag is None for flag in found)
    if found and unknown == len(found):
        return f"{counted_noun(len(found), 'run')} ranked, too few normal ones to flag any"
    told = f"{sum(map(bool, found)):,} of {counted_noun(len(found), 'run')} flagged"
    return f"{told}, {unknown:,} not told" if unknown else told


def services_viewed(found: Comparison) -> list[ServiceView]:
    """All services that were compared, and silent ones, in order of their first finding; those without any behind.

    Examples
    --------
    >>> one = Finding("db", "new", 0.9, "a", "x", "never", "db.log", 1, 1)
    >>> [view.name for view in services_viewed(Comparison((), (("bad", 9),), (one,), services=("api", "db")))]
    ['db', 'api']
    """
    by_name: dict[tuple[int, str], list[Finding]] = {}
    for one in found.findings:
        by_name.setdefault((one.target, one.service), []).append(one)
    for target in range(len(found.targets)):
        for name in found.services:
            by_name.setdefault((target, name), [])
    return [ServiceView(target, name, tuple(those)) for (target, name), those in by_name.items()]


def findings_timeline(findings: Iterable[Finding], rows: list[ServiceView]) -> tuple[list[Mark], str, str]:
    """Marks of the findings that have a time, and the first and last of them."""
    place = {(view.target, view.name): i for i, view in enumerate(rows)}
    timed = [
        (number, one, datetime.fromisoformat(one.time).timestamp() * 1000)
        for number, one in enumerate(findings)
        if one.time
    ]
    if not timed:
        return [], "", ""
    first, last = min(at for *_, at in timed), max(at for *_, at in timed)
    span = max(1.0, last - first)
    marks = [
        Mark(round((at - first) / span * 100, 2), place[one.target, one.service], number, one.kind)
        for number, one, at in timed
    ]
    times = sorted(str(one.time) for _, one, _ in timed)
    return marks, times[0], times[-1]
