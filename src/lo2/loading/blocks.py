"""Raw bytes as blocks of whole lines, in bounded memory whatever the file holds."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np

from lo2.loading.compression import ERRORS, unpacked
from lo2.loading.files import LogFile

BLOCK = 1 << 19  # fits the second-level cache with most that is made of it
MAX_LINE = 64 << 10
_KEPT = 4 << 20
UNREADABLE: tuple[type[Exception], ...] = (*ERRORS, zipfile.BadZipFile)
"""What a broken file raises while it is read; everything else is a bug."""


def keep_memory() -> None:
    """Let the C library keep what a block frees for the next one: asking anew costs a quarter of the time.

    glibc returns what is free beyond twice the largest piece that was ever freed; elsewhere nothing changes.
    """
    np.empty(_KEPT, np.uint8)


@dataclass
class Reader:
    """Blocks of one log; size, checksum and ``truncated_bytes`` grow while they are read."""

    file: LogFile
    size_bytes: int = 0
    crc32: int = 0
    truncated_bytes: int = 0

    def __iter__(self) -> Iterator[bytes]:
        """Blocks that end with a line feed; of a line longer than ``MAX_LINE`` the head only, the rest counted."""
        with open_log(self.file) as stream:
            carry = b""
            while chunk := stream.read(BLOCK):
                self.size_bytes += len(chunk)
                self.crc32 = zlib.crc32(chunk, self.crc32)
                cut = chunk.rfind(b"\n") + 1
                if not cut:
                    carry = self._shorten(carry + chunk)
                    continue
                yield self._whole(carry + chunk[:cut])
                carry = self._shorten(chunk[cut:])
            if carry:
                yield carry + b"\n"

    def _shorten(self, line: bytes) -> bytes:
        self.truncated_bytes += max(0, len(line) - MAX_LINE)
        return line[:MAX_LINE]

    def _whole(self, block: bytes) -> bytes:
        if not _has_long_line(block):
            return block
        return b"\n".join(self._shorten(line) for line in block.split(b"\n"))


def _has_long_line(block: bytes) -> bool:
    """A line longer than MAX_LINE leaves at least one aligned window of MAX_LINE // 2 bytes without a line feed."""
    step = MAX_LINE // 2
    return any(block.find(b"\n", i, i + step) < 0 for i in range(0, len(block) - step, step))


def open_log(file: LogFile) -> IO[bytes]:
    """Binary stream of the log, from its archive where it lies in one, unpacked as its name ends."""
    return unpacked(file.open(), file.relative)
