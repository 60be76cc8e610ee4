"""What can be chosen when measuring; the flags derive from these fields."""

from dataclasses import dataclass

from lo2.errors import UsageError
from lo2.options import Ranged, option


@dataclass(frozen=True)
class ScoreOptions(Ranged):
    """What is measured and how finely."""

    report_precision_at: tuple[int, ...] = option(
        (10, 50, 100), "Report the precision among the k highest scores", more=True, least=1
    )
    report_fp_alpha: tuple[float, ...] = option(
        (0.01, 0.05), "Report the false-positive rate at these shares", more=True
    )
    report_psi: bool = option(True, "Report the population stability index of the scores", more=True)
    resamples: int = option(
        1000, "Resamples of runs behind every 95 % interval", flag="--bootstrap", more=True, least=100
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(0 < alpha < 1 for alpha in self.report_fp_alpha):
            raise UsageError(f"--report-fp-alpha {self.report_fp_alpha}: every alpha is a share between 0 and 1")


@dataclass(frozen=True)
class DriftLimits(Ranged):
    """Limits beyond which drift is a finding; None reports without judging. By custom a PSI of 0.25 is acted upon."""

    scores: float | None = option(None, "Largest PSI of the scores", flag="--drift-scores", more=True, least=0)
    templates: float | None = option(
        None, "Largest PSI of the template frequencies", flag="--drift-templates", more=True, least=0
    )
    volume: float | None = option(
        None, "Largest PSI of the events per sequence", flag="--drift-volume", more=True, least=0
    )
    unseen_tokens: float | None = option(
        None, "Largest rise of the unseen-token share", flag="--drift-unseen-tokens", more=True, least=0
    )
