"""Blocks of whole lines from a raw log, in bounded memory: it is opened and decoded, long lines are shortened."""

import codecs
import gc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np

from lo2.loading.sources.compression import ERRORS, decompressed_stream
from lo2.loading.sources.files import LogFile
from lo2.loading.sources.inflate import crc32

BLOCK = 1 << 19  # fits the second-level cache with most that is made of it
MAX_LINE = 64 << 10
LEARNT = 1 << 18
"""A format is learnt from lines that begin in so many bytes."""
_KEPT = 4 << 20
_OBJECTS = 50_000
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
UNREADABLE: tuple[type[Exception], ...] = (*ERRORS, zipfile.BadZipFile)
"""What a broken file raises while it is read; everything else is a bug."""


def keep_block_memory() -> None:
    """Let the C library keep what a block frees for the next one: asking anew costs a quarter of the time.

    glibc returns what is free beyond twice the largest piece that was ever freed; elsewhere nothing changes.
    """
    np.empty(_KEPT, np.uint8)


@contextmanager
def collect_garbage_seldom() -> Iterator[None]:
    """Look for cycles of objects more seldom: a run makes many objects and hardly any cycle."""
    before = gc.get_threshold()
    if before[0]:
        gc.set_threshold(max(before[0], _OBJECTS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@dataclass
class Reader:
    """Blocks of one log; size, checksum and ``truncated_bytes`` grow while they are read."""

    file: LogFile
    size_bytes: int = 0
    crc32: int = 0
    truncated_bytes: int = 0

    def __iter__(self) -> Iterator[bytes]:
        """Blocks that end with a line feed; of a line longer than ``MAX_LINE`` the head only, the rest counted."""
        with open_raw_log(self.file) as stream:
            yield from self.read_blocks(stream)

    def read_blocks(self, stream: IO[bytes]) -> Iterator[bytes]:
        """Blocks of whole lines of a stream that is open."""
        carry = b""
        decode = None
        while chunk := stream.read(BLOCK):
            if not self.size_bytes:
                decode = _block_decoder(chunk)
            self.size_bytes += len(chunk)
            self.crc32 = crc32(chunk, self.crc32)
            if decode is not None:
                chunk = decode(chunk).encode("utf-8", "replace")
            cut = chunk.rfind(b"\n") + 1
            if not cut:
                carry = self._shorten_block_line(carry + chunk)
                continue
            yield self._shorten_block_lines(b"".join((carry, memoryview(chunk)[:cut])))
            carry = self._shorten_block_line(chunk[cut:])
        if carry:
            yield carry + b"\n"

    def _shorten_block_line(self, line: bytes) -> bytes:
        self.truncated_bytes += max(0, len(line) - MAX_LINE)
        return line[:MAX_LINE]

    def _shorten_block_lines(self, block: bytes) -> bytes:
        if not _block_has_long_line(block):
            return block
        return b"\n".join(self._shorten_block_line(line) for line in block.split(b"\n"))


def _block_decoder(first: bytes) -> Callable[[bytes], str] | None:
    """How a log that is not UTF-8 text is decoded, by its byte order mark or where its zero bytes stand.

    Examples
    --------
    >>> _block_decoder("up".encode("utf-16"))("up".encode("utf-16"))
    'up'
    """
    for mark, name in _MARKS:
        if first.startswith(mark):
            return codecs.getincrementaldecoder(name)("replace").decode
    if b"\0" not in first[:400]:
        return None
    some = np.frombuffer(first[:400], np.uint8) == 0
    if some.size > 3 and some[1::2].mean() > 0.8 and not some[::2].any():
        return codecs.getincrementaldecoder("utf-16-le")("replace").decode
    if some.size > 3 and some[::2].mean() > 0.8 and not some[1::2].any():
        return codecs.getincrementaldecoder("utf-16-be")("replace").decode
    return None


def _block_has_long_line(block: bytes) -> bool:
    """A line longer than MAX_LINE leaves at least one aligned window of MAX_LINE // 2 bytes without a line feed."""
    step = MAX_LINE // 2
    return any(block.find(b"\n", i, i + step) < 0 for i in range(0, len(block) - step, step))


def open_raw_log(file: LogFile) -> IO[bytes]:
    """Binary stream of the log, from its archive where it lies in one, unpacked as its name ends."""
    return decompressed_stream(file.open(), file.relative)
