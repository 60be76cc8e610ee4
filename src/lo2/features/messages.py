"""Distinct masked messages and their numbers: every distinct body is decoded and masked once, then only counted."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.canonical import mask_canonical
from lo2.masking.masks import Masking
from lo2.masking.profiles import profile_masking

K = TypeVar("K", bytes, str)
V = TypeVar("V")
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
    >>> ids, replaced = messages.fold_bodies([b"DEBUG a b - Load:66c2c2bd", b"DEBUG a b - Load:a1aaaaaa"])
    >>> ids.tolist(), messages.texts
    ([0, 0], ['DEBUG a b - Load:<*>'])
    """

    def __init__(self, profile: str | Masking = "lo2", *, limit: int = LIMIT) -> None:
        self.texts: list[str] = []
        self.limit = limit
        self.masking = profile_masking(profile) if isinstance(profile, str) else profile
        self._known: dict[str, int] = {}

    @property
    def beyond_limit(self) -> int:
        """Distinct messages after the first ``limit``: their texts are left out of the table of templates."""
        return max(0, len(self.texts) - self.limit)

    def fold_bodies(self, bodies: Sequence[bytes]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Message number of each body, and how many of its bytes were replaced by U+FFFD."""
        if not self.masking.distinct_after:
            told = _mask_each_body(bodies, self.masking)
            numbers = np.fromiter((self._number_of_message(text) for text, _ in told), np.uint32, len(told))
            return numbers, np.fromiter((n for _, n in told), np.uint32, len(told))
        text, replaced = _decode_message_bodies(bodies)
        text = self.masking.shorten_texts(text)
        distinct = text.unique(maintain_order=True)
        found = pl.Series(
            [self._number_of_message(one) for one in _mask_distinct_messages(distinct, self.masking)], dtype=pl.UInt32
        )
        if len(distinct) == len(text):
            return found.to_numpy(), replaced
        return text.replace_strict(distinct, found, return_dtype=pl.UInt32).to_numpy(), replaced

    def _number_of_message(self, text: str) -> int:
        number = self._known.setdefault(text, len(self.texts))
        if number == len(self.texts):
            self.texts.append(text)
        return number


def masked_messages(bodies: Sequence[bytes], masking: Masking) -> list[str]:
    """Masked message of each body.

    Examples
    --------
    >>> masked_messages([b"took 12 ms"], profile_masking("tree"))
    ['took <*>']
    """
    return [text for text, _ in _mask_each_body(bodies, masking)]


class _Known(dict[K, V]):
    """What became of texts of earlier runs, so many characters at most: runs repeat each other's messages."""

    def __init__(self) -> None:
        self.held = 0

    def mask_unknown(self, keys: list[K], make: Callable[[list[K]], Iterable[V]]) -> list[V]:
        """What is known of each; what is not is made and remembered."""
        if self.held > _REMEMBERED:
            self.clear()
            self.held = 0
        fresh = [key for key in dict.fromkeys(keys) if key not in self]
        if fresh:
            self.update(zip(fresh, make(fresh), strict=True))
            self.held += sum(map(len, fresh))
        return [self[key] for key in keys]


_BODIES: dict[str, _Known[bytes, tuple[str, int]]] = {}
_TEXTS: dict[str, _Known[str, str]] = {}


def _mask_each_body(bodies: Sequence[bytes], masking: Masking) -> list[tuple[str, int]]:
    """Masked message of each body, and how many of its bytes are no text."""

    def make_masked(fresh: list[bytes]) -> Iterable[tuple[str, int]]:
        texts, replaced = _decode_message_bodies(fresh)
        return zip(_mask_distinct_messages(masking.shorten_texts(texts), masking), replaced.tolist(), strict=True)

    return _BODIES.setdefault(masking.version, _Known()).mask_unknown(list(bodies), make_masked)


def _mask_distinct_messages(texts: pl.Series, masking: Masking) -> list[str]:
    """Masked texts of those that short cuts leave of bodies."""

    def make_masked(fresh: list[str]) -> Iterable[str]:
        return mask_canonical(pl.Series(fresh, dtype=pl.String), masking).to_list()

    return _TEXTS.setdefault(masking.version, _Known()).mask_unknown(texts.to_list(), make_masked)


def _decode_message_bodies(bodies: Sequence[bytes]) -> tuple[pl.Series, NDArray[np.uint32]]:
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
