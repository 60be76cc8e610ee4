"""Logs inside archives, read where they lie: zip, tar, tar.gz, and a zip of tars, one per run. Nothing is unpacked.

A log in a plain tar, or in a tar that a zip holds uncompressed, is a window of the archive file. A log in a compressed
tar is a window of its stream: each process keeps one such stream open, so that logs asked for in their order cost one
pass.
"""

import atexit
import gzip
import io
import tarfile
import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from lo2.errors import InputError

KINDS = (".zip", ".tar", ".tar.gz", ".tgz")
_TARS = (".tar", ".tar.gz", ".tgz")
_BROKEN = (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError)
_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive: its name, and where its bytes are.

    ``outer`` is the zip member that holds it: the file itself, or its compressed tar; ``offset`` where it starts in
    that stream (without ``outer``: in the archive), or -1 for a zip member of its own. ``stamp`` changes when the
    content does: a checksum, or the archive's time.
    """

    name: str
    size_bytes: int
    stamp: int
    outer: str
    offset: int


def is_archive(root: Path) -> bool:
    """Whether the name says that this file is an archive that can be read."""
    return root.name.lower().endswith(KINDS) and root.is_file()


def members(root: Path, left_out: Counter[str], *, skip_bad: bool = False) -> Iterator[Member]:
    """Regular files of an archive and of the tars in it, names relative and checked; links are counted, not followed.

    Raises
    ------
    InputError
        If the archive, or a tar in it, cannot be read (``skip_bad``: that tar is counted instead), or a name is
        absolute, climbs out, or occurs twice.
    """
    try:
        if root.name.lower().endswith(".zip"):
            yield from _zip_members(root, left_out, skip_bad)
        else:
            with _tar_stream(root, "") as stream:
                whole = Member(root.name, 0, root.stat().st_mtime_ns, "", 0)
                yield from _tar_members(root, stream, whole, PurePosixPath(), left_out)
    except _BROKEN as error:
        raise InputError(f"{root} cannot be read as an archive ({type(error).__name__}: {error})") from error


def open_member(root: str, outer: str, offset: int, size: int) -> IO[bytes]:
    """Stream over one member's bytes."""
    if offset < 0:
        return _STREAMS.archive(root).open(outer)
    if outer or root.lower().endswith("gz"):
        window = Window(_STREAMS.unpacked(root, outer), offset, size)
    else:
        window = Window(Path(root).open("rb"), offset, size, own=True)  # noqa: SIM115 - closed by the window
    return cast(IO[bytes], io.BufferedReader(window, _BUFFER))


class Window(io.RawIOBase):
    """A part of a stream as a stream of its own; it ends with an error where the stream ends early."""

    def __init__(self, stream: IO[bytes], offset: int, size: int, *, own: bool = False) -> None:
        self._stream, self._offset, self._size, self._own = stream, offset, size, own
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move within the window."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes."""
        wanted = max(0, min(len(buffer), self._size - self._at))
        if not wanted:
            return 0
        self._stream.seek(self._offset + self._at)
        data = self._stream.read(wanted)
        if not data:
            raise EOFError("the archive ends within this file")
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Close the stream too if it is the window's own."""
        if self._own and not self.closed:
            self._stream.close()
        super().close()


class _Streams(threading.local):
    """What this thread keeps open: one zip file, one compressed tar."""

    def __init__(self) -> None:
        self.key: tuple[object, ...] = ()
        self.tar_key: tuple[object, ...] = ()
        self.zip: zipfile.ZipFile | None = None
        self.tar: list[IO[bytes]] = []

    def archive(self, root: str) -> zipfile.ZipFile:
        facts = Path(root).stat()
        key = (root, facts.st_mtime_ns, facts.st_size)
        if self.zip is None or self.key != key:
            self.close()
            self.zip, self.key = zipfile.ZipFile(root), key
        return self.zip

    def unpacked(self, root: str, outer: str) -> IO[bytes]:
        """Decompressed stream of a tar; another one takes its place."""
        below = self.archive(root) if outer else None
        facts = Path(root).stat()
        key = (root, outer, facts.st_mtime_ns, facts.st_size)
        if not self.tar or self.tar_key != key:
            self.forget()
            self.tar = [below.open(outer) if below else Path(root).open("rb")]  # noqa: SIM115 - closed by forget()
            if (outer or root).lower().endswith("gz"):
                self.tar.append(cast(IO[bytes], gzip.GzipFile(fileobj=self.tar[0], mode="rb")))
            self.tar_key = key
        return self.tar[-1]

    def forget(self) -> None:
        while self.tar:
            self.tar.pop().close()

    def close(self) -> None:
        self.forget()
        if self.zip is not None:
            self.zip.close()
        self.zip = None


_STREAMS = _Streams()
release = _STREAMS.close
"""Close what this thread keeps open."""
atexit.register(release)


@contextmanager
def _tar_stream(root: Path, outer: str) -> Iterator[IO[bytes]]:
    """A tar from its beginning, for listing it."""
    if outer or root.name.lower().endswith("gz"):
        stream = _STREAMS.unpacked(str(root), outer)
        stream.seek(0)
        yield stream
    else:
        with root.open("rb") as plain:
            yield plain


def _zip_members(root: Path, left_out: Counter[str], skip_bad: bool) -> Iterator[Member]:
    names: set[str] = set()
    for info in _STREAMS.archive(str(root)).infolist():
        name = _checked(root, info.filename, names)
        if info.is_dir():
            continue
        if (info.external_attr >> 16) & 0o170000 == 0o120000:
            left_out["symbolic link"] += 1
        elif info.flag_bits & 1:
            raise InputError(f"{root}: {name!r} is encrypted. Unpack the archive and name the folder")
        elif name.lower().endswith(_TARS):
            try:
                yield from _inner_tar(root, info, name, left_out)
            except (InputError, *_BROKEN):
                if not skip_bad:
                    raise
                left_out["unreadable archive in the archive"] += 1
        else:
            yield Member(name, info.file_size, info.CRC, info.filename, -1)


def _inner_tar(root: Path, info: zipfile.ZipInfo, name: str, left_out: Counter[str]) -> Iterator[Member]:
    place = PurePosixPath(name)
    stem = place.with_name(place.name[: place.name.lower().rindex(".t")])
    if info.compress_type == zipfile.ZIP_STORED and name.lower().endswith(".tar"):
        with root.open("rb") as whole:
            whole.seek(info.header_offset + 26)
            lengths = whole.read(4)
            start = info.header_offset + 30 + sum(int.from_bytes(lengths[i : i + 2], "little") for i in (0, 2))
            window = cast(IO[bytes], Window(whole, start, info.file_size))
            yield from _tar_members(root, window, Member(name, 0, info.CRC, "", start), stem, left_out)
    else:
        with _tar_stream(root, info.filename) as stream:
            yield from _tar_members(root, stream, Member(name, 0, info.CRC, info.filename, 0), stem, left_out)


def _tar_members(
    root: Path, stream: IO[bytes], whole: Member, stem: PurePosixPath, left_out: Counter[str]
) -> Iterator[Member]:
    names: set[str] = set()
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        while (info := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]
            if info.isdir():
                continue
            name = _checked(root, info.name, names)
            if info.issym() or info.islnk():
                left_out["symbolic link"] += 1
            elif not info.isreg() or info.issparse():
                left_out["not a regular file"] += 1
            else:
                place = whole.offset + info.offset_data
                yield Member(_below(stem, name), info.size, whole.stamp, whole.outer, place)


def _below(stem: PurePosixPath, name: str) -> str:
    """Name as in the folder tree: a tar of one run that does not repeat the run's name stands for its folder."""
    if stem.name and PurePosixPath(name).parts[0] != stem.name:
        return str(stem / name)
    return str(stem.parent / name)


def _checked(root: Path, name: str, names: set[str]) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\x00" in name or not name:
        raise InputError(f"{root}: the name {name!r} leads out of the archive. Get a clean copy, or name its folder")
    plain = str(path)
    if plain in names and not name.endswith("/"):
        raise InputError(f"{root}: {plain!r} occurs twice, and nobody can tell which one counts. Make the archive anew")
    names.add(plain)
    return plain
