"""The detection card: which faults are found in which services, and where there is nothing to be found."""

import numpy as np
import polars as pl

from lo2.evaluation.headline import DEFAULTS
from lo2.evaluation.merging import mask_of_test_rows
from lo2.evaluation.options import ScoreOptions
from lo2.metrics.bootstrap import Interval, bootstrap_row_classes, run_bootstrap
from lo2.metrics.ranking import TieGroups
from lo2.rows import identified_rows

CARD = {
    **dict.fromkeys(("test_case", "service"), pl.String()),
    "n": pl.Int64(),
    **dict.fromkeys(("recall", "auc", "low", "high"), pl.Float64()),
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
    """Recall and AUC of every fault in every service, on test rows: ``CARD``, sorted by fault and service.

    ``n`` counts the fault's test sequences, ``recall`` is the share of them flagged at the threshold; ``auc`` sets
    them against the service's normal test sequences and is null where it has none. ``signal_in_data`` is what
    ``lo2.evaluation.signals.signals`` found in the sequences, null without ``signals``.
    """
    rows = predictions.filter(pl.Series(mask_of_test_rows(predictions)))
    rows = identified_rows(rows).with_columns(pl.col("test_case").fill_null(""))
    boot = run_bootstrap(rows["run"].to_numpy().astype(np.str_), resamples=options.resamples, seed=seed)
    labels, scores = rows["anomaly"].to_numpy(), rows[f"score_{model}"].to_numpy()
    names = rows.select("anomaly", "test_case", "service").with_row_index("row")
    kinds = names.group_by("anomaly", "test_case", "service").agg("row")
    normal_rows = names.filter(~pl.col("anomaly")).group_by("service").agg("row")
    normals = {service: np.asarray(held) for service, held in normal_rows.iter_rows()}
    flagged = rows[f"pred_{model}_threshold"].fill_null(value=False).to_numpy()
    cells = []
    for case, service, held in kinds.filter("anomaly").select("test_case", "service", "row").iter_rows():
        fault = np.asarray(held)
        chosen = np.sort(np.concatenate([fault, normals.get(service, fault[:0])]))
        found, interval = None, Interval(None, None)
        if chosen.size > fault.size:
            first, kind = bootstrap_row_classes(scores[chosen], labels[chosen])
            groups = TieGroups.from_scores(scores[chosen][first], labels[chosen][first])
            found = float(groups.auc(np.bincount(kind).astype(np.float64)))
            interval = boot.interval(boot.replicate(groups.auc, rows=chosen, classes=kind))
        recall = float(flagged[fault].mean())
        cells.append((case, service, fault.size, recall, found, interval.low, interval.high, None))
    card = pl.DataFrame(cells, schema=CARD, orient="row")
    if signals is not None:
        known = signals.select("test_case", "service", "signal_in_data")
        card = card.drop("signal_in_data").join(known, on=["test_case", "service"], how="left")
    return card.select(list(CARD)).sort("test_case", "service")
