"""Compressed logs as decompressed streams, by their ending: gzip, bzip2, xz and Zstandard."""

import bz2
import importlib
import lzma
from typing import IO, Any, cast

from lo2.loading.sources.inflate import DAMAGED, PIECE, Gzip
from lo2.members import UNPACKING

PACKED = (".gz", ".bz2", ".xz", ".zst")
_ENDINGS = (*PACKED, ".tgz")
ERRORS: tuple[type[Exception], ...] = (*UNPACKING, *DAMAGED)
"""The same with those of the library that inflates."""
_STEP = 1 << 13
_ZSTD = ("compression.zstd", "backports.zstd", "zstandard")


class NoZstandardError(OSError):
    """No library for Zstandard; the log counts as unreadable and the message says what to install."""


def compression_ending(name: str) -> str:
    """The ending that says how a file is compressed, or nothing.

    Examples
    --------
    >>> compression_ending("app.log.gz"), compression_ending("app.log")
    ('.gz', '')
    """
    lower = name[-4:].lower()
    if not lower.endswith(_ENDINGS):
        return ""  # most are
    return next((one for one in PACKED if lower.endswith(one)), ".gz" if lower.endswith(".tgz") else "")


def decompressed_stream(raw: IO[bytes], name: str) -> IO[bytes]:
    """Stream of what ``raw`` holds, unpacked as the ending of ``name`` says; closing it closes ``raw`` too.

    Raises
    ------
    NoZstandardError
        If it ends in ``.zst`` and no library for that is installed.
    """
    kind = compression_ending(name)
    if not kind:
        return raw
    if kind == ".gz":
        return cast(IO[bytes], Owner(raw, Gzip(raw), PIECE))
    return cast(IO[bytes], Owner(raw, _open_compressed(raw, kind)))


def _open_compressed(raw: IO[bytes], kind: str) -> IO[bytes]:
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
            piece = self._decompress_some(self._step if missing < 0 else min(self._step, missing))
            if not piece:
                break
            found.append(piece)
            missing -= len(piece) if missing > 0 else 0
        if self._error is not None and not found:
            raise self._error
        return found[0] if len(found) == 1 else b"".join(found)

    def _decompress_some(self, size: int) -> bytes:
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

    def back(self, target: int) -> int:
        """Go back to a place from which it can be read on to that one, the beginning or a nearer one, and say which."""
        self._error = None
        place: int = self._stream.back(target) if isinstance(self._stream, Gzip) else self._stream.seek(0)
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
