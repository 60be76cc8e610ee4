"""Who a row of a table is: the run and the service it belongs to, whatever the table lacks."""

import polars as pl

UNIT = ("run", "test_case")
"""What a verdict is of: a test case of a run."""


def run_names(rows: pl.DataFrame) -> pl.Series:
    """Run of every row; a row without one, like every row of a table without runs, is a run of its own.

    Examples
    --------
    >>> run_names(pl.DataFrame({"seq_id": ["a", "b"], "run": ["1", None]})).to_list()
    ['1', 'b']
    """
    if "run" not in rows.columns:
        return rows["seq_id"].cast(pl.String).rename("run")
    names = rows["run"].cast(pl.String)
    return names.zip_with(names.is_not_null(), rows["seq_id"].cast(pl.String)) if names.has_nulls() else names


def service_names(rows: pl.DataFrame) -> pl.Series:
    """Service of every row, empty where none is known.

    Examples
    --------
    >>> service_names(pl.DataFrame({"seq_id": ["a", "b"], "service": ["web", None]})).to_list()
    ['web', '']
    """
    if "service" not in rows.columns:
        return pl.repeat("", rows.height, dtype=pl.String, eager=True).rename("service")
    return rows["service"].cast(pl.String).fill_null("")


def identified(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with a run and a service each, whatever they lacked of them.

    Examples
    --------
    >>> identified(pl.DataFrame({"seq_id": ["a", "b"], "run": ["1", None]})).rows()
    [('a', '1', ''), ('b', 'b', '')]
    """
    return rows.with_columns(run_names(rows), service_names(rows))
