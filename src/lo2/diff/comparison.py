"""The comparison of bad runs with baselines: findings of every judged or silent service, in order of time and file."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lo2.canonical import canonical_line
from lo2.diff.baseline import Baseline, Service
from lo2.diff.counted import Counted
from lo2.diff.finding import Finding
from lo2.diff.floods import merge_floods
from lo2.diff.hunks import MOST, Hunk, hunk_line_scores, hunks, lines_of_hunks
from lo2.diff.novelty import Judge, NovelMessage, services_by_message
from lo2.diff.shifted import rate_findings, shifted_place
from lo2.features.templates import template_id
from lo2.features.variables import Variables, learn_variables

_RARE = 20
_LEARNT_FROM = 20_000
_FOLLOWED = 20
_CONTINUATION = 0.02


@dataclass(frozen=True)
class Target:
    """One bad run: how it was named, and its logs, one per service."""

    path: str
    logs: tuple[Counted, ...]

    @property
    def target_lines(self) -> int:
        """Number of lines of the bad run, in all services."""
        return sum(len(log.messages) for log in self.logs)


@dataclass(frozen=True)
class JudgedRun:
    """Verdict of a detector on one run and case; ``flagged`` is None where there are too few normal runs to tell."""

    path: str
    flagged: bool | None
    p_value: float | None
    first: str = ""
    """Service to look at first."""

    @property
    def said(self) -> str:
        """Its p-value, and where to look first."""
        chance = "" if self.p_value is None else f"p {self.p_value:.3f}; "
        return f"{chance}look first at {self.first or 'its log'}"


@dataclass(frozen=True, repr=False)
class Comparison:
    """Findings of all bad runs; what has no partner; what was left out.

    ``command`` says whose they are and ``against`` what the bad runs were held against. Where a detector chose the runs
    to compare, ``runs`` are all that it judged; where nothing could be compared, ``why`` says so.
    """

    baselines: tuple[tuple[str, int], ...]
    targets: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...]
    services: tuple[str, ...] = ()
    unpaired: tuple[str, ...] = ()
    ignored: int = 0
    unmatched: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()
    bad_files: tuple[tuple[str, str], ...] = ()
    shared: tuple[tuple[str, tuple[int, ...]], ...] = field(default=())
    command: str = "diff"
    against: str = "the good logs"
    runs: tuple[JudgedRun, ...] = ()
    why: str = ""

    def __repr__(self) -> str:
        counts = f"{len(self.findings):,} findings, {self.lines_shown:,} of {sum(n for _, n in self.targets):,} lines"
        return f"Comparison({counts} against {', '.join(path for path, _ in self.baselines[:2]) or self.against})"

    @property
    def nothing_found(self) -> str:
        """The sentence that stands for no findings."""
        if self.why:
            return f"No line was compared: {self.why}."
        return f"Nothing in it is unusual against {self.against}."

    @property
    def lines_shown(self) -> int:
        """Lines of the bad runs in findings."""
        return sum(one.n_lines for one in self.findings)


def compare_with_baseline(
    baseline: Baseline, targets: Sequence[Target], texts: Sequence[str], variables: Variables | None = None
) -> Comparison:
    """Findings of every bad run, services that are silent first, then in order of time.

    ``texts`` are the masked messages that the logs number; ``variables`` those that the baseline was merged by,
    learnt from its texts where it was not.
    """
    variables = learn_variables(baseline.baseline_texts[:_LEARNT_FROM]) if variables is None else variables
    everywhere = services_by_message(baseline, variables)
    judges: dict[str, Judge] = {}
    runs = max((one.n_good_runs for one in baseline.services.values()), default=0)
    findings: list[Finding] = []
    unpaired: list[str] = []
    for number, target in enumerate(targets):
        there = {log.service for log in target.logs if len(log.messages)}
        silent = [
            _silent_service_finding(name, one)
            for name, one in sorted(baseline.services.items())
            if name not in there and _service_in_most_baselines(one, runs)
        ]
        found: list[Finding] = []
        for log in target.logs:
            if log.service not in baseline.services:
                unpaired.append(f"{log.service} ({target.path}): no baseline has it")
            elif len(log.messages):
                judge = judges.setdefault(log.service, Judge(log.service, baseline, variables, everywhere))
                found += _compare_service(log, judge, texts)
        findings += [replace(one, target=number) for one in (*silent, *order_findings(found))]
    return Comparison(
        tuple(baseline.paths),
        tuple((target.path, target.target_lines) for target in targets),
        tuple(findings),
        services=tuple(sorted({log.service for target in targets for log in target.logs} & set(baseline.services))),
        unpaired=tuple(unpaired),
        shared=_findings_bad_runs_share(findings) if len(targets) > 1 else (),
    )


def order_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by time; within a service by its own lines, which lend their time to those without one."""
    by_service: dict[str, list[Finding]] = {}
    for one in findings:
        by_service.setdefault(one.service, []).append(one)
    keyed = []
    for name, those in sorted(by_service.items()):
        those.sort(key=lambda one: (one.line is None, one.part, one.line or 0, one.kind, one.template))
        last = next((one.time for one in those if one.time), "")
        for i, one in enumerate(those):
            last = max(one.time or last, last)
            keyed.append(((one.line is None, last, name, i), one))
    return [one for _, one in sorted(keyed, key=lambda pair: pair[0])]


def _service_in_most_baselines(service: Service, runs: int) -> bool:
    """Whether every good run has lines of it, of many all but one in twenty: of the others silence says nothing."""
    return sum(lines > 0 for lines in service.lines) >= max(1, runs - runs // _RARE)


def _silent_service_finding(name: str, service: Service) -> Finding:
    lines = sum(service.lines) / service.n_good_runs
    runs = f"{service.called} {'has' if service.n_good_runs == 1 else 'have'}"
    reason = f"the service is silent: not one line, where {runs} {lines:,.0f}"
    return Finding(name, "gone", 1.0, template_id(f"silent {name}"), "", reason, expected=round(lines, 1))


def _compare_service(log: Counted, judge: Judge, texts: Sequence[str]) -> Iterator[Finding]:
    counts = np.bincount(log.messages)
    numbers = np.flatnonzero(counts).tolist()
    judged = {number: judge.judge_message(texts[number]) for number in numbers}
    novel = {number: one for number, one in judged.items() if one is not None}
    yield from _new_service_findings(log, judge, novel, texts, counts.tolist())
    yield from rate_findings(log, judge, texts, {number: int(counts[number]) for number in numbers})


def _new_service_findings(
    log: Counted, judge: Judge, novel: dict[int, NovelMessage], texts: Sequence[str], counts: list[int]
) -> Iterator[Finding]:
    novel, stand_for = merge_floods(log, novel, texts)
    counts = [stand_for.get(number, count) for number, count in enumerate(counts)] if stand_for else counts
    places = lines_of_hunks(log, novel)
    scores = hunk_line_scores(log, places, novel, _compared_message_counts(counts, novel, texts))
    if len(scores) > MOST:
        best = sorted(scores, key=lambda place: (-scores[place], place))
        kept, rest = best[:MOST], sorted(best[MOST:])
        scores = {place: scores[place] for place in kept}
        yield _flood_finding(log, rest, novel, texts)
    if judge.baseline.templates:
        scores |= dict.fromkeys(_compared_continuations(log, scores), _CONTINUATION)
    for hunk in hunks(log, scores, novel):
        yield _hunk_finding(log, hunk, novel, texts, counts)


def _compared_continuations(log: Counted, scores: Mapping[int, float]) -> Iterator[int]:
    """Continuation lines of the events to show, which a table of templates knows nothing of."""
    for place in scores:
        for after in range(place + 1, min(place + 1 + _FOLLOWED, len(log.header))):
            if log.header[after]:
                break
            if after not in scores:
                yield after


def _compared_message_counts(
    counts: Sequence[int], novel: Mapping[int, NovelMessage], texts: Sequence[str]
) -> dict[int, int]:
    """How often each message is said, by whichever logger."""
    said: Counter[str] = Counter()
    for number in novel:
        said[texts[number].rpartition("\x1f")[2]] += counts[number]
    return {number: said[texts[number].rpartition("\x1f")[2]] for number in novel}


def _hunk_finding(
    log: Counted,
    hunk: Hunk,
    novel: Mapping[int, NovelMessage],
    texts: Sequence[str],
    counts: Mapping[int, int] | Sequence[int],
) -> Finding:
    number = int(log.messages[hunk.head])
    told, masked = novel[number], [texts[n] for n in log.messages[hunk.first : hunk.last + 1].tolist()]
    often = counts[number]
    reason = told.reason if often == 1 else f"{told.reason}; {often:,} times"
    return Finding(
        log.service,
        told.kind,
        max(hunk.scores),
        template_id(texts[number]),
        "\n".join(canonical_line(text).removeprefix("\n") for text in masked),
        reason,
        *shifted_place(log, hunk.first, hunk.last),
        nearest=told.nearest or None,
        count=often,
        head=int(log.line[hunk.head]),
        scores=hunk.scores,
        masked=tuple(masked),
        part=int(log.file[hunk.first]),
    )


def _flood_finding(log: Counted, rest: list[int], novel: dict[int, NovelMessage], texts: Sequence[str]) -> Finding:
    """One finding for the new lines beyond the limit."""
    hunk, counts = Hunk(rest[0], rest[0], rest[0], (0.5,)), {int(log.messages[rest[0]]): len(rest)}
    reason = f"a flood: {len(rest):,} further new kinds of lines in this service, of which this is the first"
    return replace(_hunk_finding(log, hunk, novel, texts, counts), kind="new", reason=reason)


def _findings_bad_runs_share(findings: Sequence[Finding]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Ids that several bad runs have, with the runs."""
    lines: dict[str, set[int]] = {}
    for one in findings:
        for text in one.masked if one.line is not None else ():
            lines.setdefault(template_id(text), set()).add(one.target)
        lines.setdefault(one.template, set()).add(one.target)
    runs = {one.template: lines[one.template] for one in findings}
    pairs = ((name, tuple(sorted(those))) for name, those in runs.items() if len(those) > 1)
    return tuple(sorted(pairs, key=lambda pair: (-len(pair[1]), pair[0])))
