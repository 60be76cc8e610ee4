"""The dictionary of distinct masked messages: cost grows with what is different, not with the number of lines."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.patterns import PLACEHOLDER, alternation

LIMIT = 16_000
_COARSE_LIMIT = LIMIT // 4
OVERFLOW = f"{PLACEHOLDER} {PLACEHOLDER}"
_COARSE = r"\S*\d\S*|\S{40,}"


class Messages:
    """Distinct masked messages of one shard, numbered in order of first appearance.

    A continuation line's message starts with a line feed. When masking leaves more than ``limit`` distinct messages,
    further ones are masked coarsely (every word with a digit, every very long word), and beyond ``coarse_limit`` of
    these they share one message; ``coarse`` counts the masked messages this happened to.

    Examples
    --------
    >>> messages = Messages()
    >>> ids, replaced = messages.fold([b"DEBUG a b - Load:66c2c2bd", b"DEBUG a b - Load:aaaaaaaa"])
    >>> ids.tolist(), messages.texts
    ([0, 0], ['DEBUG a b - Load:<*>'])
    """

    def __init__(self, profile: str = "lo2", *, limit: int = LIMIT, coarse_limit: int = _COARSE_LIMIT) -> None:
        self.texts: list[str] = []
        self.coarse = 0
        self._pattern, self._replacement = alternation(profile)
        self._limits = limit, limit + coarse_limit

    def fold(self, bodies: Sequence[bytes]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Message number of each body, and how many of its bytes were replaced by U+FFFD."""
        text, replaced = _decode(bodies)
        masked = text.str.replace_all(self._pattern, self._replacement)
        distinct = masked.unique(maintain_order=True)
        numbers = self._numbers(distinct)
        return (numbers if len(distinct) == len(masked) else _look_up(masked, distinct, numbers)).to_numpy(), replaced

    def _numbers(self, texts: pl.Series) -> pl.Series:
        """Numbers of distinct messages: their own while there is room, else those of what they are coarsely."""
        numbers = self._enter(texts, self._limits[0])
        rest = numbers.is_null().arg_true()
        if not len(rest):
            return numbers
        self.coarse += len(rest)
        coarse = texts.gather(rest).str.replace_all(_COARSE, PLACEHOLDER)
        found = self._enter(coarse, self._limits[1])
        full = found.is_null().arg_true()
        shared = pl.select(
            pl.when(coarse.gather(full).str.starts_with("\n")).then(pl.lit("\n")).otherwise(pl.lit("")) + OVERFLOW
        ).to_series()
        return numbers.scatter(rest, found.scatter(full, self._enter(shared, self._limits[1] + 2)))

    def _enter(self, texts: pl.Series, limit: int) -> pl.Series:
        """Numbers of the texts; unknown ones get the next numbers below ``limit``, and null beyond it."""
        known = pl.Series(self.texts, dtype=pl.String)
        if room := max(0, limit - len(known)):
            fresh = texts.filter(~texts.is_in(known.implode())).unique(maintain_order=True).head(room)
            self.texts += fresh.to_list()
            known = known.append(fresh)
        return _look_up(texts, known, pl.Series(range(len(known)), dtype=pl.UInt32))


def _look_up(texts: pl.Series, known: pl.Series, numbers: pl.Series) -> pl.Series:
    return texts.replace_strict(known, numbers, default=None, return_dtype=pl.UInt32)


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
