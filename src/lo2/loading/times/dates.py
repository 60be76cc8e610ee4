"""Dates completed for times that lack year or day: from the run's name, else other lines, else the time of the file.

Never from today's clock: what a log means must not depend on when it is read. The year turns where months run
backwards, the day where the clock does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lo2.loading.times.clock import DAY_MS, clock_start
from lo2.loading.times.stamps import CLOCK, NO_TIME, YEARLESS

Times = NDArray[np.int64]
FILE_TIME = "file time"
_LEAST = -(1 << 58)
_HALF_YEAR = 183 * DAY_MS


@dataclass(frozen=True)
class Dated:
    """Times in ms since the Unix epoch (``NO_TIME`` where there is none) and where missing parts were taken from."""

    times: Times
    source: str = ""


def complete_dates(times: Times, *, run: str, modified_ms: int | None, year: int | None = None) -> Dated:
    """Times with the dates that they lack.

    Parameters
    ----------
    times : array of shape (n_events,)
        As :func:`lo2.loading.times.stamp_values.read_stamps` gives them, in the order of the log.
    run : str
        Name of the run; an epoch or a date in it is the day of its first event (v1 names: of its last).
    modified_ms : int or None
        When the file was last written: no event is later.
    year : int or None
        Year of the first event, for those who know it.

    Examples
    --------
    >>> found = complete_dates(np.array([YEARLESS, CLOCK + 1000]), run="2024-05-02", modified_ms=None)
    >>> found.times.astype("datetime64[ms]").astype("datetime64[s]").astype(str).tolist(), found.source
    (['2025-01-01T00:00:00', '2024-05-02T00:00:01'], 'run name')
    """
    known = times != NO_TIME
    vague = known & (times < _LEAST)
    if not vague.any():
        return Dated(times)
    first, last, source = _reference_date(times[known & ~vague], run, modified_ms)
    found = times.copy()
    yearless = vague & (times < (CLOCK + YEARLESS) // 2)
    clock = vague & ~yearless
    if clock.any():
        found[clock] = _date_times_of_day(times[clock] - CLOCK, first, last)
    if yearless.any():
        begin = _date_yearless_times(times[yearless] - YEARLESS, first, last, year)
        found[yearless] = begin
        source = "--year" if year is not None else source
    return Dated(found, source if (found[vague] != NO_TIME).any() else "")


def _reference_date(dated: Times, run: str, modified_ms: int | None) -> tuple[int | None, int | None, str]:
    """A moment at or before the first event, or one at or after the last, and where it is from."""
    start = clock_start(run)
    if start != float("inf"):
        moment = int(start * 1000)
        return (None, moment, "run name") if run.startswith("light-") else (moment, None, "run name")
    if dated.size:
        return int(dated[0]) - int(dated[0]) % DAY_MS, None, "other lines"
    return None, modified_ms, FILE_TIME if modified_ms is not None else ""


def _date_times_of_day(of_day: Times, first: int | None, last: int | None) -> Times:
    """Times of day as moments: a step back of more than half a day is midnight."""
    step = np.diff(of_day, prepend=of_day[:1])
    half = DAY_MS // 2
    days = np.cumsum(np.where(step < -half, 1, np.where(step > half, -1, 0))) * DAY_MS
    times = of_day + days
    if first is not None:
        begin = first - first % DAY_MS
        return np.asarray(times + begin + (DAY_MS if times[0] + begin < first - half else 0))
    if last is not None:
        begin = last - (last % DAY_MS) - (int(days[-1]))
        return np.asarray(times + begin - (DAY_MS if times[-1] + begin > last + 3_600_000 else 0))
    return np.full(times.size, NO_TIME)


def _date_yearless_times(within: Times, first: int | None, last: int | None, year: int | None) -> Times:
    """Moments within 1972 moved to their year: months that run back by half a year begin the next one."""
    step = np.diff(within, prepend=within[:1])
    turns = np.cumsum(np.where(step < -_HALF_YEAR, 1, np.where(step > _HALF_YEAR, -1, 0)))
    if year is not None:
        base = year
    elif first is not None:
        base = _year_of_date(first)
        base += int(_move_dates_to_years(within[:1], np.array([base]))[0] < first - DAY_MS)
    elif last is not None:
        base = _year_of_date(last) - int(turns[-1])
        base -= int(_move_dates_to_years(within[-1:], np.array([base + int(turns[-1])]))[0] > last + DAY_MS)
    else:
        return np.full(within.size, NO_TIME)
    return _move_dates_to_years(within, base + turns)


def _year_of_date(moment: int) -> int:
    return int(np.datetime64(moment, "ms").astype("datetime64[Y]").astype(int)) + 1970


def _move_dates_to_years(within: Times, years: NDArray[np.int64]) -> Times:
    """Month, day and time of moments since 1972 began, in these years; 29 February in a common one is 1 March."""
    then = (within + 2 * 365 * DAY_MS).astype("datetime64[ms]")
    months = then.astype("datetime64[M]")
    rest = (then - months.astype("datetime64[ms]")).astype(np.int64)
    target = (years - 1970) * 12 + months.astype(np.int64) % 12
    return np.asarray(target.astype("datetime64[M]").astype("datetime64[ms]").astype(np.int64) + rest)
