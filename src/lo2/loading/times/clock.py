"""The clock of a run: real dates for lines that carry a time of day only, counted from the start in the run's name.

v2 run names (``LO2_run_<epoch>``) hold the START of the run, v1 names (``light-oauth2-data-<epoch>``) its END; a line
lies in ``[start, start + 24 h)`` or ``(end - 24 h, end]``.
"""

import re
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

DAY_MS = 86_400_000
_ANY_EPOCH = re.compile(r"(?<![0-9])1[0-9]{9}(?:[0-9]{3})?(?![0-9])")
_CLOCK = r"(?:[-T_ .]?([0-2][0-9])[-:.]?([0-5][0-9])(?:[-:.]?([0-5][0-9]))?)?"
_DATE = re.compile(rf"(?<![0-9])((?:19|20)[0-9]{{2}})[-_.]?([01][0-9])[-_.]?([0-3][0-9]){_CLOCK}(?![0-9])")
_EPOCH = re.compile(r"(LO2_run_|light-oauth2-data-)(\d{9,11})")


def clock_start(run: str) -> float:
    """Epoch seconds of the epoch or date that the run name holds, for sorting; infinity where it holds none.

    Examples
    --------
    >>> clock_start("LO2_run_1739743201"), clock_start("nightly-2024-05-02_08-30"), clock_start("a")
    (1739743201.0, 1714638600.0, inf)
    """
    if match := _EPOCH.fullmatch(run):
        return float(match[2])
    if found := _ANY_EPOCH.search(run):
        return int(found[0]) / (1000 if len(found[0]) > 10 else 1)
    for found in _DATE.finditer(run):
        try:
            return datetime(*(int(part or 0) for part in found.groups()), tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]
        except ValueError:
            continue
    return float("inf")


def real_clock_times(run: str, of_day_ms: NDArray[np.int64]) -> tuple[NDArray[np.int64], bool]:
    """Times in ms since the Unix epoch, and whether they are real.

    Parameters
    ----------
    run : str
        Run name.
    of_day_ms : array of shape (n_events,)
        Time of day in milliseconds, UTC.

    Returns
    -------
    (array of shape (n_events,), bool)
        Without an epoch in the name the times are relative to midnight before the first event, and False.

    Examples
    --------
    >>> times, real = real_clock_times("LO2_run_1739743201", np.array([79_201_000, 0]))
    >>> times.tolist(), real
    ([1739743201000, 1739750400000], True)
    """
    match = _EPOCH.fullmatch(run)
    if match is None:
        if of_day_ms.size == 0:
            return of_day_ms, False
        half = DAY_MS // 2
        return of_day_ms[0] + (of_day_ms - of_day_ms[0] + half) % DAY_MS - half, False
    epoch = int(match[2]) * 1000
    if match[1] == "LO2_run_":
        return epoch + (of_day_ms - epoch) % DAY_MS, True
    return epoch - (epoch - of_day_ms) % DAY_MS, True
