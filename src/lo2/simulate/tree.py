"""Writes the tree: a folder per run, a folder per test, a file per service, and the truth next to them."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lo2.errors import ArtefactExistsError
from lo2.simulate.options import SimulateOptions, SimulationSummary
from lo2.simulate.schedule import Test, plan_schedule
from lo2.simulate.traffic import drive_traffic
from lo2.simulate.world import World

_TRUTH = ("run", "case", "service", "mark", "file", "line")
_LOCUST = """\
Starting Locust 2.29.0
All users spawned: {{"UserRegistration": 1, "ServiceRegistration": 1, "ClientRegistration": 1}} (7 total users)
Run time limit set to {seconds:.0f} seconds, tags correct {name}
Shutting down (exit code 0)
"""

Truth = tuple[str, str, str, str, str, int | None]


def simulate(
    root: Path,
    options: SimulateOptions,
    *,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> SimulationSummary:
    """Write a log tree in the format of LO2 below ``root``, and ``truth.csv`` with every planted mark.

    Parameters
    ----------
    root : Path
        Folder of the runs; made if need be.
    options : SimulateOptions
        Size, kind and seed.
    overwrite : bool
        Whether runs of the same name may be written again.
    progress : callable, optional
        Called with runs done and runs in all after each run.

    Returns
    -------
    SimulationSummary
        Counts of runs, log files of services, lines and bytes; and where the truth is. A row of the truth is one
        physical line that carries the mark of an error request; ``line`` is empty for a request none of whose marks
        outlived the loss of lines.

    Raises
    ------
    ArtefactExistsError
        If ``root`` holds a simulated tree or one of the runs already.

    Examples
    --------
    >>> import tempfile
    >>> options = SimulateOptions(runs=1, errors_per_run=1, service_types=("token",), scale=0.01)
    >>> simulate(Path(tempfile.mkdtemp()), options).files
    2
    """
    planned = [(np.random.default_rng([options.seed, run]), run) for run in range(options.runs)]
    plans = [(rng, *plan_schedule(options, run, rng)) for rng, run in planned]
    truth = root / "truth.csv"
    for path in (truth, *(root / name for _, name, _ in plans)):
        if path.exists() and not overwrite:
            raise ArtefactExistsError(f"{path} exists. Pass --overwrite to write it again, or choose another root")
    root.mkdir(parents=True, exist_ok=True)
    rows: list[Truth] = []
    totals = np.zeros(3, np.int64)
    for done, (rng, name, tests) in enumerate(plans, 1):
        totals += _write_simulated_run(root, name, tests, rng, options, rows)
        if progress:
            progress(done, options.runs)
    with truth.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_TRUTH)
        writer.writerows(rows)
    files, lines, size_bytes = totals.tolist()
    return SimulationSummary(options.runs, files, lines, size_bytes, truth)


def _write_simulated_run(
    root: Path, run: str, tests: list[Test], rng: np.random.Generator, options: SimulateOptions, rows: list[Truth]
) -> tuple[int, int, int]:
    """Write one run; returns its files, lines and bytes."""
    world = World(rng, options.services())
    files = lines = size_bytes = 0
    for number, test in enumerate(tests):
        opens, stamps = test.stamps()
        world.open_test(opens)
        drive_traffic(world, test, opens, options.scale, cold=number == 0)
        folder = root / run / test.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "locust.log").write_text(
            _LOCUST.format(seconds=test.end - test.start, name=test.name), encoding="utf-8"
        )
        for service in options.services():
            log = world.containers[service].close_file(stamps, options.thin)
            path = folder / f"light-oauth2-oauth2-{service}-1.log"
            path.write_bytes(log.text)
            where = path.relative_to(root).as_posix()
            rows += [(run, test.name, service, mark.mark, where, mark.line or None) for mark in log.planted]
            files, lines, size_bytes = files + 1, lines + log.lines, size_bytes + len(log.text)
    return files, lines, size_bytes
