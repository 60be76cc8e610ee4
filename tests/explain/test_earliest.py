"""The first odd line of a run: in the service to look at first, and odd, not merely early."""

from datetime import datetime, timedelta

import polars as pl

from lo2.explain.earliest import earliest_lines
from lo2.explain.lines import SCHEMA
from lo2.schema import RUNS

MORNING = datetime(2024, 5, 1, 8)


def line(seq_id: str, number: int, contribution: float, *, minute: int | None) -> dict[str, object]:
    time = None if minute is None else MORNING + timedelta(minutes=minute)
    return {"seq_id": seq_id, "template": "t", "contribution": contribution, "count": 1, "first_time": time,
            "file": f"{seq_id}.log", "line": number, "text": f"line {number}"}  # fmt: skip


def runs(*rows: tuple[str, str | None, str | None]) -> pl.DataFrame:
    """Runs as ``RUNS`` has them."""
    kinds = {name: column.dtype for name, column in RUNS.items()}
    given = [{"run": run, "test_case": case, "earliest_service": service, "score": 1.0} for run, case, service in rows]
    return pl.DataFrame([{name: row.get(name) for name in kinds} for row in given], schema=kinds)


def test_the_earliest_line_of_the_named_service_that_carries_enough_is_taken():
    lines = [line("a-web", 9, 1.0, minute=9), line("a-web", 2, 0.05, minute=1), line("a-web", 5, 0.4, minute=4),
             line("a-db", 1, 3.0, minute=0), line("a-web", 1, -2.0, minute=0)]  # fmt: skip
    known = pl.DataFrame({"seq_id": ["a-web", "a-db"], "run": "a", "test_case": "x", "service": ["web", "db"]})
    found = earliest_lines(runs(("a", "x", "web"), ("b", "x", "web")), known, pl.DataFrame(lines, schema=SCHEMA))
    assert found.columns == [*RUNS, "text"]
    assert found.row(0, named=True)["earliest_line"] == 5
    assert found["earliest_time"].to_list() == [MORNING + timedelta(minutes=4), None]
    assert found["text"].to_list() == ["line 5", None]


def test_runs_without_case_service_or_times_have_their_line_too_and_a_second_time_changes_nothing():
    lines = pl.DataFrame([line("a", 7, 1.0, minute=None), line("a", 3, 1.0, minute=None)], schema=SCHEMA)
    known = pl.DataFrame({"seq_id": ["a"], "run": ["a"]}).with_columns(
        test_case=pl.lit(None, pl.String), service=pl.lit(None, pl.String)
    )
    found = earliest_lines(runs(("a", None, "")), known, lines)
    assert found["earliest_line"].to_list() == [3]
    again = earliest_lines(found.drop("text"), known, lines)
    assert again.equals(found)
    nothing = earliest_lines(found.drop("text"), known, lines.clear())
    assert nothing["earliest_line"].to_list() == [None]
