"""Hunks of new lines, as in any diff: scored lines that touch become one, continuation lines stay with their event."""

import math
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lo2.diff.counted import Counted
from lo2.diff.novelty import NoveltyVerdict

MOST = 200
"""So many new lines of one service are findings; what is beyond is one more."""
_BRIDGED = 2
_NEAR = 10
_COMPANY = 0.1
AGAIN = 0.12
_FLOOD = 0.03


@dataclass(frozen=True)
class Block:
    """Lines ``first`` to ``last`` (places in the arrays of the log), the most telling one of them, scores of each."""

    first: int
    last: int
    head: int
    scores: tuple[float, ...]


def lines_shown_of_blocks(log: Counted, verdicts: dict[int, NoveltyVerdict]) -> NDArray[np.int64]:
    """Places of the lines to show: where each new message comes first."""
    places = np.flatnonzero(np.isin(log.messages, np.array(sorted(verdicts), np.uint32)))
    _, first = np.unique(log.messages[places], return_index=True)
    return places[np.sort(first)]


def line_scores(
    log: Counted, places: NDArray[np.int64], verdicts: Mapping[int, NoveltyVerdict], counts: Mapping[int, int]
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
        scores[place] = round(max(0.01, verdicts[number].score + _COMPANY * company + surplus), 4)
    return scores


def blocks(log: Counted, scores: dict[int, float], verdicts: Container[int]) -> Iterator[Block]:
    """Touching lines together, also across a few that come again, and lines of one event across a few known ones."""
    event = np.cumsum(log.header, dtype=np.int64)
    run: list[int] = []
    for place in sorted(scores):
        if run and not _line_touches_block(log, event, run[-1], place, verdicts):
            yield _block_of_scored_lines(log, run, scores)
            run = []
        run.append(place)
    if run:
        yield _block_of_scored_lines(log, run, scores)


def _line_touches_block(log: Counted, event: NDArray[Any], last: int, place: int, verdicts: Container[int]) -> bool:
    gap = place - last - 1
    same_file = log.file[last] == log.file[place] and log.line[place] - log.line[last] == gap + 1
    if not same_file or gap > _BRIDGED:
        return False
    again = all(number in verdicts for number in log.messages[last + 1 : place].tolist())
    return bool(again or event[last] == event[place])


def _block_of_scored_lines(log: Counted, run: list[int], scores: dict[int, float]) -> Block:
    every = tuple(scores.get(place, 0.0) for place in range(run[0], run[-1] + 1))
    events = [place for place in run if log.header[place]] or run  # what was said tells more than where in the code
    return Block(run[0], run[-1], max(events, key=lambda place: (scores[place], -place)), every)
