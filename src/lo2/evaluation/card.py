"""Detection card: which faults are found in which services, and where there is nothing to be found."""

import numpy as np
import polars as pl

from lo2.evaluation.headline import DEFAULTS, ScoreOptions
from lo2.evaluation.merging import run_names, service_names
from lo2.metrics.bootstrap import Interval, run_bootstrap
from lo2.metrics.ranking import TieGroups

CARD = {
    "test_case": pl.String(),
    "service": pl.String(),
    "n": pl.Int64(),
    "recall": pl.Float64(),
    "auc": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "signal_in_data": pl.Boolean(),
}


def detection_card(
    predictions: pl.DataFrame,
    *,
    model: str,
    signals: pl.DataFrame | None = None,
    options: ScoreOptions = DEFAULTS,
    seed: int = 0,
) -> pl.DataFrame:
    """Recall and AUC of every fault in every service, on test rows.

    Parameters
    ----------
    predictions : DataFrame
        Predictions of ``model``.
    model : str
        Short name of the model.
    signals : DataFrame, optional
        What ``lo2.evaluation.signals.signals`` found in the sequences; without it ``signal_in_data`` is null.
    options, seed
        Resamples of runs and their seed.

    Returns
    -------
    DataFrame
        ``test_case, service, n, recall, auc, low, high, signal_in_data``, sorted by the first two. ``n`` counts the
        fault's test sequences, ``recall`` those flagged at the threshold; ``auc`` sets them against the service's
        normal test sequences and is null where it has none.
    """
    rows = predictions.filter((pl.col("split") == "test") & pl.col("anomaly").is_not_null())
    rows = rows.with_columns(service_names(rows).alias("service"))
    boot = run_bootstrap(run_names(rows), resamples=options.resamples, seed=seed)
    labels, scores = rows["anomaly"].to_numpy(), rows[f"score_{model}"].to_numpy()
    cases, services = rows["test_case"].fill_null("").to_numpy(), rows["service"].to_numpy()
    flagged = rows[f"pred_{model}_threshold"].fill_null(value=False).to_numpy()
    cells = []
    for case, service in rows.filter("anomaly").select(pl.col("test_case").fill_null(""), "service").unique().rows():
        fault = labels & (cases == case) & (services == service)
        chosen = np.flatnonzero(fault | (~labels & (services == service)))
        found, interval = None, Interval(None, None)
        if chosen.size > fault.sum():
            groups = TieGroups.of(scores[chosen], labels[chosen])
            found, interval = float(groups.auc()), boot.interval(boot.replicate(groups.auc, rows=chosen))
        recall = float(flagged[fault].mean())
        cells.append((case, service, int(fault.sum()), recall, found, interval.low, interval.high, None))
    card = pl.DataFrame(cells, schema=CARD, orient="row")
    if signals is not None:
        known = signals.select("test_case", "service", "signal_in_data")
        card = card.drop("signal_in_data").join(known, on=["test_case", "service"], how="left")
    return card.select(list(CARD)).sort("test_case", "service")
