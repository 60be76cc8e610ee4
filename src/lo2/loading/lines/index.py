"""The index of bodies: distinct ones numbered in order of first appearance, by a dict or by the compiled twin.

``number`` takes bodies of any format, ``logback`` a block of LO2's own; ``uses`` are the rows that read bodies of any
format.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from secrets import randbits
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lo2.kernel import Kernel, kernel
from lo2.loading.formats.logback import cut_logback
from lo2.loading.lines.standins import put_stand_ins

if TYPE_CHECKING:
    from lo2.loading.lines.parser import Uses

Codes = NDArray[np.uint32]
Cut = tuple[Codes, NDArray[np.bool_], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Spans(Collection[bytes]):
    """Bodies as places of a text.

    Examples
    --------
    >>> list(Spans(b"up down", np.array([0, 3]), np.array([2, 7])))
    [b'up', b'down']
    """

    text: bytes | bytearray | NDArray[np.uint8]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def from_bodies(cls, bodies: Collection[bytes]) -> "Spans":
        """From bodies, one after the other."""
        ends = np.cumsum(np.fromiter(map(len, bodies), np.int64, len(bodies)))
        return cls(bytearray(b"".join(bodies)), np.concatenate([np.zeros(1, np.int64), ends])[:-1], ends)

    def __iter__(self) -> Iterator[bytes]:
        return map(bytes(self.text).__getitem__, map(slice, self.begins.tolist(), self.ends.tolist()))

    def __len__(self) -> int:
        return len(self.begins)

    def __contains__(self, body: object) -> bool:
        return any(body == one for one in self)


class _Read:
    @cached_property
    def uses(self) -> "Uses":
        """Rows in use; LO2's own profile needs none, nor their room."""
        from lo2.loading.lines.parser import Uses

        return Uses()


class Index(_Read, defaultdict[bytes, int]):
    """By a dict."""

    def __init__(self) -> None:
        super().__init__(count().__next__)

    def clear(self) -> None:
        """Forget all bodies and count from 0 again."""
        super().clear()
        self.default_factory = count().__next__

    def flat_bodies(self) -> Spans:
        """All bodies as places of one text."""
        return Spans.from_bodies(self.keys())

    def number_bodies(self, bodies: Collection[bytes]) -> Codes:
        """Numbers of the bodies, new ones for those that were not met."""
        return np.fromiter(map(self.__getitem__, bodies), np.uint32, len(bodies))

    def number_logback(self, block: bytes, *, shapes: bool) -> Cut:
        """Numbers of a block's bodies, flags of events and times in ms; with ``shapes`` after stand-ins for ids."""
        bodies, flags, times = cut_logback(put_stand_ins(block) if shapes else block)
        return self.number_bodies(Spans(*bodies)), flags, times


class CompiledIndex(_Read):
    """By the compiled twin."""

    def __init__(self, compiled: Kernel) -> None:
        self._table = compiled.Table(randbits(64), randbits(64))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._table.bodies())

    def __len__(self) -> int:
        return len(self._table)

    def clear(self) -> None:
        """Forget all bodies and count from 0 again."""
        self._table.clear()

    def flat_bodies(self) -> Spans:
        """All bodies as places of one text."""
        text, begins, ends = self._table.flat()
        return Spans(text, np.frombuffer(begins, np.int64), np.frombuffer(ends, np.int64))

    def number_bodies(self, bodies: Collection[bytes]) -> Codes:
        """Numbers of the bodies, new ones for those that were not met."""
        if isinstance(bodies, Spans):
            return np.frombuffer(self._table.spans(bodies.text, bodies.begins, bodies.ends), np.uint32)
        return np.frombuffer(self._table.number(bodies), np.uint32)

    def number_logback(self, block: bytes, *, shapes: bool) -> Cut:
        """Numbers of a block's bodies, flags of events and times in ms, in one pass over the block."""
        codes, flags, times = self._table.scan(block, shapes)
        return np.frombuffer(codes, np.uint32), np.frombuffer(flags, np.bool_), np.frombuffer(times, np.int64)


AnyIndex = Index | CompiledIndex


def new_index() -> AnyIndex:
    """An index of the compiled kind wherever that may be."""
    compiled = kernel()
    return Index() if compiled is None else CompiledIndex(compiled)
