"""Inflating deflated data as streams: gzip files and members of zip archives, with marks to go back to.

``zlib_ng`` unpacks two to three times as fast as ``zlib`` and takes its place wherever it is installed: the same calls,
the same bytes (docs/decisions/020-zlib-ng.md).
"""

import gzip
import io
import zipfile
import zlib
from abc import ABC, abstractmethod
from bisect import bisect_right
from contextlib import suppress
from operator import itemgetter
from typing import IO, Any

library: Any = zlib
with suppress(ImportError):  # there are platforms that it has no wheel for
    from zlib_ng import zlib_ng

    library = zlib_ng

crc32 = library.crc32
"""The checksum of ``zlib``, sooner."""
DAMAGED: tuple[type[Exception], ...] = (zlib.error, library.error)
PIECE = 1 << 18
"""So many bytes at a time stay in the second-level cache from unpacking them to whatever is made of them."""
_MARKS, _APART = 64, 8 << 20
_MAGIC = b"\x1f\x8b"
_PACKED = 1 << 16


class _Stream(ABC):
    """A stream that is read forwards; backwards means from the beginning."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._begin_inflating()

    def _begin_inflating(self) -> None:
        self._at = 0
        self._rest = b""

    @abstractmethod
    def read(self, most: int) -> bytes:
        """Some of the next bytes; none at the end."""

    def tell(self) -> int:
        """Place in what was unpacked."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place counted from the beginning or from here."""
        target = offset + (self._at if whence == io.SEEK_CUR else 0)
        if target < self._at:
            self._raw.seek(0)
            self._begin_inflating()
        while self._at < target and self.read(min(target - self._at, PIECE)):
            pass
        return self._at

    def close(self) -> None:
        """Forget what was read of it."""
        self._rest = b""


class Gzip(_Stream):
    """Gzip members one after the other; their checksums are compared by the library.

    Every few megabytes, and further apart the longer it is, a copy of the state is kept to go back to.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        self._marks: list[tuple[int, int, bytes, Any, int]] = []
        self._apart = _APART
        super().__init__(raw)

    def _begin_inflating(self) -> None:
        super()._begin_inflating()
        self._member: Any = None
        self._members = 0

    def back(self, target: int) -> int:
        """Go back to the nearest place before that is known, and say which."""
        known = bisect_right(self._marks, target, key=itemgetter(0))
        if not known:
            return self.seek(0)
        self._at, place, self._rest, member, self._members = self._marks[known - 1]
        self._member = member.copy()
        self._raw.seek(place)
        return self._at

    def _mark_inflate_state(self) -> None:
        if len(self._marks) == _MARKS:
            del self._marks[::2]
            self._apart *= 2
        self._marks.append((self._at, self._raw.tell(), self._rest, self._member.copy(), self._members))

    def read(self, most: int) -> bytes:
        """Some of the next bytes; none at the end."""
        if self._member is not None and self._at >= self._apart + (self._marks[-1][0] if self._marks else 0):
            self._mark_inflate_state()
        while True:
            packed = self._rest or self._raw.read(_PACKED)
            if self._member is None:
                packed = self._open_gzip_member(packed)
                if not packed:
                    return b""
            found: bytes = self._member.decompress(packed, most)
            self._rest = self._member.unconsumed_tail
            if self._member.eof:
                self._rest, self._member = self._member.unused_data, None
            elif not packed and not found:
                raise EOFError("Compressed file ended before the end-of-stream marker was reached")
            if found:
                self._at += len(found)
                return found

    def _open_gzip_member(self, packed: bytes) -> bytes:
        """What is left to unpack from the next member's beginning, which zeros may stand before but for the first."""
        while self._members and packed and not (packed := packed.lstrip(b"\0")):
            packed = self._raw.read(_PACKED)
        if len(packed) == 1:
            packed += self._raw.read(_PACKED)
        if packed and packed[:2] != _MAGIC:
            raise gzip.BadGzipFile(f"Not a gzipped file ({packed[:2]!r})")
        if packed:
            self._member = library.decompressobj(16 + zlib.MAX_WBITS)
            self._members += 1
        return packed


class Deflated(_Stream):
    """A member of a zip: at most ``size`` bytes, whose checksum is compared at their end."""

    def __init__(self, raw: IO[bytes], size: int, checksum: int, name: str) -> None:
        self._size, self._checksum, self._name = size, checksum, name
        super().__init__(raw)

    def _begin_inflating(self) -> None:
        super()._begin_inflating()
        self._sum = 0
        self._member = library.decompressobj(-zlib.MAX_WBITS)

    def read(self, most: int) -> bytes:
        """Some of the next bytes; none at the end."""
        most = min(most, PIECE, self._size - self._at)
        found = b""
        while most > 0 and not found and not self._member.eof:
            packed = self._rest or self._raw.read(_PACKED)
            found = self._member.decompress(packed, most)
            self._rest = self._member.unconsumed_tail
            if not packed and not found:
                break
        self._at += len(found)
        self._sum = crc32(found, self._sum)
        if not found and most >= 0 and self._sum != self._checksum:
            raise zipfile.BadZipFile(f"Bad CRC-32 for file {self._name!r}")
        return found
