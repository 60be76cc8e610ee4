"""The dictionary of distinct masked messages: cost grows with what is different, not with the number of lines."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.patterns import PLACEHOLDER, alternation

LIMIT = 20_000
OVERFLOW = f"{PLACEHOLDER} {PLACEHOLDER}"
_WITH_DIGIT = r"\S*\d\S*"
_LONG_WORD = r"\S{40,}"


class Messages:
    """Distinct masked messages of one shard, numbered in order of first appearance.

    A continuation line's message starts with a line feed. When masking leaves more than ``limit`` distinct messages,
    further ones are masked coarsely (every word with a digit, every very long word), and beyond twice the limit they
    share one message; ``coarse`` counts the masked messages this happened to.

    Examples
    --------
    >>> messages = Messages()
    >>> ids, replaced = messages.fold([b"DEBUG a b - Load:66c2c2bd", b"DEBUG a b - Load:aaaaaaaa"])
    >>> ids.tolist(), messages.texts
    ([0, 0], ['DEBUG a b - Load:<*>'])
    """

    def __init__(self, profile: str = "lo2", *, limit: int = LIMIT) -> None:
        self.texts: list[str] = []
        self.coarse = 0
        self._pattern, self._replacement = alternation(profile)
        self._limit = limit
        self._index: dict[str, int] = {}

    def fold(self, bodies: Sequence[bytes]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Message number of each body, and how many of its bytes were replaced by U+FFFD."""
        text, replaced = _decode(bodies)
        masked = text.str.replace_all(self._pattern, self._replacement)
        distinct = masked.unique(maintain_order=True)
        numbers = pl.Series(self._numbers(distinct), dtype=pl.UInt32)
        ids = masked.replace_strict(distinct, numbers, return_dtype=pl.UInt32) if len(distinct) else numbers
        return ids.to_numpy(), replaced

    def _numbers(self, distinct: pl.Series) -> list[int]:
        texts = distinct.to_list()
        room = max(0, self._limit - len(self.texts))
        fresh = [i for i, text in enumerate(texts) if text not in self._index]
        for i, text in zip(fresh[room:], self._coarse(distinct.gather(fresh[room:])), strict=True):
            texts[i] = text
        return [self._number(text) for text in texts]

    def _coarse(self, texts: pl.Series) -> list[str]:
        self.coarse += len(texts)
        return texts.str.replace_all(_WITH_DIGIT, PLACEHOLDER).str.replace_all(_LONG_WORD, PLACEHOLDER).to_list()

    def _number(self, text: str) -> int:
        known = self._index.get(text)
        if known is None and len(self.texts) >= 2 * self._limit:
            text = ("\n" if text.startswith("\n") else "") + OVERFLOW
            known = self._index.get(text)
        if known is None:
            known = self._index[text] = len(self.texts)
            self.texts.append(text)
        return known


def _decode(bodies: Sequence[bytes]) -> tuple[pl.Series, NDArray[np.uint32]]:
    replaced = np.zeros(len(bodies), np.uint32)
    try:
        text = pl.Series(bodies, dtype=pl.Binary).cast(pl.String)
        odd = text.str.contains("\x00", literal=True).arg_true().to_list()
    except pl.exceptions.ComputeError:  # one invalid byte fails the whole series
        text = pl.Series([body.decode("utf-8", "replace") for body in bodies], dtype=pl.String)
        odd = text.str.contains("[\x00\ufffd]").arg_true().to_list()
    if odd:
        for i in odd:
            replaced[i] = len(bodies[i]) - len(bodies[i].decode("utf-8", "ignore").replace("\x00", "").encode())
        text = text.str.replace_all("\x00", "\ufffd", literal=True)
    return text, replaced
