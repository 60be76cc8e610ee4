"""Shifted findings: messages more or less often than chance lets baselines vary, or gone; logs that stop early."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lo2.canonical import canonical_line
from lo2.diff.baseline import Service
from lo2.diff.counted import Counted, moment_text
from lo2.diff.finding import Finding
from lo2.diff.novelty import Judge, novelty_key
from lo2.features.templates import template_id
from lo2.loading.times.stamps import NO_TIME

SURE = 4.0
"""So many standard deviations away from what the baselines lead to expect."""
TIMES = 3.0
"""So many times more or less; twice is enough from three baselines on."""
AT_LEAST = 10
"""Differences of fewer lines are chance."""
_SPREAD = 0.15
_TAIL = 0.15
_TAIL_TEMPLATES = 3


@dataclass(frozen=True)
class Shift:
    """One message whose rate differs."""

    kind: str
    text: str
    count: int
    expected: float
    score: float
    reason: str


def rate_shifts(known: Service, lines: int, seconds: float | None, counts: dict[str, int]) -> Iterator[Shift]:
    """Messages that occur more or less often than in the baselines, per line and per second."""
    for text, theirs in known.counts.items():
        count = counts.get(text, 0)
        expected = _expected_count(known, theirs, lines, seconds, count)
        if (kind := _rate_kind(count, expected, theirs, known.n_good_runs)) is not None:
            yield Shift(
                kind,
                text,
                count,
                round(expected, 1),
                _rate_score(count, expected),
                _rate_reason(kind, count, expected, known),
            )


def _expected_count(known: Service, theirs: list[int], lines: int, seconds: float | None, count: int) -> float:
    """Of the counts that lines and seconds lead to expect, the one nearest to what is there."""
    total = sum(theirs)
    rates = [total / max(1, sum(known.lines)) * lines]
    timed = [(n, s) for n, s in zip(theirs, known.seconds, strict=True) if s is not None]
    if seconds is not None and len(timed) == known.n_good_runs:
        rates.append(sum(n for n, _ in timed) / sum(s for _, s in timed) * seconds)
    return min(rates, key=lambda rate: abs(rate - count))


def _rate_kind(count: int, expected: float, theirs: list[int], runs: int) -> str | None:
    times = 2.0 if runs > 2 else TIMES
    spread = max(_SPREAD, _baseline_rate_variation(theirs))
    deviation = math.sqrt(max(expected, 1.0) + spread * expected**2 / 4)
    if count > expected:
        sure = count - expected >= AT_LEAST and count >= times * expected and count > max(theirs)
        return "more" if sure and (count - expected) / deviation >= SURE else None
    if count == 0:
        return "gone" if expected >= (3 if runs > 2 and min(theirs) > 0 else AT_LEAST) else None
    sure = expected - count >= AT_LEAST and count * times <= expected and count < min(theirs)
    return "fewer" if sure and (expected - count) / math.sqrt(max(count, 1.0) + spread * count**2 / 4) >= SURE else None


def _baseline_rate_variation(counts: list[int]) -> float:
    """Squared coefficient of variation between the baselines, beyond that of chance."""
    if len(counts) < 2:
        return 0.0
    mean = sum(counts) / len(counts)
    variance = sum((n - mean) ** 2 for n in counts) / (len(counts) - 1)
    return max(0.0, variance - mean) / mean**2 if mean else 0.0


def _rate_score(count: int, expected: float) -> float:
    return round(min(0.5, 0.1 + 0.05 * abs(math.log2((count + 1) / (expected + 1)))), 4)


def _rate_reason(kind: str, count: int, expected: float, known: Service) -> str:
    times = "not once" if kind == "gone" else "once" if count == 1 else f"{count:,} times"
    return (
        f"{times}, where {known.called} {'leads' if known.n_good_runs == 1 else 'lead'} to expect about {expected:,.0f}"
    )


@dataclass(frozen=True)
class Stop:
    """A log that ends before its baselines do: the last message that both have, and how much is missing."""

    share: float
    missing: tuple[str, ...]
    reason: str


def early_stop(known: Service, keys: dict[str, str], there: set[str]) -> Stop | None:
    """Whether the end of the baselines is missing as a whole.

    ``keys`` gives each baseline message's merged text, ``there`` are those of the bad run.

    Examples
    --------
    >>> service = Service([10], [None], {c: [1] for c in "abcdefghij"}, {c: i / 10 for i, c in enumerate("abcdefghij")})
    >>> early_stop(service, {c: c for c in "abcdefghij"}, set("abcd")).share
    0.6
    """
    ordered = sorted(known.first.items(), key=lambda pair: pair[1])
    missing: list[str] = []
    begin = 1.0
    for text, first in reversed(ordered):
        if keys[text] in there:
            break
        missing.append(text)
        begin = first
    if sum(not text.startswith("\n") for text in missing) < _TAIL_TEMPLATES or 1 - begin < _TAIL:
        return None
    runs = f"{known.called} {'says' if known.n_good_runs == 1 else 'say'}"
    share = round(1 - begin, 4)
    reason = f"the log stops early: the last {share:.0%} of what {runs} does not come ({len(missing)} kinds of lines)"
    return Stop(share, tuple(reversed(missing)), reason.replace("%", " %"))


_GONE_SCORE = 0.6


def shifted_place(log: Counted, first: int, last: int) -> tuple[str, int, int, str | None]:
    """File, first and last line, and time of some lines of a log."""
    when = int(log.times[first])
    time = None if when == NO_TIME else moment_text(when)
    return log.files[int(log.file[first])], int(log.line[first]), int(log.line[last]), time


def rate_findings(log: Counted, judge: Judge, texts: Sequence[str], counts: dict[int, int]) -> Iterator[Finding]:
    """What is gone, and what there is more or less of, by merged message."""
    service = judge.baseline.services[judge.service]
    keys = dict(zip(service.counts, map(novelty_key, judge.variables.merge_variables(service.counts)), strict=True))
    there: Counter[str] = Counter()
    first: dict[str, int] = {}
    said = {number: text for number in counts if (text := judge.baseline.compared_text(texts[number])) is not None}
    merged = judge.variables.merge_variables(said.values())
    lines = sum(counts[number] for number in said)
    for number, text in zip(said, merged, strict=True):
        there[novelty_key(text)] += counts[number]
        first.setdefault(novelty_key(text), number)
    ended = early_stop(service, keys, set(there))
    if ended is not None:
        stopped = Shift("gone", ended.missing[0], 0, float(len(ended.missing)), _GONE_SCORE, ended.reason)
        yield _shifted_finding_gone(log.service, stopped.text, stopped)
    together = _merge_shifted_counts(service, keys)
    missing = {keys[text] for text in ended.missing} if ended else set()
    for shift in rate_shifts(together, lines, log.seconds, there):
        if shift.text.startswith("\n"):  # a trace comes as often as its event
            continue
        if shift.text in missing or not any(map(str.isalpha, shift.text)):
            continue
        yield _shifted_rate_finding(log, shift, texts, first.get(shift.text), keys)


def _merge_shifted_counts(service: Service, keys: dict[str, str]) -> Service:
    """``service`` with the counts of messages added that are equal once learnt positions are merged."""
    found = Service(service.lines, service.seconds, noun=service.noun)
    for text, counts in service.counts.items():
        known = found.counts.get(keys[text])
        found.counts[keys[text]] = counts if known is None else [a + b for a, b in zip(known, counts, strict=True)]
    return found


def _shifted_rate_finding(
    log: Counted, shift: Shift, texts: Sequence[str], number: int | None, keys: dict[str, str]
) -> Finding:
    if number is None:
        text = next(text for text, merged in keys.items() if merged == shift.text)
        return _shifted_finding_gone(log.service, text, shift)
    found = _shifted_finding_gone(log.service, texts[number], shift)
    place = int(np.flatnonzero(log.messages == number)[0])
    file, line, end, time = shifted_place(log, place, place)
    found = replace(found, file=file, line=line, end_line=end, time=time, head=line)
    return replace(found, scores=(shift.score,), part=int(log.file[place]))


def _shifted_finding_gone(service: str, text: str, shift: Shift) -> Finding:
    line = canonical_line(text).removeprefix("\n")
    return Finding(
        service, shift.kind, shift.score, template_id(text), line, shift.reason,
        nearest=line, count=shift.count, expected=shift.expected, masked=(text,),
    )  # fmt: skip
