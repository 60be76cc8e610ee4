"""Signals in the data: faults that some token's rate tells from normals, service by service, without any detector."""

from math import comb

import numpy as np
import polars as pl

from lo2.pool import distinct_pool_lists
from lo2.rows import rows_of_each, service_names

_LEVEL = 0.05
_MIN_ROWS = 3
SIGNALS = {
    **dict.fromkeys(("test_case", "service"), pl.String()),
    **dict.fromkeys(("n_fault", "n_normal"), pl.Int64()),
    "token": pl.String(),
    **dict.fromkeys(("token_auc", "p_adjusted"), pl.Float64()),
    "signal_in_data": pl.Boolean(),
}


def signals(sequences: pl.DataFrame) -> pl.DataFrame:
    """Whether the rate of some token separates a fault's sequences from the normal ones of the same service.

    For every token that at least three sequences hold, its rate (count / all tokens of the sequence, so that longer
    files count no more than short ones) is compared between the fault's sequences and the normal ones of all runs by
    the Mann-Whitney test, adjusted for all tokens of the pair (Bonferroni) and for all pairs of fault and service
    (Benjamini-Hochberg: about 5 % of what is reported as found may be chance). ``True``: the adjusted p-value is below
    0.05, and ``token`` names what separates best. ``False``: none was shown, although so many sequences could have
    shown a clean one. Null: too few sequences to say. A separating token need not be the fault's own doing: on data
    whose shortcuts leak, it may be the leak.

    The result has the columns of ``SIGNALS``, sorted by the first two, from ``test_case``, ``service``, ``anomaly``,
    ``e_words`` and, where present, ``e_words_count``; it is empty where one of the first four is missing.
    """
    if not {"test_case", "service", "anomaly", "e_words"} <= set(sequences.columns):
        return pl.DataFrame(schema=SIGNALS)
    labelled = sequences["anomaly"].is_not_null().to_numpy()
    read = [name for name in ("test_case", "anomaly", "e_words", "e_words_count") if name in sequences.columns]
    parts = []
    for service, own in rows_of_each(service_names(sequences).to_numpy()):
        # One service at a time: a copy of the table would be the largest thing in memory.
        rows = sequences.select(read).filter(pl.Series(own & labelled))
        rows = rows.with_columns(pl.col("test_case").fill_null(""))
        normal = rows.filter(~pl.col("anomaly"))
        normal_rates = _signal_token_rates(normal, anomaly=False)
        for (case,), fault in rows.filter("anomaly").group_by("test_case", maintain_order=True):
            entries = pl.concat([normal_rates, _signal_token_rates(fault, anomaly=True)])
            tested = _signal_mann_whitney_tests(entries, fault.height, normal.height)
            best = tested.sort("p_value", "token", maintain_order=True).row(0, named=True) if tested.height else {}
            p_value = best.get("p_value")
            parts.append(
                {
                    **{"test_case": case, "service": service, "n_fault": fault.height, "n_normal": normal.height},
                    **{key: best.get(key) for key in ("token", "token_auc")},
                    # Bonferroni over the tokens of one cell; whether even a perfect one could be told in so few rows.
                    "p_adjusted": None if p_value is None else min(1.0, p_value * tested.height),
                    "signal_in_data": _least_signal_p_value(fault.height, normal.height) * tested.height < _LEVEL,
                }
            )
    return _adjust_signal_p_values(pl.DataFrame(parts, schema=SIGNALS)).sort("test_case", "service")


def detectable_rows(predictions: pl.DataFrame, signals: pl.DataFrame) -> pl.DataFrame:
    """Normal rows, and anomalous ones of those pairs of fault and service whose logs show a signal.

    A test case is labelled as a whole, and so are the logs of services that its fault never touches; measured over
    all of them, a perfect detector looks poor. Rows without a label are left out.
    """
    shown = signals.filter(pl.col("signal_in_data").fill_null(value=False)).select("test_case", "service")
    touched = predictions.filter("anomaly").join(shown, on=["test_case", "service"], how="semi", nulls_equal=True)
    normal = predictions.filter(~pl.col("anomaly"))
    return pl.concat([normal, touched]).sort("seq_id")


def _adjust_signal_p_values(found: pl.DataFrame) -> pl.DataFrame:
    """Benjamini-Hochberg over the cells; ``signal_in_data`` arrives as "could be told" and leaves as the finding."""
    known = found.filter(pl.col("p_adjusted").is_not_null()).height
    rank = pl.col("p_adjusted").rank("ordinal")
    stepped = found.sort("p_adjusted", "test_case", "service", nulls_last=True).with_columns(
        (pl.col("p_adjusted") * known / rank).cum_min(reverse=True).clip(upper_bound=1.0)
    )
    hit, tellable = (pl.col("p_adjusted") < _LEVEL).fill_null(value=False), pl.col("signal_in_data")
    return stepped.with_columns(signal_in_data=pl.when(hit).then(True).when(tellable).then(False).otherwise(None))


def _signal_token_rates(rows: pl.DataFrame, *, anomaly: bool) -> pl.DataFrame:
    """How many sequences, and how many of a fault, hold each token at which rate: ``token, rate, n, n_fault``."""
    columns = [name for name in ("e_words", "e_words_count") if name in rows.columns]
    lists, kind = distinct_pool_lists(rows, *columns)
    counts = pl.col("e_words_count") if "e_words_count" in columns else pl.col("e_words").list.eval(pl.lit(1))
    often = np.bincount(np.arange(lists.height)[kind], minlength=lists.height).astype(np.float64)
    n = pl.col("n")
    # Empty lists are dropped before: what explode makes of them differs between Polars 1 and 2.
    held = lists.with_columns(n=often).filter(pl.col("e_words").list.len() > 0).select(
        pl.col("e_words").alias("token"), counts.alias("count"), counts.list.sum().alias("total"), n
    )  # fmt: skip
    rate = (pl.col("count") / pl.col("total")).alias("rate")
    return held.explode("token", "count").select("token", rate, n, n_fault=n if anomaly else pl.lit(0.0))


def _signal_mann_whitney_tests(entries: pl.DataFrame, n_fault: int, n_normal: int) -> pl.DataFrame:
    """``token, token_auc, p_value`` (two-sided) per token; sequences without it tie at rate zero, below all others."""
    n, pairs = n_fault + n_normal, n_fault * n_normal
    tied, below = pl.col("n"), pl.col("n").cum_sum().over("token") - pl.col("n")
    ranked = entries.group_by("token", "rate").agg(pl.col("n", "n_fault").sum()).sort("rate")
    ranked = ranked.with_columns(rank=below + (tied + 1) / 2, ties=tied * (tied**2 - 1))
    tokens = (
        ranked.group_by("token")
        .agg(
            tied.sum().alias("held"),
            pl.col("n_fault").sum().alias("held_fault"),
            (pl.col("rank") * pl.col("n_fault")).sum().alias("rank_sum"),
            pl.col("ties").sum(),
        )
        .filter(pl.col("held") >= _MIN_ROWS)
        .with_columns(pl.col("token").cast(pl.String))
        .sort("token")
    )
    held, held_fault = tokens["held"].to_numpy(), tokens["held_fault"].to_numpy()
    without = n - held
    rank_sum = tokens["rank_sum"].to_numpy() + held_fault * without + (n_fault - held_fault) * (without + 1) / 2
    wins = rank_sum - n_fault * (n_fault + 1) / 2
    tied = tokens["ties"].to_numpy() + without**3 - without
    spread = np.sqrt(np.maximum(0.0, pairs / 12 * (n + 1 - tied / max(1, n * (n - 1)))))
    far = np.maximum(0.0, np.abs(wins - pairs / 2) - 0.5)
    deviation = np.divide(far, spread, out=np.zeros_like(far), where=spread > 0)
    from scipy.special import erfc

    p_value = np.maximum(erfc(deviation / np.sqrt(2)), _least_signal_p_value(n_fault, n_normal))
    return tokens.select("token", pl.Series("token_auc", wins / max(1, pairs)), pl.Series("p_value", p_value))


def _least_signal_p_value(n_fault: int, n_normal: int) -> float:
    """Smallest two-sided p-value that so many sequences can give."""
    return min(1.0, 2 / comb(n_fault + n_normal, n_fault))
