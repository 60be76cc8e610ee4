"""What can be chosen when explaining; the flags derive from these fields."""

from dataclasses import dataclass

from lo2.errors import UsageError
from lo2.options import Ranged, option

SOURCES = ("train", "normal")


@dataclass(frozen=True)
class ExplainOptions(Ranged):
    """How much is explained, and against what."""

    nn_top_k: int = option(1, "Nearest normal sequences listed per explained sequence", least=1)
    nn_source: str = option(
        "train", "Where they come from: `train` (training normals) or `normal` (all normals)", more=True
    )
    shap_sample: int = option(200, "Sequences behind rankings and plots, spread over the ranks of the rest", least=0)
    top: int = option(20, "Most anomalous sequences explained line by line, besides the mistakes", least=0)
    flagged: int = option(
        2_000, "Flagged sequences explained line by line, the most anomalous first", more=True, least=0
    )
    top_tokens: int = option(10, "Tokens, templates and lines named per sequence", more=True, least=1)
    show_raw: bool = option(False, "Show raw log text instead of masked text; it holds secrets", more=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nn_source not in SOURCES:
            raise UsageError(f"--nn-source {self.nn_source!r}: choose one of {', '.join(SOURCES)}")
