"""One measured number with its interval, its n and, where something is missing, the reason."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import polars as pl

from lo2.metrics.bootstrap import Interval


@dataclass(frozen=True)
class Metric:
    """Value and 95 % interval over ``n`` rows; ``why`` says why one is null, or what to read the value against."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    why: str | None = None

    @classmethod
    def missing(cls, why: str, *, n: int = 0) -> "Metric":
        """Metric that could not be computed."""
        return cls(None, None, None, n, why)

    @classmethod
    def measured(cls, value: float, interval: Interval, *, n: int, note: str | None = None) -> "Metric":
        """Metric with a value, whether or not it has an interval."""
        why = "; ".join(part for part in (note, interval.why) if part) or None
        return cls(value, interval.low, interval.high, n, why)

    def as_dict(self) -> dict[str, float | int | str | None]:
        """The five keys of the contract: value, low, high, n, why."""
        return asdict(self)


def metrics_frame(metrics: Mapping[str, Metric]) -> pl.DataFrame:
    """Metrics as a table with the columns ``metric, value, low, high, n, why``, in the order given.

    Examples
    --------
    >>> metrics_frame({"auc": Metric(0.9, 0.8, 1.0, 40)}).row(0)
    ('auc', 0.9, 0.8, 1.0, 40, None)
    """
    number, text = pl.Float64(), pl.String()
    schema = {"metric": text, "value": number, "low": number, "high": number, "n": pl.Int64(), "why": text}
    return pl.DataFrame([{"metric": name, **metric.as_dict()} for name, metric in metrics.items()], schema=schema)
