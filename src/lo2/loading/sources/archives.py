"""Archives of logs, listed where they lie: zip, tar, tar.gz, a tar in a zip; heads, damage, end marks, losses.

A log in a plain tar, or in a tar that a zip holds uncompressed, is a window of the archive file. A log in a compressed
tar is a window of its stream: each process keeps one such stream open, so that logs asked for in their order cost one
pass.
"""

import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol, cast

from lo2.errors import InputError, MissingExtraError
from lo2.loading.sources.blocks import keep_block_memory
from lo2.loading.sources.compression import ERRORS, NoZstandardError, compression_ending
from lo2.loading.sources.inflate import crc32
from lo2.loading.sources.members import Window, archive_of, member_data_offset, unpacked_tar
from lo2.members import DAMAGE, leads_out, zip_member_kind

_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
KINDS = (".zip", *_TARS)
_BROKEN = (*DAMAGE, *ERRORS)
_HEAD = 1024
_PIECE, _PADDING = 1 << 20, 64 << 20
_CUT = "the archive is damaged or cut off here: what follows cannot be read"


class Losses(Protocol):
    """Where is counted what is not read, and named what cannot be."""

    def add(self, reason: str, path: str) -> None:
        """Count a path under a reason."""

    def add_unreadable(self, path: str, why: str) -> None:
        """Name what cannot be read."""


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive: its name, and where its bytes are.

    ``outer`` is the zip member that holds it: the file itself, or its compressed tar; ``offset`` where it starts in
    that stream (without ``outer``: in the archive), or -1 for a zip member of its own. ``stamp`` changes when the
    content does: a checksum, or the archive's time. ``head`` are its first bytes where they were asked for.
    """

    name: str
    size_bytes: int
    stamp: int
    outer: str
    offset: int
    head: bytes = b""


def is_archive(root: Path) -> bool:
    """Whether the name says that this file is an archive that can be read."""
    return root.name.lower().endswith(KINDS) and root.is_file()


def is_packed_archive(root: Path) -> bool:
    """Whether it is an archive that must be unpacked to be listed."""
    return bool(compression_ending(root.name)) and is_archive(root)


def archive_stem(name: str) -> str:
    """Name of an archive without its ending.

    Examples
    --------
    >>> archive_stem("build.17.tar.gz")
    'build.17'
    """
    kind = max((k for k in KINDS if name.lower().endswith(k)), key=len, default="")
    return name[: len(name) - len(kind)]


def list_archive(root: Path, losses: Losses, *, look: Callable[[str], bool] = lambda name: False) -> Iterator[Member]:
    """Regular files of an archive and of the tars in it, names relative and checked; links are counted, not followed.

    What is damaged behind the first member is named in ``losses``; the first bytes of those that ``look`` chooses by
    name come along.

    Raises
    ------
    InputError
        If nothing in the archive can be listed, or a name is absolute, climbs out, or occurs twice.
    MissingExtraError
        If it is compressed with Zstandard, and nothing is installed that reads that.
    """
    found = False
    try:
        for member in _list_archive(root, losses, look):
            found = True
            yield member
    except _BROKEN as error:
        if isinstance(error, InputError):
            raise
        if isinstance(error, NoZstandardError):
            raise MissingExtraError(f"{root}: {error}") from error
        why = f"{type(error).__name__}: {error}"
        if not found:
            raise InputError(f"{root} cannot be read as an archive ({why}). Get a clean copy") from error
        losses.add_unreadable(root.name, f"{_CUT} ({why})")


def _list_archive(root: Path, losses: Losses, look: Callable[[str], bool]) -> Iterator[Member]:
    keep_block_memory()
    if root.name.lower().endswith(".zip"):
        yield from _list_zip(root, losses, look)
    else:
        with _tar_stream(root, "") as stream:
            whole = Member(root.name, 0, root.stat().st_mtime_ns, "", 0)
            yield from _list_tar(root, stream, whole, PurePosixPath(), losses, look)


@contextmanager
def _tar_stream(root: Path, outer: str) -> Iterator[IO[bytes]]:
    """A tar from its beginning, for listing it."""
    if outer or compression_ending(root.name):
        stream = unpacked_tar(str(root), outer)
        stream.seek(0)
        yield stream
    else:
        with root.open("rb") as plain:
            yield plain


def _list_zip(root: Path, losses: Losses, look: Callable[[str], bool]) -> Iterator[Member]:
    names: set[str] = set()
    archive = archive_of(str(root))
    for info in archive.infolist():
        name = _checked_member_name(root, info.filename, names)
        kind = zip_member_kind(info)
        if kind == "folder":
            continue
        if kind == "link":
            losses.add("symbolic link", name)
        elif kind == "encrypted":
            losses.add_unreadable(name, "it is encrypted. Unpack the archive, and name the folder")
        elif name.lower().endswith(_TARS):
            yield from _list_zipped_tar(root, info, name, losses, look)
        else:
            head = _zipped_log_head(archive, info) if look(name) else b""
            yield Member(name, info.file_size, info.CRC, info.filename, -1, head)


def _zipped_log_head(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(info) as stream:
            return stream.read(_HEAD)
    except _BROKEN:
        return b""  # said when it is read


def _list_zipped_tar(
    root: Path, info: zipfile.ZipInfo, name: str, losses: Losses, look: Callable[[str], bool]
) -> Iterator[Member]:
    place = PurePosixPath(name)
    stem = place.with_name(place.name[: place.name.lower().rindex(".t")])
    try:
        if info.compress_type == zipfile.ZIP_STORED and name.lower().endswith(".tar"):
            start = member_data_offset(str(root), info)
            with root.open("rb") as whole:
                window = cast(IO[bytes], Window(whole, start, info.file_size))
                yield from _list_tar(root, window, Member(name, 0, info.CRC, "", start), stem, losses, look)
        else:
            with _tar_stream(root, info.filename) as stream:
                inner = Member(name, 0, info.CRC, info.filename, 0)
                yield from _list_tar(root, stream, inner, stem, losses, look)
    except _BROKEN as error:
        if isinstance(error, InputError):
            raise
        why = f"{_CUT} ({type(error).__name__}: {error})"
        losses.add_unreadable(name, str(error) if isinstance(error, NoZstandardError) else why)


def _list_tar(
    root: Path,
    stream: IO[bytes],
    whole: Member,
    stem: PurePosixPath,
    losses: Losses,
    look: Callable[[str], bool],
) -> Iterator[Member]:
    names: set[str] = set()
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        last = "the first member"
        while (info := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]
            if info.isdir():
                continue
            name = last = _checked_member_name(root, info.name, names)
            if info.issym() or info.islnk():
                losses.add("symbolic link", name)
            elif not info.isreg() or info.issparse():
                losses.add("not a regular file", name)
            elif info.size < 0:
                losses.add_unreadable(_tar_member_path(stem, name), f"the archive says that it has {info.size} bytes")
            else:
                place = whole.offset + info.offset_data
                head = _tar_log_head(stream, info) if look(name) else b""
                yield Member(_tar_member_path(stem, name), info.size, whole.stamp, whole.outer, place, head)
        if not _tar_has_end_mark(stream, archive.offset):
            losses.add_unreadable(whole.name, f"{_CUT}, behind {last}")
        elif why := _tar_end_damage(stream) or _zipped_tar_damage(stream, whole):
            losses.add_unreadable(whole.name, f"what was read of it may be damaged: {why}")


def _tar_log_head(stream: IO[bytes], info: tarfile.TarInfo) -> bytes:
    stream.seek(info.offset_data)
    return stream.read(min(_HEAD, info.size))


def _tar_has_end_mark(stream: IO[bytes], offset: int) -> bool:
    """Whether the listing stopped at the end mark, a block of zeros; ``tarfile`` takes a damaged header for an end."""
    stream.seek(offset)
    block = stream.read(512)
    return len(block) == 512 and not block.strip(b"\0")


def _tar_end_damage(stream: IO[bytes]) -> str:
    """What is wrong behind the end mark, where checksums of compressed tars stand; a plain tar has none."""
    try:
        for _ in range(_PADDING // _PIECE):
            if not stream.read(_PIECE):
                return ""
    except _BROKEN as error:
        return f"{type(error).__name__}: {error}"
    return f"it goes on for more than {_PADDING:,} bytes behind its end mark"


def _zipped_tar_damage(stream: IO[bytes], whole: Member) -> str:
    """What is wrong with a tar that a zip holds as it is: its logs are read past the zip, which has the checksum."""
    if not whole.offset:
        return ""
    stream.seek(0)
    found = 0
    while piece := stream.read(_PIECE):
        found = crc32(piece, found)
    return "" if found == whole.stamp else "its checksum in the zip is another"


def _tar_member_path(stem: PurePosixPath, name: str) -> str:
    """Name as in the folder tree: a tar of one run that does not repeat the run's name stands for its folder."""
    if stem.name and PurePosixPath(name).parts[0] != stem.name:
        return str(stem / name)
    return str(stem.parent / name)


def _checked_member_name(root: Path, name: str, names: set[str]) -> str:
    if leads_out(name):
        raise InputError(f"{root}: the name {name!r} leads out of the archive. Get a clean copy, or name its folder")
    plain = str(PurePosixPath(name))
    if plain in names and not name.endswith("/"):
        raise InputError(f"{root}: {plain!r} occurs twice, and nobody can tell which one counts. Make the archive anew")
    names.add(plain)
    return plain
