"""LO2's logs that were scanned while a compressed tar was listed, so that it is unpacked once.

Of each log its numbers, flags and times are kept, about a twentieth of its bytes, in memory up to a limit: what lies
beyond it is read again, and so is everything by a process that did not inherit this.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lo2.kernel import kernel
from lo2.loading.blocks import Reader
from lo2.loading.files import LogFile
from lo2.loading.index import AnyIndex, Codes, new_index
from lo2.loading.options import LoadOptions
from lo2.loading.scan import Scan, scan

LIMIT = 128_000_000
_BODIES = 50_000
_EACH = 400  # bytes of what is kept of a log beside its arrays


@dataclass(eq=False)
class _Book:
    """Distinct bodies of some logs: an index while it grows, then a list."""

    index: AnyIndex = field(default_factory=new_index)
    bodies: list[bytes] = field(default_factory=list)

    def close(self) -> None:
        self.bodies = list(self.index)
        self.index.clear()


@dataclass(eq=False)
class _Kept:
    """One scanned log."""

    book: _Book
    codes: NDArray[Any]
    header: NDArray[np.uint8]
    times: NDArray[np.int32]
    first_unknown: str
    reader: Reader

    @property
    def nbytes(self) -> int:
        return self.codes.nbytes + self.header.nbytes + self.times.nbytes + _EACH


class Keeper:
    """What is kept: ``wanted`` tells by their names which logs, ``limit`` how many bytes at most."""

    def __init__(self, wanted: Callable[[str], bool], limit: int = LIMIT) -> None:
        self.wanted = wanted
        self._left = limit
        self._book = _Book()
        self._kept: dict[tuple[object, ...], _Kept] = {}

    @property
    def full(self) -> bool:
        """Whether nothing more is kept."""
        return self._left <= 0

    def read(self, file: LogFile, stream: IO[bytes]) -> None:
        """Scan a log's bytes and keep it."""
        book, reader = self._book, Reader(file)
        before = len(book.index)
        found = scan(reader.blocks(stream), book.index, shapes=True)
        small = np.uint16 if len(book.index) <= 1 << 16 else np.uint32
        times = found.times.astype(np.int32)  # of a day, in ms
        kept = _Kept(book, found.codes.astype(small), np.packbits(found.header), times, found.first_unknown, reader)
        self._kept[_key(file)] = kept
        self._left -= kept.nbytes + 200 * (len(book.index) - before)
        if len(book.index) > _BODIES:
            self.close()

    def close(self) -> None:
        """No further log shares its bodies with those that were read."""
        self._book.close()
        self._book = _Book()

    def has(self, file: LogFile) -> bool:
        """Whether this log is kept."""
        return _key(file) in self._kept

    def take(self, file: LogFile, index: AnyIndex) -> tuple[Scan, Codes, Reader] | None:
        """A kept log as the scan of its bytes would give it: the scan, its numbers in ``index``, what was counted."""
        kept, compiled = self._kept.get(_key(file)), kernel()
        if kept is None or compiled is None:
            return None
        if kept.book is self._book:
            self.close()
        bodies = kept.book.bodies
        used = np.frombuffer(compiled.count([kept.codes.astype(np.uint32)], len(bodies))[0], np.uint32)
        numbers = np.zeros(len(bodies), np.uint32)
        numbers[used] = index.number([bodies[i] for i in used.tolist()])
        header = np.unpackbits(kept.header, count=len(kept.codes)).view(np.bool_)
        found = Scan(
            np.empty(0, np.uint32), header, kept.times.astype(np.int64), False, first_unknown=kept.first_unknown
        )
        return found, numbers[kept.codes], kept.reader


def _key(file: LogFile) -> tuple[object, ...]:
    return file.root, file.outer, file.offset, file.size_bytes, file.mtime_ns


def as_kept(options: LoadOptions) -> bool:
    """Whether logs are read as they are scanned here."""
    return options.profile in ("lo2", "auto") and not options.group_by and not options.log_format


_KEEPERS: list[Keeper] = []


def keeper() -> Keeper | None:
    """The keeper in use."""
    return _KEEPERS[-1] if _KEEPERS else None


@contextmanager
def keeping(wanted: Callable[[str], bool], limit: int = LIMIT) -> Iterator[None]:
    """Within, logs of compressed tars are kept when they are listed, where the compiled twin is there to scan them."""
    if kernel() is None:
        yield
        return
    one = Keeper(wanted, limit)
    _KEEPERS.append(one)
    try:
        yield
    finally:
        _KEEPERS.remove(one)


def member_log(root: Path, name: str, size: int, stamp: int, outer: str, offset: int) -> LogFile:
    """A log of an archive, before it is known whose it is."""
    return LogFile("", "", "", str(root), name, size, stamp, outer, offset)
