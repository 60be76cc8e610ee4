"""Splits keep runs whole and anomalies off the normal sides."""

from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lo2.errors import CheckFailedError, InputError, TooFewError, UsageError
from lo2.models.options import SplitOptions
from lo2.models.split import apply_split, check_split, fold_runs, split_by_run, split_runs
from models.corpora import corpus


def runs_table(n: int) -> pl.DataFrame:
    """``n`` runs of one normal and one anomalous row each."""
    rows = [(f"r{i:03}__{case}", f"r{i:03}", case == "bad") for i in range(n) for case in ("ok", "bad")]
    return pl.DataFrame(rows, schema=["seq_id", "run", "anomaly"], orient="row")


@given(n=st.integers(3, 60), share=st.floats(0.05, 0.5), seed=st.none() | st.integers(0, 9))
def test_split_follows_the_formula_and_no_run_is_on_two_sides(n, share, seed):
    sequences = runs_table(n)
    test, holdout = max(1, round(0.2 * n)), max(1, round(share * n))
    options = SplitOptions(holdout_fraction=share, split_seed=seed)
    if n - test - holdout < 1:
        with pytest.raises(TooFewError):
            split_runs(sequences, options)
        return
    split = split_runs(sequences, options)
    sides = pl.DataFrame({"run": sequences["run"], "split": split}).filter(pl.col("split") != "unused").unique()
    assert sides["run"].is_unique().all()
    counts = dict(sides["split"].value_counts().iter_rows())
    assert counts == {"train": n - test - holdout, "holdout": holdout, "test": test}
    if seed is None:
        assert (
            sides.sort("run")["split"].to_list()
            == ["train"] * (n - test - holdout) + ["holdout"] * holdout + ["test"] * test
        )


def test_anomalies_of_training_and_holdout_runs_are_unused():
    sequences = runs_table(5)
    split = split_runs(sequences)
    assert split.filter(sequences["anomaly"]).to_list() == ["unused"] * 4 + ["test"]
    assert split.filter(~sequences["anomaly"]).to_list() == ["train"] * 3 + ["holdout", "test"]


def test_runs_go_by_start_time_before_name():
    days = {"c": 1, "a": 2, "b": 3}
    sequences = pl.DataFrame(
        {"seq_id": list(days), "run": list(days), "start_time": [datetime(2024, 6, d) for d in days.values()]}
    )
    assert split_by_run(sequences, split_runs(sequences)) == {"c": "train", "a": "holdout", "b": "test"}


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_runs_with_normals_is_exit_4_with_the_counts(n):
    sequences = runs_table(6).filter(pl.col("anomaly") | (pl.col("run") < f"r{n:03}"))
    with pytest.raises(TooFewError, match=f"{n} of 6 runs hold normal sequences") as caught:
        split_runs(sequences)
    assert caught.value.exit_code == 4


def test_runs_without_normals_are_test_and_take_no_place():
    sequences = runs_table(8).filter(pl.col("anomaly") | (pl.col("run") < "r005"))
    sides = split_by_run(sequences, split_runs(sequences))
    assert [side for _, side in sorted(sides.items())] == ["train"] * 3 + ["holdout"] + ["test"] * 4


def test_table_without_runs_has_one_per_sequence_and_without_labels_all_normal():
    sequences = pl.DataFrame({"seq_id": [f"s{i}" for i in range(10)]})
    assert split_runs(sequences).value_counts().sort("split")["count"].to_list() == [2, 2, 6]


def test_unlabelled_rows_are_not_trained_on():
    sequences = runs_table(5).with_columns(pl.when(pl.col("anomaly")).then(None).otherwise(False).alias("anomaly"))
    assert set(split_runs(sequences).filter(sequences["anomaly"].is_null())) == {"unused", "test"}


def test_saved_sides_give_the_same_split_again():
    sequences = corpus(10)
    split = split_runs(sequences, SplitOptions(split_seed=4))
    assert apply_split(sequences, split_by_run(sequences, split)).equals(split)


def test_sides_with_a_missing_run_or_an_odd_side_are_refused():
    with pytest.raises(InputError, match="no side for 1 runs, 'r002'"):
        apply_split(runs_table(3), {"r000": "train", "r001": "test"})
    with pytest.raises(InputError, match="'eval'"):
        apply_split(runs_table(1), {"r000": "eval"})


def test_run_on_two_sides_fails_the_check():
    with pytest.raises(CheckFailedError, match="'r000' is on two sides"):
        check_split(
            runs_table(1).filter("anomaly").vstack(runs_table(1).filter("anomaly")), pl.Series(["test", "train"])
        )
    with pytest.raises(CheckFailedError, match="anomalies are on the normal side"):
        check_split(runs_table(2), pl.Series(["train", "train", "test", "test"]))


@given(n=st.integers(5, 40), seed=st.integers(0, 5))
def test_folds_hold_whole_runs_of_even_number(n, seed):
    fold = fold_runs(runs_table(n), folds=5, seed=seed)
    per_run = pl.DataFrame({"run": runs_table(n)["run"], "fold": fold}).unique()
    assert per_run["run"].is_unique().all()
    sizes = per_run["fold"].value_counts()["count"]
    assert sizes.len() == 5
    assert sizes.max() - sizes.min() <= 1


def test_more_folds_than_runs_is_too_few():
    with pytest.raises(TooFewError, match="3 runs"):
        fold_runs(runs_table(3), folds=5)


def test_shares_out_of_range_are_wrong_usage():
    with pytest.raises(UsageError, match="--if-holdout-fraction 1"):
        SplitOptions(holdout_fraction=1.0)
