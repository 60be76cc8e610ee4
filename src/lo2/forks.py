"""Forked workers that wait early, with imports done once, and end with their parent; Ctrl-C and threads kept out.

A process may be forked while nothing but one thread runs in it, which is no longer so when Polars was imported. So
whoever wants these workers asks for them first, and imports afterwards; wherever that comes too late the engine starts
fresh processes, as it does after a worker was killed.
"""

import gc
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

R = TypeVar("R")
_WAITING: list["Forked"] = []
# As joblib limits its workers: a process per core needs no further threads.
THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip
_PR_SET_PDEATHSIG = 1
_LOOK_SEC = 0.3


class Forked:
    """Workers that wait, each with ``modules`` imported; ``pool`` gives them work."""

    def __init__(self, workers: int, modules: Sequence[str]) -> None:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        before = set(multiprocessing.active_children())
        self.workers = workers
        self.pool: Executor = ProcessPoolExecutor(
            workers, multiprocessing.get_context("fork"), _begin_forked_worker, (os.getpid(), tuple(modules))
        )
        self.pool.submit(os.getpid)  # all of them start with the first task
        self._processes = set(multiprocessing.active_children()) - before

    def shutdown(self, *, kill: bool) -> None:
        """End all workers, when their work is done or at once."""
        if kill:
            for process in self._processes:
                process.kill()
        self.pool.shutdown(wait=True, cancel_futures=True)


def _begin_forked_worker(parent: int, modules: tuple[str, ...]) -> None:
    os.environ.update(dict.fromkeys(THREADS, "1"))
    follow_parent(parent)
    for name in modules:
        importlib.import_module(name)
    gc.freeze()  # what was imported stays, and need not be looked through again and again


def run_in_fork(function: Callable[[], R]) -> Callable[[], R | None]:
    """Run ``function`` in a process forked for it; the answer waits for what it gives, None where it did not end."""
    import multiprocessing

    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_send_result_from_fork, args=(there, os.getpid(), function), daemon=True)
    process.start()
    there.close()

    def wait_for_fork() -> R | None:
        with here:
            try:
                found: R | None = here.recv()
            except (EOFError, OSError):  # it failed, or was killed
                found = None
        process.join()
        return found

    return wait_for_fork


def _send_result_from_fork(there: "Connection", parent: int, function: Callable[[], object]) -> None:
    gc.disable()  # it ends before that would give anything back
    try:
        follow_parent(parent)
        there.send(function())
    finally:
        os._exit(0)  # in silence: whoever waits does it anew, and there it is seen what went wrong


def may_fork_safely() -> bool:
    """Whether nothing but this thread runs in this process, so that a fork of it is whole."""
    return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208 - names alone


def keep_numpy_threads_out() -> None:
    """Have numpy start no threads when it is imported: for commands that multiply nothing."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@contextmanager
def waiting_forks(forked: Forked | None) -> Iterator[None]:
    """Within, ``take_forks`` finds these workers; those that nobody took end at its end."""
    if forked is None:
        yield
        return
    _WAITING.append(forked)
    try:
        yield
    finally:
        if forked in _WAITING:
            _WAITING.remove(forked)
            forked.shutdown(kill=True)


def take_forks(workers: int) -> Forked | None:
    """Workers that wait, if there are so many; whoever takes them ends them."""
    found = next((forked for forked in _WAITING if forked.workers == workers), None)
    if found is not None:
        _WAITING.remove(found)
    return found


@contextmanager
def forks_uninterrupted() -> Iterator[None]:
    """Within, SIGINT waits, and processes that are started never get it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def follow_parent(parent: int) -> None:
    """Let this worker ignore Ctrl-C and end with its parent, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=watch_parent, args=(parent,), daemon=True).start()
    if sys.platform == "linux":
        import ctypes

        # At once rather than at the watcher's next look; where it is not to be had, the watcher does.
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def watch_parent(parent: int) -> None:
    """End this process when its parent has ended."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SEC)
    os._exit(1)
