"""The schedule: when what runs, names of the runs, order and windows of their tests, printed times."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from lo2.simulate.cases import Case
from lo2.simulate.options import SimulateOptions

# The two runs whose real data is published; a simulated run never takes their name.
PUBLISHED = frozenset({1719592986, 1739743201})
_FIRST = {"v1": datetime(2024, 9, 1, 0, 14, 6, tzinfo=UTC), "v2": datetime(2025, 4, 1, 22, 0, 1, tzinfo=UTC)}
_EVERY_S = {"v1": 3600, "v2": 7200}
_SPARE_MS = 3000
_THOUSAND = [f"{ms:03d}" for ms in range(1000)]


@dataclass(frozen=True)
class Test:
    """One test of a run: its case (None for ``correct``) and its window in seconds since 1970."""

    case: Case | None
    start: float
    end: float

    @property
    def name(self) -> str:
        """Folder of the test."""
        return self.case.name if self.case else "correct"

    def stamps(self) -> tuple[float, list[str]]:
        """Whole second the window opens in, and the printed time of every ms from there to after its end."""
        opens = int(self.start)
        seconds = int(self.end - opens + _SPARE_MS / 1000) + 1
        clock = (_scheduled_clock_text(opens + second) for second in range(seconds))
        return float(opens), [f"{second}{ms}" for second in clock for ms in _THOUSAND]


def _scheduled_clock_text(epoch: int) -> str:
    """Time of day as printed, up to the full stop before the milliseconds; it starts again at midnight."""
    of_day = epoch % 86_400
    return f"{of_day // 3600:02d}:{of_day // 60 % 60:02d}:{of_day % 60:02d}."


def java_time(epoch: float) -> str:
    """Date as java.util.logging prints it.

    Examples
    --------
    >>> java_time(1719592271)
    'Jun 28, 2024 4:31:11 PM'
    """
    moment = datetime.fromtimestamp(int(epoch), UTC)
    return f"{moment:%b} {moment.day}, {moment.year} {moment.hour % 12 or 12}:{moment:%M:%S %p}"


def plan_schedule(options: SimulateOptions, run: int, rng: np.random.Generator) -> tuple[str, list[Test]]:
    """Name of run number ``run`` and its tests in the order they run."""
    cases: list[Case | None] = [None, *_scheduled_error_cases(options, rng)]
    if options.dataset == "v2":
        cases = [cases[at] for at in rng.permutation(len(cases)).tolist()]
    at, windows = 31.0 if options.dataset == "v1" else 57.0, []
    for case in cases:
        span, gap = _test_window_seconds(options.dataset, case, rng)
        windows.append((at, at + span))
        at += span + gap
    epoch = _epoch_in_run_name(options, run, rng)
    length = (windows[-1][1] + 15) * options.scale
    zero = epoch - length if options.dataset == "v1" else float(epoch)
    tests = [
        Test(case, round(zero + start * options.scale, 3), round(zero + end * options.scale, 3))
        for case, (start, end) in zip(cases, windows, strict=True)
    ]
    return f"{'light-oauth2-data' if options.dataset == 'v1' else 'LO2_run'}-{epoch}".replace("run-", "run_"), tests


def _scheduled_error_cases(options: SimulateOptions, rng: np.random.Generator) -> list[Case]:
    candidates = options.case_candidates()
    if options.errors_per_run is None or options.errors_per_run >= len(candidates):
        return list(candidates)
    chosen = rng.permutation(len(candidates))[: options.errors_per_run]
    return [candidates[at] for at in sorted(chosen.tolist())]


def _test_window_seconds(dataset: str, case: Case | None, rng: np.random.Generator) -> tuple[float, float]:
    """Length of a test's window and of the gap after it."""
    if dataset == "v2":
        return float(rng.uniform(20, 180)), float(rng.uniform(5, 17))
    span = float(rng.uniform(60, 61) if case is None else rng.uniform(10, 11))
    return span, float(rng.uniform(2.6, 4.4))


def _epoch_in_run_name(options: SimulateOptions, run: int, rng: np.random.Generator) -> int:
    """Epoch in the run's name: the hourly (v1) or two-hourly (v2) start of the job and a few seconds."""
    if options.first_epoch is not None:
        epoch = options.first_epoch + run * _EVERY_S[options.dataset]
    else:
        first = _FIRST[options.dataset] + timedelta(days=options.seed % 200)
        epoch = int(first.timestamp()) + run * _EVERY_S[options.dataset] + int(rng.integers(60))
    return epoch + 1 if epoch in PUBLISHED else epoch
