"""Hunks of new lines, as in any diff: scored lines that touch become one, continuation lines stay with their event."""

import math
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lo2.diff.counted import Counted
from lo2.diff.novelty import NovelMessage

MOST = 200
"""So many new lines of one service are findings; what is beyond is one more."""
_BRIDGED = 2
_NEAR = 10
_COMPANY = 0.1
AGAIN = 0.12
_FLOOD = 0.03


@dataclass(frozen=True)
class Hunk:
    """Lines ``first`` to ``last`` (places in the arrays of the log), the most telling one of them, scores of each."""

    first: int
    last: int
    head: int
    scores: tuple[float, ...]


def lines_of_hunks(log: Counted, novel: dict[int, NovelMessage]) -> NDArray[np.int64]:
    """Places of the lines to show: where each new message comes first."""
    places = np.flatnonzero(np.isin(log.messages, np.array(sorted(novel), np.uint32)))
    _, first = np.unique(log.messages[places], return_index=True)
    return places[np.sort(first)]


def hunk_line_scores(
    log: Counted, places: NDArray[np.int64], novel: Mapping[int, NovelMessage], counts: Mapping[int, int]
) -> dict[int, float]:
    """Score of every line to show: more among other new ones, and where its message comes again (``counts``)."""
    left = np.searchsorted(places, places - _NEAR)
    right = np.searchsorted(places, places + _NEAR, side="right")
    near = np.minimum(right - left - 1, 5) / 5
    scores = {}
    for place, company in zip(places.tolist(), near.tolist(), strict=True):
        number = int(log.messages[place])
        often = math.log2(counts[number])
        surplus = AGAIN * min(often, 2.0) - _FLOOD * max(0.0, often - 5.0)
        scores[place] = round(max(0.01, novel[number].score + _COMPANY * company + surplus), 4)
    return scores


def hunks(log: Counted, scores: dict[int, float], novel: Container[int]) -> Iterator[Hunk]:
    """Touching lines together, also across a few that come again, and lines of one event across a few known ones."""
    event = np.cumsum(log.header, dtype=np.int64)
    run: list[int] = []
    for place in sorted(scores):
        if run and not _touches_hunk(log, event, run[-1], place, novel):
            yield _make_hunk(log, run, scores)
            run = []
        run.append(place)
    if run:
        yield _make_hunk(log, run, scores)


def _touches_hunk(log: Counted, event: NDArray[Any], last: int, place: int, novel: Container[int]) -> bool:
    gap = place - last - 1
    same_file = log.file[last] == log.file[place] and log.line[place] - log.line[last] == gap + 1
    if not same_file or gap > _BRIDGED:
        return False
    again = all(number in novel for number in log.messages[last + 1 : place].tolist())
    return bool(again or event[last] == event[place])


def _make_hunk(log: Counted, run: list[int], scores: dict[int, float]) -> Hunk:
    every = tuple(scores.get(place, 0.0) for place in range(run[0], run[-1] + 1))
    events = [place for place in run if log.header[place]] or run  # what was said tells more than where in the code
    return Hunk(run[0], run[-1], max(events, key=lambda place: (scores[place], -place)), every)
