"""Bundles decompressed as joblib would, in pieces and up to a bound: a few bytes may unpack to anything."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import IO, Any

from lo2.artefacts.refusal import bundle_refusal
from lo2.members import UNPACKING

# The largest bundle, and what a compressed one may become: models shrink to a fifth, bombs to a thousandth.
MAX_BYTES = 1 << 30
MAX_UNPACKED = 256 << 20
MAX_RATIO = 100
_SMALL = 16 << 20
_PIECE = 1 << 20
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")


def _bounded_lzma_stream(stream: IO[bytes]) -> IO[bytes]:
    # Its dictionary is taken before the first byte: 4 GiB if the file says so.
    return _Bounded(lzma.LZMADecompressor(memlimit=128 << 20), stream)  # type: ignore[return-value]


def _bounded_zlib_stream(stream: IO[bytes]) -> IO[bytes]:
    return _Bounded(zlib.decompressobj(), stream)  # type: ignore[return-value]


class _Bounded:
    """Reads one stream of a decompressor that takes a bound for each step."""

    def __init__(self, decompressor: Any, stream: IO[bytes]) -> None:
        self.decompressor, self.stream = decompressor, stream

    def read(self, size: int) -> bytes:
        while not self.decompressor.eof:
            waiting = getattr(self.decompressor, "unconsumed_tail", b"")
            data = waiting or (b"" if not getattr(self.decompressor, "needs_input", True) else self.stream.read(_PIECE))
            if not data and getattr(self.decompressor, "needs_input", True):
                raise EOFError("it is truncated")
            piece: bytes = self.decompressor.decompress(data, size)
            if piece:
                return piece
        return b""


_OPENERS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    **dict.fromkeys(_ZLIB, _bounded_zlib_stream),
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream),
    b"BZ": bz2.BZ2File,
    b"\xfd7zXZ": _bounded_lzma_stream,
    b"\x5d\0": _bounded_lzma_stream,
}


def decompress_bundle(data: bytes) -> bytes:
    """``data`` decompressed where it is compressed.

    Raises
    ------
    UntrustedBundleError
        If it is damaged, or becomes more than a model of its size could.
    """
    opener = next((opener for prefix, opener in _OPENERS.items() if data.startswith(prefix)), None)
    if opener is None:
        return data
    limit = min(MAX_UNPACKED, max(_SMALL, MAX_RATIO * len(data)))
    packed, plain = opener(io.BytesIO(data)), bytearray()
    try:
        while piece := packed.read(_PIECE):
            plain += piece
            if len(plain) > limit:
                raise bundle_refusal(f"it unpacks to more than {limit >> 20} MiB, which no model of its size does")
    except UNPACKING as error:
        raise bundle_refusal(f"it is damaged or truncated ({error})") from error
    return bytes(plain)
