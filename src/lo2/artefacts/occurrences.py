"""Occurrences of very many words in texts: by hashes of their heads (first bytes) all at once, compared where found."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

LEAST = 6
"""Bytes of the shortest word that can be looked for."""
_BITS = 24
_MIX = np.uint64(0x9E3779B97F4A7C15)
_BLOCK = 1 << 22


def occurrences(texts: Sequence[str], words: Iterable[str]) -> list[set[str]]:
    """Words that each text holds, also inside others and overlapping; a hundred thousand cost little more than one.

    Raises
    ------
    ValueError
        If a word has fewer than ``LEAST`` bytes.

    Examples
    --------
    >>> occurrences(["a secret, and", "nothing"], ["secret", "a secret", "unsaid"]) == [{"secret", "a secret"}, set()]
    True
    """
    sought = list(dict.fromkeys(words))
    encoded = [word.encode() for word in sought]
    if any(len(word) < LEAST for word in encoded):
        raise ValueError(f"a word of fewer than {LEAST} bytes would be found everywhere")
    parts = [text.encode("utf-8", "replace") for text in texts]
    starts = np.cumsum([0, *(len(part) + 1 for part in parts)]).tolist()
    data, found = b"\0".join(parts), [set[str]() for _ in texts]
    heads = np.frombuffer(b"".join(word[:LEAST] + b"\0\0" for word in encoded), "<u8")
    order = np.argsort(heads, kind="stable")
    heads = heads[order]
    for place, first, last in _word_occurrence_places(data, heads):
        for word in order[first:last]:
            if data.startswith(encoded[word], place):
                found[bisect_right(starts, place) - 1].add(sought[word])
    return found


def _word_occurrence_places(data: bytes, heads: Words) -> Iterable[tuple[int, int, int]]:
    """Places in ``data`` where a head begins, with the range of it among the sorted ``heads``."""
    if not heads.size:
        return
    # Most places are told by one look into a table of bits that the heads set.
    table = np.zeros(1 << _BITS, bool)
    table[_word_head_hashes(heads)] = True
    for start in range(0, len(data) - LEAST + 1, _BLOCK):
        block = np.frombuffer(data[start : start + _BLOCK + LEAST - 1], np.uint8)
        windows = np.zeros(block.size - LEAST + 1, np.uint64)
        for i in range(LEAST):
            windows |= block[i : i + windows.size].astype(np.uint64) << np.uint64(8 * i)
        near = np.flatnonzero(table[_word_head_hashes(windows)])
        first = np.searchsorted(heads, windows[near], "left")
        last = np.searchsorted(heads, windows[near], "right")
        hit = last > first
        yield from zip((near[hit] + start).tolist(), first[hit].tolist(), last[hit].tolist(), strict=True)


def _word_head_hashes(heads: Words) -> Words:
    return (heads * _MIX) >> np.uint64(64 - _BITS)
