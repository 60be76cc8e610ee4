"""Findings from scored lines: those that touch become one, continuation lines stay with their event."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lo2.diff.counted import Counted
from lo2.diff.novelty import Verdict

OFTEN = 5
"""A new message that occurs more often is shown where it comes first, with its count."""
MOST = 400
"""So many new lines of one service are findings; what is beyond is one more."""
_BRIDGED = 2
_NEAR = 10


@dataclass(frozen=True)
class Block:
    """Lines ``first`` to ``last`` (places in the arrays of the log), the most telling one among them, scores of each."""

    first: int
    last: int
    head: int
    scores: tuple[float, ...]


def shown(log: Counted, verdicts: dict[int, Verdict]) -> NDArray[np.int64]:
    """Places of the lines to show: where each new message comes first, and again beside another."""
    numbers = np.array(sorted(verdicts), np.uint32)
    places = np.flatnonzero(np.isin(log.messages, numbers))
    if not places.size:
        return places
    messages = log.messages[places]
    _, first, inverse, counts = np.unique(messages, return_index=True, return_inverse=True, return_counts=True)
    kept = np.zeros(places.size, bool)
    kept[first] = True
    again = counts[inverse] <= OFTEN
    for order in (range(1, places.size), range(places.size - 2, -1, -1)):
        step = -1 if order.step > 0 else 1
        for i in order:
            if again[i] and not kept[i] and kept[i + step] and abs(int(places[i + step] - places[i])) == 1:
                kept[i] = True
    return places[kept]


def line_scores(log: Counted, places: NDArray[np.int64], verdicts: dict[int, Verdict]) -> dict[int, float]:
    """Score of every line to show: more among other new ones, and where its message comes again."""
    counts = np.bincount(log.messages, minlength=int(log.messages.max(initial=0)) + 1)
    left = np.searchsorted(places, places - _NEAR)
    right = np.searchsorted(places, places + _NEAR, side="right")
    near = np.minimum(right - left - 1, 5) / 5
    seen: set[int] = set()
    scores = {}
    for place, company in zip(places.tolist(), near.tolist(), strict=True):
        number = int(log.messages[place])
        again = 0.1 if number in seen else 0.0
        surplus = 0.04 * min(np.log2(counts[number]), 2.0) - 0.03 * max(0.0, np.log2(counts[number]) - 5.0)
        seen.add(number)
        scores[place] = float(round(max(0.01, verdicts[number].score + 0.1 * company + surplus - again), 4))
    return scores


def blocks(log: Counted, scores: dict[int, float]) -> Iterator[Block]:
    """Touching lines together; lines of one event also across a few known ones."""
    event = np.cumsum(log.header)
    run: list[int] = []
    for place in sorted(scores):
        if run and not _touches(log, event, run[-1], place):
            yield _block(run, scores)
            run = []
        run.append(place)
    if run:
        yield _block(run, scores)


def _touches(log: Counted, event: NDArray[np.int64], last: int, place: int) -> bool:
    gap = place - last - 1
    same_file = log.file[last] == log.file[place] and log.line[place] - log.line[last] == gap + 1
    return bool(same_file and (gap == 0 or (gap <= _BRIDGED and event[last] == event[place])))


def _block(run: list[int], scores: dict[int, float]) -> Block:
    every = tuple(scores.get(place, 0.0) for place in range(run[0], run[-1] + 1))
    return Block(run[0], run[-1], max(run, key=lambda place: (scores[place], -place)), every)
