"""Locks of folders: one writer per data state, on the result root, the model root and a metrics folder of its own."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from lo2.artefacts.files import sweep_temporary_files
from lo2.artefacts.layout import Home
from lo2.errors import LockedError


@contextmanager
def lock(home: Home, *, create: bool = True) -> Iterator[None]:
    """Hold the roots; what a killed writer left behind is removed first. Nested use in one process is fine.

    Without ``create``, for commands that only read, roots that do not exist or cannot be written to are not locked:
    nobody writes there.

    Raises
    ------
    LockedError
        If another process holds one of them.
    """
    result = home.result.absolute()
    roots = {result, home.models.absolute()}
    if not home.metrics.absolute().is_relative_to(result):
        # Two result roots may share it.
        roots.add(home.metrics.absolute())
    with ExitStack() as held:
        for root in sorted(roots):
            if create or os.access(root, os.W_OK):
                # Folders below the model root belong to variants, which have locks of their own.
                held.enter_context(lock_folder(root, deep=root == result))
        yield


@contextmanager
def lock_folder(root: Path, *, deep: bool = False) -> Iterator[None]:
    """Hold one folder, made if need be, and sweep it (``deep``: and below).

    What was made for the lock alone goes with it: a call that was refused leaves no trace.

    Raises
    ------
    LockedError
        If another process holds it.
    """
    made = [folder for folder in (root, *root.absolute().parents) if not folder.exists()]
    root.mkdir(parents=True, exist_ok=True)
    guard = FileLock(root.absolute() / ".lock", is_singleton=True, thread_local=False)
    try:
        held = guard.acquire(timeout=0)
    except Timeout:
        raise LockedError(
            f"Another run is writing to {root.absolute()}. Wait for it to end, or choose another --variant"
        ) from None
    with held:
        if guard.lock_counter == 1:
            sweep_temporary_files(root, deep=deep)
        try:
            yield
        finally:
            _remove_lock_folders(root, made)


def _remove_lock_folders(root: Path, made: list[Path]) -> None:
    """Remove the folders that were made, the innermost first, where nothing came to lie in them."""
    # While the lock is held: whoever opened its file before finds that it has no name any more, and tries again.
    with suppress(OSError):
        if made and [path.name for path in root.iterdir()] == [".lock"]:
            (root / ".lock").unlink()
            for folder in made:
                folder.rmdir()
