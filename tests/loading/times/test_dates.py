"""Dates that stamps lack: from the run's name, other lines, the file's time or ``--year``, never from today's clock."""

from datetime import UTC, datetime

import numpy as np
import pytest

from lo2.loading.lines.index import Index
from lo2.loading.lines.scan import scan_blocks
from lo2.loading.times.dates import complete_dates
from lo2.loading.times.stamps import NO_TIME


def ms(iso: str) -> int:
    return round(datetime.fromisoformat(iso).replace(tzinfo=UTC).timestamp() * 1000)


def read(*stamps: str, run="r", modified: str | None = None, year: int | None = None) -> tuple[list[str], str]:
    data = "".join(f"{stamp} web-3 shop[7]: up\n" for stamp in stamps).encode()
    times = scan_blocks([data], Index(), profile="tree").times
    found = complete_dates(times, run=run, modified_ms=None if modified is None else ms(modified), year=year)
    return ["" if t == NO_TIME else str(np.datetime64(int(t), "ms"))[:19] for t in found.times], found.source


def test_the_year_is_that_of_the_date_in_the_run_name():
    assert read("May  2 08:00:01", run="nightly-2021-05-02") == (["2021-05-02T08:00:01"], "run name")


def test_the_year_is_that_of_the_epoch_in_the_run_name():
    assert read("Feb 16 22:00:01", run="LO2_run_1739743201") == (["2025-02-16T22:00:01"], "run name")


def test_a_v1_name_is_the_end_of_its_run():
    found = read("Dec 31 23:59:00", "Jan  1 00:10:00", run=f"light-oauth2-data-{ms('2024-01-01T00:20:00') // 1000}")
    assert found == (["2023-12-31T23:59:00", "2024-01-01T00:10:00"], "run name")


def test_the_year_turns_where_months_run_backwards():
    found = read("Dec 31 23:59:59", "Jan  1 00:00:01", "Feb  1 00:00:00", run="2020-12-31")
    assert found == (["2020-12-31T23:59:59", "2021-01-01T00:00:01", "2021-02-01T00:00:00"], "run name")


def test_a_late_line_of_the_old_year_stays_in_it():
    found = read("Jan  1 00:00:01", "Dec 31 23:59:59", "Jan  1 00:00:02", run="2021-01-01")
    assert found[0] == ["2021-01-01T00:00:01", "2020-12-31T23:59:59", "2021-01-01T00:00:02"]


def test_no_event_is_later_than_the_file():
    assert read("Dec 31 23:00:00", modified="2024-02-01T00:00:00") == (["2023-12-31T23:00:00"], "file time")
    assert read("Dec 31 23:00:00", "Jan 31 00:00:00", modified="2024-02-01T00:00:00")[0] == [
        "2023-12-31T23:00:00",
        "2024-01-31T00:00:00",
    ]


def test_midnight_is_the_next_day():
    found = read("23:59:59", "00:00:01", "00:00:00", run="2021-05-02")
    assert found == (["2021-05-02T23:59:59", "2021-05-03T00:00:01", "2021-05-03T00:00:00"], "run name")


def test_times_of_day_take_the_date_of_the_file():
    found = read("23:59:59", "00:00:01", modified="2024-03-05T00:05:00")
    assert found == (["2024-03-04T23:59:59", "2024-03-05T00:00:01"], "file time")


def test_times_of_day_that_the_file_cannot_have_are_of_the_day_before():
    assert read("22:00:00", modified="2024-03-05T09:00:00") == (["2024-03-04T22:00:00"], "file time")


def test_a_run_that_begins_before_midnight_has_lines_of_the_next_day():
    assert read("00:00:05", run=f"LO2_run_{ms('2024-03-04T23:59:50') // 1000}") == (["2024-03-05T00:00:05"], "run name")


def test_the_day_may_be_in_other_lines():
    found = read("2024-03-05 08:00:00", "08:00:01", "08:00:02", modified="2026-01-01T00:00:00")
    assert found == (["2024-03-05T08:00:00", "2024-03-05T08:00:01", "2024-03-05T08:00:02"], "other lines")


def test_without_any_date_there_is_no_time_and_no_source():
    assert read("May  2 08:00:01") == ([""], "")
    assert read("08:00:01") == ([""], "")


def test_the_year_may_be_given():
    assert read("May  2 08:00:01", run="2021-05-02", year=1999) == (["1999-05-02T08:00:01"], "--year")
    assert read("Dec 31 08:00:01", "Jan  1 08:00:01", year=1999)[0] == ["1999-12-31T08:00:01", "2000-01-01T08:00:01"]


@pytest.mark.parametrize(("year", "day"), [(2024, "2024-02-29"), (2023, "2023-03-01"), (2000, "2000-02-29")])
def test_the_29th_of_february_of_a_common_year_is_the_first_of_march(year, day):
    assert read("Feb 29 08:00:01", year=year) == ([f"{day}T08:00:01"], "--year")


def test_complete_stamps_stay_whatever_the_names_say():
    assert read("2024-03-05 08:00:00", run="2021-05-02", year=1999) == (["2024-03-05T08:00:00"], "")
