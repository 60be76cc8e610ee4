"""One seam for parallel work: a function over shards, sequentially, in loky processes or on dask.

Results come in the order they finish; the caller's own keys put them in order. A killed worker costs its shard a
retry, not the run.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lo2.errors import MissingExtraError, RunFailedError, UsageError
from lo2.options import option

S = TypeVar("S")
R = TypeVar("R")
BACKENDS = ("sequential", "loky", "dask")
_RETRIES = 2


@dataclass(frozen=True)
class EngineOptions:
    """Where the work runs; never part of what determines the bytes."""

    backend: str = option("loky", "sequential, loky or dask")
    jobs: int = option(0, "Worker processes; 0 means one per core")
    scheduler: str | None = option(None, "Address of a dask scheduler, tcp://host:port; without it a local cluster")

    @property
    def workers(self) -> int:
        """Worker processes to start."""
        return self.jobs if self.jobs > 0 else len(os.sched_getaffinity(0))


def run_shards(function: Callable[[S], R], shards: Sequence[S], options: EngineOptions) -> Iterator[R]:
    """Yield ``function(shard)`` for every shard, as they finish.

    Raises
    ------
    RunFailedError
        If a shard's worker was killed more than twice; the results before it were yielded.
    """
    if options.backend not in BACKENDS:
        raise UsageError(f"There is no backend {options.backend!r}. Choices: {', '.join(BACKENDS)}")
    if options.backend == "dask":
        return _dask(function, shards, options)
    if options.backend == "sequential" or options.workers == 1 or len(shards) < 2:
        return (function(shard) for shard in shards)
    return _loky(function, shards, options.workers)


def _loky(function: Callable[[S], R], shards: Sequence[S], workers: int) -> Iterator[R]:
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    def numbered(i: int, shard: S) -> tuple[int, R]:
        return i, function(shard)

    waiting = dict(enumerate(shards))
    for _ in range(_RETRIES + 1):
        try:
            with parallel_config("loky", inner_max_num_threads=1):
                pool = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
                for i, result in pool(delayed(numbered)(i, shard) for i, shard in sorted(waiting.items())):
                    waiting.pop(i)
                    yield result
            return
        except TerminatedWorkerError:
            continue
    raise RunFailedError(f"A worker was killed {_RETRIES + 1} times (out of memory?); {len(waiting)} shards are left")


def _dask(function: Callable[[S], R], shards: Sequence[S], options: EngineOptions) -> Iterator[R]:
    try:
        import dask.distributed as dask
    except ImportError as error:
        raise MissingExtraError("--backend dask needs the extra: pip install 'lo2-pipeline[dask]'") from error
    cluster: Any = dask
    target: Any = options.scheduler or cluster.LocalCluster(
        n_workers=options.workers, threads_per_worker=1, dashboard_address=None, processes=True
    )
    try:
        with cluster.Client(target) as client:
            futures = [client.submit(function, shard, pure=False, retries=_RETRIES) for shard in shards]
            for future in cluster.as_completed(futures):
                yield future.result()
    finally:
        if options.scheduler is None:
            target.close()
