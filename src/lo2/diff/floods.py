"""Floods of new messages that differ in a word alone are one kind: the first stands for all."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lo2.diff.counted import Counted
from lo2.diff.novelty import NovelMessage
from lo2.masking.masks import PLACEHOLDER

MANY = 20
"""So many new messages of one shape are one kind."""
_CONSTANT = 2
"""So many words of a shape must be of all of them, besides level and logger."""


def merge_floods(
    log: Counted, novel: Mapping[int, NovelMessage], texts: Sequence[str]
) -> tuple[dict[int, NovelMessage], dict[int, int]]:
    """The novel messages to show, and how many lines each stands for where that is more than its own."""
    if len(novel) <= MANY:
        return dict(novel), {}
    numbers = list(novel)
    often = Counter(word for number in numbers for word in set(texts[number].rpartition("\x1f")[2].split()))
    kinds: dict[str, list[int]] = defaultdict(list)
    for number in numbers:
        if shape := _flood_shape(texts[number], often):
            kinds[shape].append(number)
    flooded = {text: those for text, those in kinds.items() if len(those) > MANY}
    if not flooded:
        return dict(novel), {}
    present, first, counts = np.unique(log.messages, return_index=True, return_counts=True)
    place = dict(zip(present.tolist(), zip(first.tolist(), counts.tolist(), strict=True), strict=True))
    kept, stand_for = dict(novel), {}
    for those in flooded.values():
        best = max(those, key=lambda number: (round(novel[number].score, 1), -place[number][0]))
        total = sum(place[number][1] for number in those)
        for number in those:
            if number != best:
                del kept[number]
        reason = f"{novel[best].reason}; it stands for {len(those):,} messages of this shape"
        kept[best], stand_for[best] = replace(novel[best], reason=reason), total
    return kept, stand_for


def _flood_shape(text: str, often: Mapping[str, int]) -> str:
    """A message with ``<*>`` for what few of the others have; nothing where too little stays."""
    head, separator, message = text.rpartition("\x1f")
    words = message.split()
    kept = [word if often[word] > MANY and PLACEHOLDER not in word else PLACEHOLDER for word in words]
    if sum(word != PLACEHOLDER for word in kept) < _CONSTANT:
        return ""
    runs = (word for i, word in enumerate(kept) if not i or word != PLACEHOLDER or kept[i - 1] != word)
    return head + separator + " ".join(runs)
