"""Predictions and sequences made up cheaply: scores are normal numbers, anomalies shifted by ``effect``."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from lo2.metrics.conformal import p_values
from lo2.schema import predictions_table


def _predictions(
    *, model="if", n_runs=15, n_faults=4, services=("code", "token"), effect=2.0, seed=0, n_holdout=3
) -> pl.DataFrame:
    """Runs r000.. in order: the last 3 are test, ``n_holdout`` before them hold-out; service scales differ."""
    cases = ["correct", *(f"fault{number}" for number in range(n_faults))]
    sides = ["train"] * (n_runs - 3 - n_holdout) + ["holdout"] * n_holdout + ["test"] * 3
    rows = [
        (f"r{run:03d}__{case}__{service}", f"r{run:03d}", case, service, side, case != "correct")
        for run, side in enumerate(sides)
        for case in cases
        for service in services
    ]
    frame = pl.DataFrame(rows, schema=["seq_id", "run", "test_case", "service", "side", "anomaly"], orient="row")
    noise = np.random.default_rng(seed).normal(size=frame.height) + effect * frame["anomaly"].to_numpy()
    scale = frame["service"].replace_strict({name: 100.0**place for place, name in enumerate(services)})
    return with_scores(frame, scale.to_numpy() * noise, model)


def with_scores(frame: pl.DataFrame, scores: np.ndarray, model: str) -> pl.DataFrame:
    """Predictions of the rows ``seq_id, run, test_case, service, side, anomaly`` from their scores."""
    service, side, anomaly = (frame[name].to_numpy() for name in ("service", "side", "anomaly"))
    reference = (side == "holdout") & ~anomaly
    p_value = np.full(frame.height, np.nan)
    for name in np.unique(service):
        rows = service == name
        p_value[rows] = p_values(scores[reference & rows], scores[rows])
    flagged = scores >= np.quantile(scores[reference], 0.9) if reference.any() else np.zeros(scores.size, dtype=bool)
    columns = {
        "split": np.where(anomaly & (side != "test"), "unused", side),
        f"score_{model}": scores,
        f"rank_{model}": np.argsort(np.argsort(-scores)) + 1,
        "pred_ano": flagged.astype(int),
        f"pred_{model}_threshold": flagged,
        f"p_value_{model}": pl.Series(p_value, nan_to_null=True).set(pl.Series((side == "train") & ~anomaly), None),
        "oov_share": np.where(anomaly, 0.2, 0.0),
        f"flagged_{model}": flagged,
    }
    table = predictions_table(model)
    return frame.with_columns(**columns).select([pl.col(n).cast(c.dtype) for n, c in table.items()]).sort("seq_id")


@pytest.fixture
def make_predictions() -> Callable[..., pl.DataFrame]:
    return _predictions


@pytest.fixture
def rescore() -> Callable[[pl.DataFrame, np.ndarray], pl.DataFrame]:
    """The same rows under other scores, of model ``if``."""

    def again(predictions: pl.DataFrame, scores: np.ndarray) -> pl.DataFrame:
        side = pl.col("split").filter(~pl.col("anomaly")).first().over("run").alias("side")
        identity = predictions.select("seq_id", "run", "test_case", "service", side, "anomaly")
        return with_scores(identity, np.asarray(scores, dtype=float), "if")

    return again
