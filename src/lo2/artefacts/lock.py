"""One writer per data state: locks on the result root and the model root."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from filelock import FileLock, Timeout

from lo2.artefacts.files import sweep
from lo2.artefacts.layout import Home
from lo2.errors import LockedError


@contextmanager
def lock(home: Home) -> Iterator[None]:
    """Hold both roots; what a killed writer left behind is removed first. Nested use in one process is fine.

    Raises
    ------
    LockedError
        If another process holds one of them.
    """
    roots = sorted({root.absolute() for root in (home.result, home.models)})
    with ExitStack() as held:
        for root in roots:
            root.mkdir(parents=True, exist_ok=True)
            guard = FileLock(root / ".lock", is_singleton=True, thread_local=False)
            try:
                held.enter_context(guard.acquire(timeout=0))
            except Timeout:
                raise LockedError(
                    f"Another run is writing to {root}. Wait for it to end, or choose another --variant"
                ) from None
            if guard.lock_counter == 1:
                # Folders below the model root belong to variants, which have locks of their own.
                sweep(root, deep=root == home.result.absolute())
        yield
