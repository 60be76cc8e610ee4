"""Compressed logs by their ending: gzip, bzip2, xz and Zstandard."""

import bz2
import gzip
import importlib
import io
import lzma
import zlib
from typing import IO, Any, cast

PACKED = (".gz", ".bz2", ".xz", ".zst")
_ENDINGS = (*PACKED, ".tgz")
ERRORS: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What damaged data raise while they are unpacked."""
_MAGIC = b"\x1f\x8b"
_PACKED, _BUFFER, _STEP = 1 << 14, 1 << 17, 1 << 13
_ZSTD = ("compression.zstd", "backports.zstd", "zstandard")


class NoZstandardError(OSError):
    """No library for Zstandard; the log counts as unreadable and the message says what to install."""


def ending(name: str) -> str:
    """The ending that says how a file is compressed, or nothing.

    Examples
    --------
    >>> ending("app.log.gz"), ending("app.log")
    ('.gz', '')
    """
    lower = name[-4:].lower()
    if not lower.endswith(_ENDINGS):
        return ""  # most are
    return next((one for one in PACKED if lower.endswith(one)), ".gz" if lower.endswith(".tgz") else "")


def unpacked(raw: IO[bytes], name: str) -> IO[bytes]:
    """Stream of what ``raw`` holds, unpacked as the ending of ``name`` says; closing it closes ``raw`` too.

    Raises
    ------
    NoZstandardError
        If it ends in ``.zst`` and no library for that is installed.
    """
    kind = ending(name)
    if not kind:
        return raw
    if kind == ".gz":
        return cast(IO[bytes], Owner(raw, _Gzip(raw), _BUFFER))
    return cast(IO[bytes], Owner(raw, _opened(raw, kind)))


def _opened(raw: IO[bytes], kind: str) -> IO[bytes]:
    if kind == ".bz2":
        return bz2.BZ2File(raw)
    if kind == ".xz":
        return lzma.LZMAFile(raw)
    for module in _ZSTD:
        try:
            library: Any = importlib.import_module(module)
        except ImportError:
            continue
        stream = (
            library.ZstdFile(raw) if hasattr(library, "ZstdFile") else library.ZstdDecompressor().stream_reader(raw)
        )
        return cast(IO[bytes], stream)
    raw.close()
    raise NoZstandardError(
        "it is compressed with Zstandard, read by Python 3.14, else: pip install 'lo2-pipeline[zstd]', or unpack it"
    )


class _Gzip:
    """Gzip members one after the other, in pieces that are worth a call; their checksums are compared by zlib."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._begin()

    def _begin(self) -> None:
        self._at = 0
        self._rest = b""
        self._member: Any = None
        self._members = 0

    def tell(self) -> int:
        """Place in what was unpacked."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place counted from the beginning or from here."""
        target = offset + (self._at if whence == io.SEEK_CUR else 0)
        if target < self._at:
            self._raw.seek(0)
            self._begin()
        while self._at < target and self.read(min(target - self._at, _BUFFER)):
            pass
        return self._at

    def read(self, most: int) -> bytes:
        """Some of the next bytes; none at the end."""
        while True:
            packed = self._rest or self._raw.read(_PACKED)
            if self._member is None:
                packed = self._open(packed)
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

    def close(self) -> None:
        """Nothing is held."""

    def _open(self, packed: bytes) -> bytes:
        """What is left to unpack from the next member's beginning, which zeros may stand before but for the first."""
        while self._members and packed and not (packed := packed.lstrip(b"\0")):
            packed = self._raw.read(_PACKED)
        if len(packed) == 1:
            packed += self._raw.read(_PACKED)
        if packed and packed[:2] != _MAGIC:
            raise gzip.BadGzipFile(f"Not a gzipped file ({packed[:2]!r})")
        if packed:
            self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            self._members += 1
        return packed


class Owner:
    """A stream that closes what it reads from, too, and gives all that stands before damage.

    Errors of Zstandard become those of a damaged file.
    """

    def __init__(self, raw: IO[bytes], stream: Any, step: int = _STEP) -> None:
        self._raw, self._stream, self._step = raw, stream, step
        self._error: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer before the end or before damage; damage is raised by the next call."""
        found: list[bytes] = []
        missing = size
        while missing and self._error is None:
            piece = self._some(self._step if missing < 0 else min(self._step, missing))
            if not piece:
                break
            found.append(piece)
            missing -= len(piece) if missing > 0 else 0
        if self._error is not None and not found:
            raise self._error
        return found[0] if len(found) == 1 else b"".join(found)

    def _some(self, size: int) -> bytes:
        try:
            piece: bytes = self._stream.read(size)
            return piece
        except ERRORS as error:
            self._error = error
        except Exception as error:
            if type(error).__name__ != "ZstdError":  # a class of whichever library was found
                raise
            self._error = OSError(f"damaged Zstandard data ({error})")
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a place."""
        self._error = None
        place: int = self._stream.seek(offset, whence)
        return place

    def tell(self) -> int:
        """Place in what was unpacked."""
        place: int = self._stream.tell()
        return place

    def close(self) -> None:
        """Close both."""
        self._stream.close()
        self._raw.close()

    def __enter__(self) -> "Owner":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
