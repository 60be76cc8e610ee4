"""The compiled twin (kernel) ``lo2_kernel``, a distribution of its own: spans, stamps, ones, bodies, same bytes sooner.

Whoever has a compiled way asks ``kernel()`` and goes its own where that is None. It is turned off by ``--no-kernel``,
or for all of a process by ``LO2_KERNEL=0`` in its environment.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Protocol

_CONTRACT = 4
_ALLOWED = ContextVar("allowed", default=True)
Arrays = tuple[bytearray, bytearray, bytearray]
Pair = tuple[bytearray, bytearray]


class Table(Protocol):
    """Distinct bodies, numbered in order of first appearance."""

    def scan(self, block: bytes, shapes: bool) -> Arrays:
        """Numbers (uint32), flags of events (bool) and times (int64) of LO2's lines."""

    def number(self, bodies: Iterable[bytes]) -> bytearray:
        """Numbers (uint32) of bodies."""

    def spans(self, text: Any, begins: Any, ends: Any) -> bytearray:
        """Numbers of bodies that stand at these places (int64) of a text."""

    def bodies(self) -> list[bytes]:
        """Bodies by number."""

    def flat(self) -> Arrays:
        """Bodies one after the other, where each begins and where it ends (int64)."""

    def clear(self) -> None:
        """Forget all and count from 0 again."""

    def __len__(self) -> int:
        """How many there are."""


class Kernel(Protocol):
    """What the compiled module offers."""

    CONTRACT: int
    Table: Callable[[int, int], Table]

    def count(self, rows: list[Any], width: int) -> Arrays:
        """Distinct keys of rows of uint32 in order of first appearance, how often each occurs, ends of the rows."""

    def expand(
        self, starts: Any, items: Any, counts: Any, token_starts: Any, ids: Any, times: Any, width: int
    ) -> Arrays:
        """Distinct tokens of rows of items and how often each occurs, by a table of the tokens per item."""

    def collapse(self, text: Any) -> None:
        """Ones for the digits of long ids and numbers, in place."""

    def spans(self, text: Any, size: int) -> Pair:
        """Starts and ends (int64) of the lines between the line feeds of the first bytes of a text."""

    def places(self, place: str, text: Any, starts: Any, ends: Any, lines: Any) -> Pair:
        """Numbers (int64) of those of the lines that may hold a stamp at this place, and where."""

    def keyed(self, json: bool, key: bytes, text: Any, starts: Any, ends: Any, lines: Any) -> Pair:
        """Numbers (int64) of those of the lines that hold a key, and where its value begins."""

    def stamps(self, text: Any, places: Any, limits: Any, shapes: tuple[str, ...], tail: str, zones: bytes) -> Arrays:
        """Which places begin a stamp (bool), its times and its ends (int64)."""

    def ones(self, text: Any, raw: Any) -> None:
        """``raw`` with ones for its digits, but for those of a protocol's version and of names, into ``text``."""

    def put_back(self, text: Any, raw: Any, begins: Any, ends: Any, firsts: Any, sizes: Any, places: Any) -> None:
        """Some bytes of ``raw`` back into the bodies of ``text``: the first, and all or those at places of its own."""


def kernel() -> Kernel | None:
    """The compiled module; None where there is none, it is of another version, or it is turned off."""
    return _installed_kernel() if _ALLOWED.get() and os.environ.get("LO2_KERNEL", "") != "0" else None


@cache
def _installed_kernel() -> Kernel | None:
    try:
        import lo2_kernel
    except ImportError:
        return None
    found: Kernel = lo2_kernel
    return found if found.CONTRACT == _CONTRACT else None


def kernel_in_use() -> str:
    """What reads logs in this process, for the log of a run and for people.

    Examples
    --------
    >>> with kernel_allowed(False):
    ...     kernel_in_use()
    'python'
    """
    return "python" if kernel() is None else "lo2_kernel"


@contextmanager
def kernel_allowed(on: bool) -> Iterator[None]:
    """Within, the compiled twin is used if at all it is there, or not at all.

    Examples
    --------
    >>> with kernel_allowed(False):
    ...     kernel() is None
    True
    """
    token = _ALLOWED.set(_ALLOWED.get() and on)
    try:
        yield
    finally:
        _ALLOWED.reset(token)
