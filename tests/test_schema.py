"""Tables of strangers: casts that lose nothing are made, every other one is named."""

import datetime

import polars as pl
import pytest

from lo2.errors import SchemaError
from lo2.pipeline.sequences import read_sequences, sequences_from_frame
from lo2.schema import SEQUENCES, conform

TABLE = pl.DataFrame({"seq_id": ["a", "b"], "e_words": [["x", "y"], ["x"]]})


def both(frame, folder):
    """The frame as it is read in memory and as a file."""
    frame.write_parquet(folder / "a.parquet")
    heavy = [name for name in frame.columns if name.startswith("e_")]
    return sequences_from_frame(frame).frame, read_sequences(folder / "a.parquet", heavy=heavy).frame


@pytest.mark.parametrize(
    ("column", "given", "taken"),
    [
        ("n_error", [3.0, None], [3, None]),
        ("n_error", [3.0, float("nan")], [3, None]),
        ("n_error", [2.0**32 - 1, -0.0], [2**32 - 1, 0]),
        ("run", [7, None], ["7", None]),
        ("test_case", [0, -1], ["0", "-1"]),
        ("e_words_count", [[2.0, 1.0], [1.0]], [[2, 1], [1]]),
        ("e_words_count", [[2, 1], []], [[2, 1], []]),
        ("start_time", [datetime.date(2024, 3, 5), None], [datetime.datetime(2024, 3, 5), None]),
    ],
)
def test_casts_that_lose_nothing_are_made(column, given, taken, tmp_path):
    for found in both(TABLE.with_columns(pl.Series(column, given, strict=False)), tmp_path):
        assert found[column].dtype == SEQUENCES[column].dtype
        assert found[column].to_list() == taken


@pytest.mark.parametrize(
    ("column", "given", "said"),
    [
        ("n_error", [3.0, 1.5], r"column 'n_error' is Float64 and holds 1.5, expected UInt32 \(events of level"),
        ("n_error", [3.0, float("inf")], "'n_error' is Float64 and holds inf, expected UInt32"),
        ("n_error", [3.0, -1.0], "'n_error' is Float64 and holds -1.0, expected UInt32"),
        ("n_error", [3, -1], "'n_error' is Int64 and holds -1, expected UInt32"),
        ("n_error", [3, 2**32], "'n_error' is Int64 and holds 4294967296, expected UInt32"),
        ("n_error", [True, None], "'n_error' is Boolean, expected UInt32"),
        (
            "e_words_count",
            [[2.0, 1.0], [0.5]],
            r"'e_words_count' is List\(Float64\) and holds 0.5, expected List\(UInt",
        ),
        ("e_words_count", [[2.0, float("nan")], [1.0]], r"'e_words_count' is List\(Float64\) and holds nan"),
        ("run", [1.0, 2.0], "'run' is Float64, expected String"),
        ("end_time", [1, 2], "'end_time' is Int64, expected Datetime"),
        ("anomaly", [0, 1], "'anomaly' is Int64, expected Boolean"),
    ],
)
def test_what_would_lose_something_is_named_with_both_types(column, given, said, tmp_path):
    frame = TABLE.with_columns(pl.Series(column, given))
    with pytest.raises(SchemaError, match=f"the sequence table: .*{said}"):
        sequences_from_frame(frame)
    frame.write_parquet(tmp_path / "a.parquet")
    with pytest.raises(SchemaError, match=f"a.parquet: .*{said}"):
        read_sequences(tmp_path / "a.parquet", heavy=frame.columns)


def test_a_column_of_pandas_with_a_gap_is_one_of_integers():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"seq_id": ["a", "b"], "n_error": [3, None], "run": [1, 2]})
    found = conform(pl.from_pandas(table, nan_to_null=False).lazy(), SEQUENCES, needed=["seq_id"], what="t").collect()
    assert found.rows() == [("a", 3, "1"), ("b", None, "2")]


def test_a_table_without_rows_is_cast_like_any_other():
    frame = pl.LazyFrame(
        schema={"seq_id": pl.String, "run": pl.Int64, "n_error": pl.Float64, "e_words_count": pl.List(pl.Float32)}
    )
    found = conform(frame, SEQUENCES, needed=["seq_id"], what="t").collect()
    assert found.dtypes == [SEQUENCES[name].dtype for name in found.columns]
