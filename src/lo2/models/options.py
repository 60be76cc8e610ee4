"""What can be chosen when a model is trained; flags and the parameters in ``model.yml`` derive from these fields.

This module needs no scikit-learn, so that ``--help`` starts at once.
"""

from dataclasses import dataclass

from lo2.errors import UsageError
from lo2.options import Ranged, option

LEADING = ("knn_words", "if")
"""Models that run unless they are skipped, the recommended one first: in this order they are read."""


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Ranged):
    """What every model takes: where on the scores of hold-out normals its threshold lies."""

    contamination: float = option(
        0.05, "Share c of normals to be flagged: the threshold is their (1 - c) quantile", flag="--if-contamination",
        least=0, most=1,
    )  # fmt: skip
    threshold_percentile: float | None = option(
        None, "Percentile (0-100) of hold-out normals; overrides the contamination", flag="--if-threshold-percentile",
        least=0, most=100,
    )  # fmt: skip

    @property
    def percentile(self) -> float:
        """Percentile of hold-out normal scores that becomes the threshold.

        Examples
        --------
        >>> TrainOptions(contamination=0.25).percentile, TrainOptions(threshold_percentile=99.5).percentile
        (75.0, 99.5)
        """
        return 100.0 * (1.0 - self.contamination) if self.threshold_percentile is None else self.threshold_percentile


@dataclass(frozen=True, kw_only=True)
class ForestOptions(TrainOptions):
    """Options of the Isolation Forest."""

    n_estimators: int = option(200, "Trees of the forest", flag="--if-n-estimators", more=True, least=1)
    max_samples: int | float | str = option(
        "auto", "Rows per tree: number, share, or auto", flag="--if-max-samples", more=True
    )
    item: str = option("e_words", "Token column of the forest", flag="--if-item", more=True)
    numeric: tuple[str, ...] = option(
        (), "Numeric columns next to the tokens, e.g. seq_len", flag="--if-numeric", more=True
    )
    rare: float = option(0.01, "Share of training sequences up to which a token is rare", flag="--if-rare", more=True)
    uncommon: float = option(0.10, "Share up to which it is uncommon", flag="--if-uncommon", more=True)
    pseudo_share: float = option(
        0.05, "Share of training rows given pseudo-novelty", flag="--if-pseudo-share", more=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        rows = self.max_samples
        if not (rows == "auto" or (isinstance(rows, int) and rows >= 1) or (isinstance(rows, float) and 0 < rows <= 1)):
            raise UsageError(f"--if-max-samples {rows}: expected a number from 1, a share from 0 to 1, or auto")
        if not 0 <= self.rare <= self.uncommon <= 1 or not 0 <= self.pseudo_share < 1:
            raise UsageError(
                f"--if-rare {self.rare}, --if-uncommon {self.uncommon} and --if-pseudo-share {self.pseudo_share} are "
                "shares between 0 and 1, rare at most uncommon"
            )


@dataclass(frozen=True, kw_only=True)
class SplitOptions(Ranged):
    """Shares of the runs for hold-out and test; by time, or drawn at random with ``split_seed``."""

    holdout_fraction: float = option(0.2, "Share of the runs that is held out", flag="--if-holdout-fraction", more=True)
    test_fraction: float = option(0.2, "Share of the runs that is for testing", more=True)
    split_seed: int | None = option(
        None, "Draw the runs at random with this seed instead of by time", more=True, least=0, most=2**32 - 1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (0 < self.holdout_fraction < 1 and 0 < self.test_fraction < 1):
            raise UsageError(
                f"--if-holdout-fraction {self.holdout_fraction} and --test-fraction {self.test_fraction} are shares "
                "of the runs: choose between 0 and 1"
            )
