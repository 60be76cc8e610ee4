"""Shifted findings: what the rates show more or less of, or gone, and logs that stop early, each with its place."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from lo2.canonical import canonical_line
from lo2.diff.baseline import Service
from lo2.diff.counted import Counted, moment_text
from lo2.diff.finding import Finding
from lo2.diff.novelty import Judge, novelty_key
from lo2.diff.rates import Shift, early_stop, rate_shifts
from lo2.features.templates import template_id
from lo2.loading.times.stamps import NO_TIME

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
