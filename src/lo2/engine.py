"""The engine, one seam for parallel work: shards run sequentially, in early loky workers or on dask, in bounded memory.

Results come in the order they finish; the caller's own keys put them in order. A killed worker costs its shard a
retry, not the run.
"""

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from lo2.errors import RunFailedError, UsageError
from lo2.extras import need_extra
from lo2.forks import (
    THREADS,
    Forked,
    follow_parent,
    forks_uninterrupted,
    may_fork_safely,
    run_in_fork,
    take_forks,
    waiting_forks,
    watch_parent,
)
from lo2.kernel import kernel_allowed, kernel_in_use
from lo2.options import Ranged, option

S = TypeVar("S")
R = TypeVar("R")
BACKENDS = ("sequential", "loky", "dask")
_RETRIES = 2
_IN_FLIGHT = 256
_WORTH_WORKERS = 200_000_000  # below this, starting a worker takes longer than it saves
_MAIN_BYTES = 160_000_000  # these are measured, see docs/scale.md
_WORKER_BYTES = 120_000_000
_BATCH_BYTES = 48_000_000
_LEAST_BATCH = 8_000_000
_BYTES_PER_BYTE = 1.5
_LEAST_WORKER = _WORKER_BYTES + int(_BYTES_PER_BYTE * _LEAST_BATCH)


@dataclass(frozen=True)
class EngineOptions(Ranged):
    """Where the work runs; never part of what determines the bytes."""

    backend: str = option("loky", "sequential, loky or dask", more=True)
    jobs: int = option(0, "Worker processes; 0 means one per core, or none where little is to be done", least=0)
    scheduler: str | None = option(
        None, "Address of a dask scheduler, tcp://host:port; without it a local cluster", more=True
    )

    max_ram: str | None = option(
        None, "Memory of loading, all processes together, like 2G: fewer workers, smaller batches", more=True
    )
    kernel: bool = option(
        True, "Use the compiled twin (lo2_kernel) where it is installed; the bytes are the same", more=True
    )

    @property
    def reader(self) -> str:
        """What reads logs: ``lo2_kernel`` or ``python``; for the log of a run, since the bytes are the same."""
        with kernel_allowed(self.kernel):
            return kernel_in_use()

    @property
    def workers(self) -> int:
        """Worker processes to start."""
        wanted = self.jobs if self.jobs > 0 else len(os.sched_getaffinity(0))
        if self.max_ram is None:
            return wanted
        free = parse_bytes(self.max_ram) - _MAIN_BYTES
        if free < _LEAST_WORKER:
            least = (_MAIN_BYTES + _LEAST_WORKER) / 1e6
            raise UsageError(f"--max-ram {self.max_ram} is too little: one worker needs {least:.0f}M")
        return min(wanted, free // _LEAST_WORKER)

    @property
    def batch_bytes(self) -> int:
        """How many bytes of logs a worker should take at a time."""
        if self.max_ram is None:
            return _BATCH_BYTES
        each = (parse_bytes(self.max_ram) - _MAIN_BYTES) / self.workers
        return max(_LEAST_BATCH, min(_BATCH_BYTES, int((each - _WORKER_BYTES) / _BYTES_PER_BYTE)))

    def fit(self, size_bytes: int) -> "EngineOptions":
        """These options for so many bytes of work: in this process where workers, not asked for, are not worth it."""
        small = self.backend == "loky" and not self.jobs and size_bytes < _WORTH_WORKERS
        return replace(self, backend="sequential") if small else self

    def plan(self) -> str:
        """One sentence on what was decided."""
        limit = f" within {self.max_ram}" if self.max_ram is not None else ""
        return f"{self.workers} workers{limit}, {self.batch_bytes / 1e6:.0f} MB of logs at a time"


def parse_bytes(text: str) -> int:
    """Bytes of a size as people write it.

    Examples
    --------
    >>> parse_bytes("1.5G"), parse_bytes("300M")
    (1500000000, 300000000)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMGT]?)i?B?", text.strip(), re.IGNORECASE)
    if match is None:
        raise UsageError(f"{text!r} is not an amount of memory. Write it like 500M or 4G")
    return int(float(match[1]) * 1000 ** " kmgt".index(match[2].lower() or " "))


@dataclass(frozen=True)
class ThreadOptions(Ranged):
    """Phases that run in one process: how many threads its numerical libraries may start; never what comes out."""

    jobs: int = option(0, "Threads of the numerical libraries at most; 0 leaves it to them", least=0)

    def limit_threads(self) -> AbstractContextManager[object]:
        """Context in which the limit holds."""
        from threadpoolctl import threadpool_limits

        limit: AbstractContextManager[object] = threadpool_limits(self.jobs or None)
        return limit


def run_in_parallel(function: Callable[[S], R], shards: Sequence[S], options: EngineOptions) -> Iterator[R]:
    """Yield ``function(shard)`` for every shard, as they finish.

    Raises
    ------
    RunFailedError
        If a shard's worker was killed more than twice; the results before it were yielded.
    """
    if options.backend not in BACKENDS:
        raise UsageError(f"There is no backend {options.backend!r}. Choices: {', '.join(BACKENDS)}")
    if not options.kernel:
        function = partial(_run_uncompiled, function)
    if options.backend == "dask":
        return _run_on_dask(function, shards, options)
    if options.backend == "sequential" or options.workers == 1 or len(shards) < 2:
        return (function(shard) for shard in shards)
    return _run_in_loky(function, shards, options.workers)


def _run_uncompiled(function: Callable[[S], R], shard: S) -> R:
    with kernel_allowed(False):
        return function(shard)


def _run_in_loky(function: Callable[[S], R], shards: Sequence[S], workers: int) -> Iterator[R]:
    left = dict(enumerate(shards))
    for _ in range(_RETRIES + 1):
        try:
            for i, result in _worker_results(function, sorted(left.items()), workers):
                left.pop(i)
                yield result
            return
        except BrokenProcessPool:
            continue
    raise RunFailedError(f"A worker was killed {_RETRIES + 1} times (out of memory?); {len(left)} shards are left")


def _worker_results(function: Callable[[S], R], work: Sequence[tuple[int, S]], workers: int) -> Iterator[tuple[int, R]]:
    """Results with their numbers as they finish; however this ends, no worker is left."""
    pool, end = _start_workers(workers)
    whole = False
    try:
        todo = iter(work)
        with forks_uninterrupted():  # workers are started here, and Ctrl-C is for the parent alone
            running = {pool.submit(function, shard): i for i, shard in islice(todo, 2 * workers)}
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
                with forks_uninterrupted():
                    running |= {pool.submit(function, shard): i for i, shard in islice(todo, 1)}
        whole = True
    finally:
        end(not whole)  # gives their memory back


def _start_workers(workers: int) -> tuple[Executor, Callable[[bool], None]]:
    """Workers, and how they end: at once, or when their work is done."""
    if (forked := take_forks(workers)) is not None:
        return forked.pool, lambda kill: forked.shutdown(kill=kill)
    from joblib.externals.loky import ProcessPoolExecutor

    _start_worker_trackers()
    env = dict.fromkeys(THREADS, "1")
    pool = ProcessPoolExecutor(max_workers=workers, initializer=follow_parent, initargs=(os.getpid(),), env=env)
    return pool, lambda kill: pool.shutdown(wait=True, kill_workers=kill)


def _start_worker_trackers() -> None:
    """Start what looks after the semaphores of workers, before any of these.

    Python's lets SIGINT through when it has started, also to a worker that is started with it blocked; and both warn of
    semaphores that are left by a process that ends at once after Ctrl-C, which they then take away.
    """
    if not hasattr(signal, "pthread_sigmask"):
        return
    from multiprocessing import resource_tracker

    from joblib.externals.loky.backend import resource_tracker as loky_tracker

    before = sys.warnoptions[:]
    with forks_uninterrupted():
        sys.warnoptions.append("ignore:resource_tracker:UserWarning")  # they are called with these
        try:
            resource_tracker.ensure_running()
            loky_tracker.ensure_running()
        finally:
            sys.warnoptions[:] = before


def start_early_workers(
    options: EngineOptions, size_bytes: int, modules: Sequence[str]
) -> AbstractContextManager[None]:
    """Context in which ``run_in_parallel`` finds workers that were started before it, with ``modules`` imported.

    There are none where so much work is not worth it, or where this process cannot be forked any more.
    """
    if not _starts_workers_early(options, size_bytes):
        return nullcontext()
    with forks_uninterrupted():
        return waiting_forks(Forked(options.workers, modules))


def early_worker_result(options: EngineOptions, size_bytes: int, function: Callable[[], R]) -> Callable[[], R]:
    """What ``function`` gives, from one more process than ``start_early_workers`` has, or from this one.

    To be called before them, and the answer after what is to be done meanwhile.
    """
    if not _starts_workers_early(options, size_bytes):
        return function
    with forks_uninterrupted():
        coming = run_in_fork(function)

    def early_answer() -> R:
        found = coming()
        return function() if found is None else found  # an error is raised where it can be seen

    return early_answer


def _starts_workers_early(options: EngineOptions, size_bytes: int) -> bool:
    options = options.fit(size_bytes)
    return options.backend == "loky" and options.workers > 1 and may_fork_safely()


def _run_on_dask(function: Callable[[S], R], shards: Sequence[S], options: EngineOptions) -> Iterator[R]:
    need_extra("distributed", what="--backend dask")
    import dask.distributed as dask

    cluster: Any = dask
    # Without an address dask still serves HTTP on port 8787, for everybody, and two clusters collide there.
    target: Any = options.scheduler or cluster.LocalCluster(
        n_workers=options.workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", processes=True
    )
    try:
        with cluster.Client(target) as client:
            if options.scheduler is None:
                client.run(_end_dask_worker, os.getpid())
            waiting = iter(shards)
            some = [_submit_to_dask(client, function, shard) for shard in islice(waiting, _IN_FLIGHT)]
            done = cluster.as_completed(some)
            for future in done:
                yield future.result()
                done.update(_submit_to_dask(client, function, shard) for shard in islice(waiting, 1))
    finally:
        if options.scheduler is None:
            target.close()


def _end_dask_worker(parent: int) -> None:
    """Let a worker of a local dask cluster end with its parent, though some thread has started it."""
    threading.Thread(target=watch_parent, args=(parent,), daemon=True).start()


def _submit_to_dask(client: Any, function: Callable[[S], R], shard: S) -> Any:
    return client.submit(function, shard, pure=False, retries=_RETRIES)
