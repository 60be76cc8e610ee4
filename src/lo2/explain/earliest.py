"""The first odd line in time of each run, in the service to look at first. It need not be the cause."""

import polars as pl

from lo2.rows import UNIT, identified_rows

PLACES = {"first_time": "earliest_time", "file": "earliest_file", "line": "earliest_line"}
# Odd is what carries at least this share of what the strongest line of the sequences carries.
ODD = 0.1


def earliest_lines(runs: pl.DataFrame, predictions: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """``runs`` with time, file and line of the first odd line, and its masked ``text``; null where none was explained.

    Parameters
    ----------
    runs : DataFrame
        ``lo2.schema.RUNS``.
    predictions : DataFrame
        Which sequences are of which run, case and service.
    lines : DataFrame
        Lines of explained sequences with what they carry, ``lo2.explain.lines.SCHEMA``.

    Examples
    --------
    >>> runs = pl.DataFrame({"run": ["1"], "test_case": ["all"], "earliest_service": ["web"]})
    >>> known = pl.DataFrame({"seq_id": ["s"], "run": ["1"], "test_case": ["all"], "service": ["web"]})
    >>> columns = {"seq_id": ["s", "s"], "contribution": [0.9, 0.2], "first_time": [None, None]}
    >>> lines = pl.DataFrame(columns | {"file": ["web.log"] * 2, "line": [7, 3], "text": ["lost", "late"]})
    >>> earliest_lines(runs, known, lines).select("earliest_file", "earliest_line", "text").row(0)
    ('web.log', 3, 'late')
    """
    of = identified_rows(predictions).select("seq_id", *UNIT, "service")
    asked = runs.select(*UNIT, pl.col("earliest_service").alias("service"))
    odd = (
        lines.filter(pl.col("contribution") > 0)
        .join(of, on="seq_id", how="inner", maintain_order="left")
        .join(asked, on=[*UNIT, "service"], how="inner", nulls_equal=True, maintain_order="left")
        .filter(pl.col("contribution") >= ODD * pl.col("contribution").max().over(UNIT))
        .sort("first_time", "line", nulls_last=True, maintain_order=True)
        .unique(UNIT, keep="first", maintain_order=True)
        .select(*UNIT, *(pl.col(old).alias(new) for old, new in PLACES.items()), "text")
    )
    bare = runs.drop(*PLACES.values(), "text", strict=False)
    found = bare.join(odd, on=list(UNIT), how="left", nulls_equal=True, maintain_order="left")
    return found.select(
        *(name for name in runs.columns if name in found.columns), *(n for n in odd.columns if n not in runs.columns)
    )
