"""Members of archives, which strangers make: what damage raises, which names lead out, what is no plain file.

Raw logs are read where they lie, from archives of any size, whose members are windows of a stream: what cannot be read
is counted, and nothing is unpacked (``loading.sources.archives``). An exchange is a small zip that counts as a whole or
not at all: further bounds on size, ratio and names hold before any of it is written (``artefacts.exchange_zip``).
"""

import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import PurePosixPath

UNPACKING: tuple[type[Exception], ...] = (OSError, EOFError, lzma.LZMAError, zlib.error)
"""What damaged data raise while they are unpacked."""
DAMAGE: tuple[type[Exception], ...] = (
    *UNPACKING, zipfile.BadZipFile, zipfile.LargeZipFile, tarfile.TarError, struct.error, NotImplementedError,
    RuntimeError, ValueError, IndexError, KeyError, OverflowError, MemoryError,
)  # fmt: skip
"""What an archive raises that is damaged, encrypted, or packed in a way that is not known."""


def leads_out(name: str) -> bool:
    """Whether a member's name means a place outside of where it is unpacked, on one system or another.

    Examples
    --------
    >>> [name for name in ("a/b.log", "/a", "a/../../b", "a\\\\b", "") if leads_out(name)]
    ['/a', 'a/../../b', 'a\\\\b', '']
    """
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or "\\" in name or "\x00" in name or not path.parts


def zip_member_kind(info: zipfile.ZipInfo) -> str:
    """``folder``, ``link``, ``special``, ``encrypted``, or ``file`` for one whose bytes can be read.

    Examples
    --------
    >>> zip_member_kind(zipfile.ZipInfo("a/b.log")), zip_member_kind(zipfile.ZipInfo("a/"))
    ('file', 'folder')
    """
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.is_dir():
        return "folder"
    if kind == stat.S_IFLNK:
        return "link"
    if info.flag_bits & 1:
        return "encrypted"
    return "file" if kind in (0, stat.S_IFREG) else "special"
