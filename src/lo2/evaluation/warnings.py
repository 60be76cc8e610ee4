"""Warnings before any figure is read: too few to tell, scores that rank nothing, shortcuts that detect all."""

from collections.abc import Iterator, Mapping

import polars as pl

from lo2.evaluation.merging import mask_of_test_rows
from lo2.evaluation.metric import Metric
from lo2.evaluation.runs import NEEDED, Runs
from lo2.evaluation.shortcuts import SHORTCUTS
from lo2.rows import run_names

# Test runs below which an interval that reaches 1 says little.
FEW_RUNS = 20


def figure_warnings(
    predictions: Mapping[str, pl.DataFrame],
    metrics: Mapping[str, Mapping[str, Metric]],
    panel: pl.DataFrame,
    runs: Mapping[str, Runs],
    reasons: Mapping[str, Mapping[str, str]],
) -> list[str]:
    """Sentences about detectors, most important first; none where there is nothing to warn of.

    ``reasons`` says per detector and service why nothing could be told.
    """
    found: list[str] = []
    for model, frame in predictions.items():
        found += _score_warnings(model, frame, metrics.get(model, {}))
    for model, services in reasons.items():
        if services:
            name, why = next(iter(services.items()))
            rest = f", and so in {len(services) - 1} more services" if len(services) > 1 else ""
            found.append(f"{model}: {why}{' in ' + name if name else ''}{rest}: ranked, not flagged")
    few = {model: one for model, one in runs.items() if not one.tellable}
    if few:
        n = next(iter(few.values())).n
        found.append(
            f"runs: too few to tell ({n} normal ones; {NEEDED}): the "
            f"ranking only{'' if len(few) == len(runs) else ' by ' + ', '.join(few)}"
        )
    return [*found, *_shortcut_warnings(predictions, panel)]


def _score_warnings(model: str, frame: pl.DataFrame, metrics: Mapping[str, Metric]) -> Iterator[str]:
    rows = frame.filter(pl.col("split") != "train")
    scores = rows[f"score_{model}"]
    if rows.height > 1 and scores.n_unique() == 1:
        yield f"{model}: all {rows.height} scores are equal: it ranks nothing, and none of them is suspicious"
        return
    rate = metrics.get("fp_rate_at_threshold")
    if rate is not None and rate.value == 1.0 and rate.n > 1:
        yield f"{model}: its threshold flags all {rate.n} normal test sequences: do not read it"


def _shortcut_warnings(predictions: Mapping[str, pl.DataFrame], panel: pl.DataFrame) -> Iterator[str]:
    best = panel.filter(pl.col("detector").is_in(list(SHORTCUTS)) & pl.col("auc").is_not_null())
    if not best.height or not predictions:
        return
    row = best.sort("auc", descending=True).row(0, named=True)
    frame = next(iter(predictions.values()))
    n = run_names(frame.filter(pl.Series(mask_of_test_rows(frame)))).n_unique()
    if row["high"] is not None and row["high"] >= 1.0 and n < FEW_RUNS:
        yield (
            f"the shortcut {row['detector']} ({SHORTCUTS[row['detector']]}) reaches 1.00 on {n} test runs: too few "
            "to tell whether a detector does better"
        )
