"""What can be chosen when explaining; the flags derive from these fields."""

from dataclasses import dataclass

from lo2.errors import UsageError
from lo2.options import option

SOURCES = ("train", "normal")


@dataclass(frozen=True)
class ExplainOptions:
    """How much is explained, and against what."""

    nn_top_k: int = option(1, "Nearest normal sequences listed per explained sequence")
    nn_source: str = option(
        "train", "Where they come from: `train` (training normals) or `normal` (all normals)", more=True
    )
    shap_sample: int = option(200, "Sequences behind rankings and plots, spread over the ranks of the rest")
    top: int = option(20, "Most anomalous sequences explained line by line, beside the mistakes")
    flagged: int = option(2_000, "Flagged sequences explained line by line, the most anomalous first", more=True)
    top_tokens: int = option(10, "Tokens, templates and lines named per sequence", more=True)
    show_raw: bool = option(False, "Show raw log text instead of masked text; it holds secrets", more=True)

    def __post_init__(self) -> None:
        for name in ("nn_top_k", "top_tokens"):
            if getattr(self, name) < 1:
                raise UsageError(f"--{name.replace('_', '-')} {getattr(self, name)}: choose a number from 1")
        for name in ("shap_sample", "top", "flagged"):
            if getattr(self, name) < 0:
                raise UsageError(f"--{name.replace('_', '-')} {getattr(self, name)}: choose a number from 0")
        if self.nn_source not in SOURCES:
            raise UsageError(f"--nn-source {self.nn_source!r}: choose one of {', '.join(SOURCES)}")
