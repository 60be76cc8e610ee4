"""Compressed logs by their ending: gzip, bzip2, xz and Zstandard."""

import bz2
import gzip
import importlib
import lzma
import zlib
from typing import IO, Any, cast

PACKED = (".gz", ".bz2", ".xz", ".zst")
ERRORS: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What damaged data raise while they are unpacked."""
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
    lower = name.lower()
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
    return cast(IO[bytes], _Owner(raw, _opened(raw, kind)))


def _opened(raw: IO[bytes], kind: str) -> IO[bytes]:
    if kind == ".gz":
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw, mode="rb"))
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


class _Owner:
    """A stream that closes what it reads from, too; errors of Zstandard become those of a damaged file."""

    def __init__(self, raw: IO[bytes], stream: IO[bytes]) -> None:
        self._raw, self._stream = raw, stream

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except ERRORS:
            raise
        except Exception as error:
            if type(error).__name__ != "ZstdError":  # a class of whichever library was found
                raise
            raise OSError(f"damaged Zstandard data ({error})") from error

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()
        self._raw.close()

    def __enter__(self) -> "_Owner":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
