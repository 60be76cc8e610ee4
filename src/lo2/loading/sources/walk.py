"""The walk of a root: every file below it, in folders and archives, or one file, or standard input, spooled."""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from lo2.errors import InputNotFoundError, UsageError
from lo2.loading.sources.archives import KINDS, archive_stem, is_archive, list_archive
from lo2.loading.sources.files import LeftOut
from lo2.loading.sources.names import log_name_needs_look

STANDARD_INPUT = "-"
SHAPE = "<root>/<run>/<test_case>/<service>.log"
ROOTS = f"a folder {SHAPE}, one log, - for standard input, or an archive ({', '.join(KINDS)}, also a zip of tars)"
_SHUT = ("metrics", "prerun results")
_DEPTH = 24


@dataclass(frozen=True, slots=True)
class Found:
    """A file: the folders it lies in, its name, and what is needed to open it. ``head`` where an archive gave it."""

    folders: tuple[str, ...]
    name: str
    size_bytes: int
    stamp: int
    outer: str = ""
    offset: int | None = None
    head: bytes = b""

    @property
    def relative(self) -> str:
        """Its path below the root."""
        return "/".join((*self.folders, self.name))


@dataclass(frozen=True)
class Place:
    """A root that is there: ``base`` holds its files, ``name`` stands for it; ``single`` if it is one log."""

    base: Path
    name: str
    packed: bool = False
    single: bool = False

    def find_files(self, left_out: LeftOut) -> Iterator[Found]:
        """All regular files; links are counted and not followed."""
        if self.packed:
            return _walk_archive(self.base, left_out)
        return _walk_single_file(self.base) if self.single else _walk_folders(self.base, left_out)


def root_to_walk(root: str | Path) -> Place:
    """What ``root`` names.

    Raises
    ------
    UsageError
        If it is empty.
    InputNotFoundError
        If nothing is there.
    """
    if not str(root):
        raise UsageError(f"the root is empty, perhaps a variable that is not set. Expected {ROOTS}")
    if str(root) == STANDARD_INPUT:
        return Place(_spool_standard_input(), "stdin", single=True)
    base = Path(root).absolute()
    try:
        if is_archive(base):
            return Place(base, archive_stem(base.name), packed=True)
        if base.is_dir():
            name = base.name if base.name not in ("", "..") else base.resolve().name
            return Place(base, name or "root")
        if base.is_file():
            return Place(base, base.name, single=True)
        why = "is neither a folder nor a file" if base.exists() else "does not exist"
    except OSError as error:  # a name that is too long, a folder nobody may enter
        why = f"cannot be read ({error.strerror})"
    except ValueError as error:
        why = f"cannot be a path ({error})"
    raise InputNotFoundError(f"{root} {why}. Expected {ROOTS}")


@cache
def _spool_standard_input() -> Path:
    """Standard input as a file, written once per process and removed at its end."""
    if sys.stdin is None or sys.stdin.isatty():
        raise InputNotFoundError(
            "- reads standard input, and nothing is piped into it. Example: journalctl | lo2 load -"
        )
    folder = Path(tempfile.mkdtemp(prefix="lo2-stdin-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with (folder / "stdin").open("wb") as target:
        shutil.copyfileobj(sys.stdin.buffer, target, 1 << 20)
    return folder / "stdin"


def _walk_single_file(base: Path) -> Iterator[Found]:
    facts = base.stat()
    yield Found((), base.name, facts.st_size, facts.st_mtime_ns)


def _walk_folders(base: Path, left_out: LeftOut) -> Iterator[Found]:
    stack: list[tuple[str, ...]] = [()]
    while stack:
        folders = stack.pop()
        here = "/".join(folders)
        try:
            with os.scandir(base.joinpath(*folders)) as listed:
                entries = sorted(listed, key=lambda e: e.name)
        except OSError as error:
            left_out.add("unreadable folder", here or ".")
            left_out.add_unreadable(here or ".", f"the folder cannot be read ({error.strerror})")
            continue
        for entry in entries:
            try:
                yield from _walk_entry(entry, folders, stack, left_out)
            except OSError as error:
                left_out.add_unreadable("/".join((*folders, entry.name)), f"it cannot be looked at ({error.strerror})")


def _walk_entry(
    entry: os.DirEntry[str], folders: tuple[str, ...], stack: list[tuple[str, ...]], left_out: LeftOut
) -> Iterator[Found]:
    path = "/".join((*folders, entry.name))
    if entry.is_symlink():
        left_out.add("symbolic link", path)
    elif entry.is_dir():
        if reason := _why_folder_skipped((*folders, entry.name)):
            left_out.add(reason, path)
        else:
            stack.append((*folders, entry.name))
    elif not entry.is_file():
        left_out.add("not a regular file", path)
    else:
        facts = entry.stat(follow_symlinks=False)
        yield Found(folders, entry.name, facts.st_size, facts.st_mtime_ns)


def _walk_archive(base: Path, left_out: LeftOut) -> Iterator[Found]:
    """All logs of an archive; a folder is shut as it would be on the disk, and counted once."""
    shut: set[tuple[str, ...]] = set()
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    for member in list_archive(base, left_out, look=lambda name: log_name_needs_look(PurePosixPath(name).name)):
        *path, name = PurePosixPath(member.name).parts
        folders = known.setdefault(tuple(path), tuple(path))  # one tuple a folder: there may be a million files
        above = next((folders[: i + 1] for i in range(len(folders)) if _why_folder_skipped(folders[: i + 1])), None)
        if above is None:
            yield Found(folders, name, member.size_bytes, member.stamp, member.outer, member.offset, member.head)
        elif above not in shut:
            left_out.add(_why_folder_skipped(above), "/".join(above))
            shut.add(above)


def _why_folder_skipped(folders: tuple[str, ...]) -> str:
    """Why a folder is not entered, or nothing."""
    if folders[-1] in _SHUT:
        return f"folder {folders[-1]}"
    if folders[-1].startswith(".") and folders[-1].strip("."):
        return "hidden folder"
    return "folder too deep" if len(folders) > _DEPTH else ""
