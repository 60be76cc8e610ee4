"""The split: which runs are on the sides train, hold-out and test, whole runs only; folds of runs; rows to train on."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from lo2.errors import CheckFailedError, InputError, TooFewError
from lo2.models.options import SplitOptions
from lo2.rows import run_names

SIDES = ("train", "holdout", "test")
# One to train on, one to hold out, one to test.
LEAST_RUNS = 3


def split_runs(sequences: pl.DataFrame, options: SplitOptions = SplitOptions()) -> pl.Series:
    """Side of each row: ``train``, ``holdout``, ``test``, or ``unused`` for anomalies of the first two.

    Runs are sorted by start time, then name (or shuffled by ``options.split_seed``). Of n runs the last
    ``max(1, round(test_fraction * n))`` are test, the ``max(1, round(holdout_fraction * n))`` before them hold-out,
    the rest train. n counts runs with normal sequences; runs without any have nothing to train on and are test.
    ``TooFewError`` if fewer than 3 runs hold normal sequences, or the shares leave no run to train on.

    Examples
    --------
    >>> frame = pl.DataFrame({"seq_id": list("abcd"), "run": ["1", "2", "3", "1"], "anomaly": [False] * 3 + [True]})
    >>> split_runs(frame).to_list()
    ['train', 'holdout', 'test', 'unused']
    """
    runs, others = _order_runs_to_split(sequences, seed=options.split_seed)
    n_test, n_holdout = (max(1, round(s * len(runs))) for s in (options.test_fraction, options.holdout_fraction))
    n_train = len(runs) - n_holdout - n_test
    if len(runs) < LEAST_RUNS or n_train < 1:
        raise TooFewError(
            f"{len(runs)} of {len(runs + others)} runs hold normal sequences; {max(n_train, 0)} would train, "
            f"{n_holdout} be held out, {n_test} test. "
            f"It takes at least 3 runs, one for each: load more{', or lower the hold-out' if len(runs) >= 3 else ''}"
        )
    sides = np.repeat(SIDES, (n_train, n_holdout, n_test)).tolist()
    return apply_split(sequences, dict.fromkeys(others, "test") | dict(zip(runs, sides, strict=True)))


def apply_split(sequences: pl.DataFrame, sides: Mapping[str, str]) -> pl.Series:
    """Side of each row from a table run -> side, such as a saved split file holds; it must name every run."""
    runs = run_names(sequences)
    missing = sorted(set(runs) - set(sides))
    if missing:
        raise InputError(f"the split names no side for {len(missing)} runs, {missing[0]!r} first: split anew")
    foreign = sorted(set(sides.values()) - set(SIDES))
    if foreign:
        raise InputError(f"the split has a side {foreign[0]!r}; sides are {', '.join(SIDES)}")
    side = runs.replace_strict(list(sides), list(sides.values()), return_dtype=pl.String)
    split = side.set(~trainable_rows(sequences) & (side != "test"), "unused").rename("split")
    check_split(sequences, split)
    return split


def split_by_run(sequences: pl.DataFrame, split: pl.Series) -> dict[str, str]:
    """Side of each run, sorted by run: what a split file holds; ``apply_split`` is its inverse."""
    used = pl.DataFrame({"run": run_names(sequences), "split": split}).filter(pl.col("split") != "unused")
    return dict(used.unique().sort("run").iter_rows())


def check_split(sequences: pl.DataFrame, split: pl.Series) -> None:
    """Raise ``CheckFailedError`` if a run is on two sides, or an anomaly of another than a test run not ``unused``."""
    used = pl.DataFrame({"run": run_names(sequences), "split": split, "normal": trainable_rows(sequences)})
    used = used.filter(pl.col("split") != "unused")
    several = used.group_by("run").agg(pl.col("split").unique().sort()).filter(pl.col("split").list.len() > 1)
    if several.height:
        run, sides = several.sort("run").row(0)
        raise CheckFailedError(f"run {run!r} is on two sides ({', '.join(sides)}): only whole runs may be split")
    leaked = used.filter(~pl.col("normal") & (pl.col("split") != "test"))["run"]
    if leaked.len():
        raise CheckFailedError(f"{leaked.len()} anomalies are on the normal side of the split, run {leaked.min()!r}")


def fold_runs(sequences: pl.DataFrame, *, folds: int = 5, seed: int = 0) -> pl.Series:
    """Fold of each row, 0 to ``folds`` - 1; a run is in one fold, runs with normals are dealt evenly."""
    runs, others = _order_runs_to_split(sequences, seed=seed)
    if folds < 2 or len(runs) < folds:
        raise TooFewError(f"{len(runs)} runs with normal sequences cannot be left out in {folds} folds of 2+")
    fold = {run: i % folds for i, run in enumerate(runs + others)}
    return run_names(sequences).replace_strict(list(fold), list(fold.values()), return_dtype=pl.Int64).alias("fold")


def _order_runs_to_split(sequences: pl.DataFrame, *, seed: int | None) -> tuple[list[str], list[str]]:
    """Runs with normals, and those without, by start time (none is last), then name; shuffled when a seed is given."""
    start = sequences["start_time"] if "start_time" in sequences.columns else pl.Series([None] * sequences.height)
    rows = pl.DataFrame({"run": run_names(sequences), "start": start, "normal": trainable_rows(sequences)})
    runs = rows.group_by("run").agg(pl.col("start").min(), pl.col("normal").any())
    runs = runs.sort(("start", "run") if seed is None else "run", nulls_last=True)
    if seed is not None:
        runs = runs[np.random.default_rng(seed).permutation(runs.height)]
    return runs.filter("normal")["run"].to_list(), runs.filter(~pl.col("normal"))["run"].to_list()


def trainable_rows(sequences: pl.DataFrame) -> pl.Series:
    """True where a row may be trained on: not labelled anomalous; every row where the table has no label at all."""
    if "anomaly" in sequences.columns:
        return (~sequences["anomaly"].cast(pl.Boolean)).fill_null(value=False).rename("normal")
    if "normal" in sequences.columns:
        return sequences["normal"].cast(pl.Boolean).fill_null(value=False)
    return pl.Series("normal", [True] * sequences.height, dtype=pl.Boolean)
