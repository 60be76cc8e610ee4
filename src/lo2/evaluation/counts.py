"""Counts of a detector on the test side: flagged logs, runs and detectable faults, and the sentence that says so."""

from collections.abc import Iterator

import polars as pl

from lo2.evaluation.figures import Counts
from lo2.evaluation.runs import Runs
from lo2.rows import UNIT, identified_rows
from lo2.wording import counted_noun

# Share of a fault's sequences that must be flagged for it to count as found.
FOUND = 0.5


def count_flagged(
    predictions: pl.DataFrame, *, model: str, signals: pl.DataFrame | None = None, runs: Runs | None = None
) -> Counts:
    """Counts of the test rows of ``predictions``, or of all rows where they have no sides, as those of new data.

    Examples
    --------
    >>> rows = {"run": ["a", "b"], "service": ["s", "s"], "test_case": ["ok", "bad"], "split": ["test", "test"]}
    >>> frame = pl.DataFrame({**rows, "anomaly": [False, True], "flagged_if": [False, True]})
    >>> counts = count_flagged(frame, model="if")
    >>> counts.flagged, counts.logs, counts.flagged_normals
    (1, 2, 0)
    """
    test = predictions.filter(pl.col("split") == "test") if "split" in predictions.columns else predictions
    test = test if test.height else predictions
    labels = predictions["anomaly"] if "anomaly" in predictions.columns else pl.Series([None], dtype=pl.Boolean)
    labelled = bool(labels.any())
    flag = test[f"flagged_{model}"]
    told = flag.null_count() < flag.len() or not flag.len()
    normal = test.filter(~pl.col("anomaly")) if labelled else test.clear()
    test = identified_rows(test)
    units = test.select(UNIT).unique()
    odd = None if runs is None or not runs.tellable else runs.flagged_runs.join(units, on=UNIT, nulls_equal=True)
    shown, most = _count_detectable_faults(test, signals)
    found = most.join(test, on=["test_case", "service"], nulls_equal=True) if told else most.clear()
    hit = found.group_by("test_case").agg(pl.col(f"flagged_{model}").fill_null(value=False).mean()) if told else found
    return Counts(
        model, labelled, test.height, int(flag.sum()) if told else None,
        normal.height, int(normal[f"flagged_{model}"].sum()) if told else None,
        units.height, None if odd is None else odd.height, test["run"].n_unique(),
        most.height, int((hit[f"flagged_{model}"] >= FOUND).sum()) if told else None, shown - most.height,
    )  # fmt: skip


def _count_detectable_faults(test: pl.DataFrame, signals: pl.DataFrame | None) -> tuple[int, pl.DataFrame]:
    """How many faults there are, and of those with a trace the service whose test logs show them most."""
    nothing = pl.DataFrame(schema={"test_case": pl.String(), "service": pl.String()})
    if signals is None or not signals.height:
        return 0, nothing
    there = test.select("test_case", "service").unique()
    rows = signals.join(there, on=["test_case", "service"], how="semi", nulls_equal=True)
    order = [pl.col("p_adjusted"), (pl.col("token_auc") - 0.5).abs(), pl.col("service")]
    shown = rows.filter(pl.col("signal_in_data").fill_null(value=False)).sort(order, descending=[False, True, False])
    most = shown.unique("test_case", keep="first", maintain_order=True)
    return rows["test_case"].n_unique(), most.select("test_case", "service")


def counts_sentence(counts: Counts) -> str:
    """What was found, in one sentence of plain counts.

    Examples
    --------
    >>> counts_sentence(Counts("if", True, 336, 46, 42, 4, 48, 9, 6, 6, 6, 1))
    '46 of 336 logs flagged; 6 of 6 detectable faults found; 4 of 42 normal logs flagged wrongly'
    >>> counts_sentence(Counts("if", False, 15, None, 0, None, 5, None, 5, 0, None, 0))
    '15 logs ranked; too few normal logs to tell which are odd'
    """
    return "; ".join(_flagged_count_clauses(counts))


def _flagged_count_clauses(counts: Counts) -> Iterator[str]:
    if counts.flagged is None:
        yield f"{counted_noun(counts.logs, 'log')} ranked"
        yield "too few normal logs to tell which are odd"
        return
    yield f"{counts.flagged:,} of {counted_noun(counts.logs, 'log')} flagged"
    if counts.faults:
        yield f"{counts.found} of {counted_noun(counts.faults, 'detectable fault')} found"
    if counts.labelled:
        yield f"{counts.flagged_normals:,} of {counted_noun(counts.normals, 'normal log')} flagged wrongly"
    elif counts.flagged_runs is not None:
        yield f"{counts.flagged_runs:,} of {counted_noun(counts.runs, 'run')} odd as a whole"
