"""The dictionary of distinct masked messages: cost grows with what is different, not with the number of lines."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.canonical import hide
from lo2.patterns import Masking, masking

_REMEMBERED = 24_000_000
LIMIT = 20_000
"""Distinct messages of a shard beyond which further ones keep no text in the table of templates."""


class Messages:
    """Distinct masked messages of one shard, numbered in order of first appearance.

    A continuation line's message starts with a line feed. Every message keeps its own text for as long as the shard is
    counted, so that no word gets lost; ``beyond`` tells how many came after the first ``limit``. ``masking`` made them.

    Examples
    --------
    >>> messages = Messages()
    >>> ids, replaced = messages.fold([b"DEBUG a b - Load:66c2c2bd", b"DEBUG a b - Load:aaaaaaaa"])
    >>> ids.tolist(), messages.texts
    ([0, 0], ['DEBUG a b - Load:<*>'])
    """

    def __init__(self, profile: str | Masking = "lo2", *, limit: int = LIMIT) -> None:
        self.texts: list[str] = []
        self.limit = limit
        self.masking = masking(profile) if isinstance(profile, str) else profile
        self._known: dict[str, int] = {}

    @property
    def beyond(self) -> int:
        """Distinct messages after the first ``limit``: their texts are left out of the table of templates."""
        return max(0, len(self.texts) - self.limit)

    @property
    def coarse(self) -> int:
        """The same by the name that it is recorded under."""
        return self.beyond

    def fold(self, bodies: Sequence[bytes]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Message number of each body, and how many of its bytes were replaced by U+FFFD."""
        text, replaced = _decode(bodies)
        text = self.masking.shorten(text)
        distinct = text.unique(maintain_order=True)
        masked = _hidden(distinct, self.masking)
        numbers = pl.Series([self._number(one) for one in masked], dtype=pl.UInt32)
        if len(distinct) == len(text):
            return numbers.to_numpy(), replaced
        return text.replace_strict(distinct, numbers, return_dtype=pl.UInt32).to_numpy(), replaced

    def _number(self, text: str) -> int:
        number = self._known.setdefault(text, len(self.texts))
        if number == len(self.texts):
            self.texts.append(text)
        return number


def masked(bodies: Sequence[bytes], masking: Masking) -> list[str]:
    """Masked message of each body.

    Examples
    --------
    >>> masked([b"took 12 ms"], masking("tree"))
    ['took <*>']
    """
    return _hidden(_decode(bodies)[0], masking)


class _Known(dict[str, str]):
    """Masked texts that are remembered, so many bytes at most."""

    def __init__(self) -> None:
        self.held = 0

    def learn(self, texts: Sequence[str], masking: Masking) -> None:
        """Mask texts and remember them."""
        masked = hide(pl.Series(texts, dtype=pl.String), masking).to_list()
        self.update(zip(texts, masked, strict=True))
        self.held += sum(map(len, texts))


_KNOWN: dict[str, _Known] = {}


def _hidden(texts: pl.Series, masking: Masking) -> list[str]:
    """Masked texts; those of earlier runs are remembered, since runs repeat each other's messages."""
    known = _KNOWN.setdefault(masking.version, _Known())
    if known.held > _REMEMBERED:
        known = _KNOWN[masking.version] = _Known()
    own = texts.to_list()
    fresh = [text for text in dict.fromkeys(own) if text not in known]
    if fresh:
        known.learn(fresh, masking)
    return [known[text] for text in own]


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
