"""Options of the phases; flags derive from these fields, so that ``--help`` imports nothing else."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from lo2.evaluation.options import ScoreOptions
from lo2.explain.options import ExplainOptions
from lo2.loading.options import LoadOptions, SaveOptions
from lo2.models.options import ForestOptions, SplitOptions
from lo2.options import Ranged, Shown, option, shared_options
from lo2.simulate.options import SimulateOptions


@dataclass(frozen=True)
class DiffOptions(Ranged):
    """How two sides are read and compared; flags of ``lo2 diff``."""

    context: int = option(2, "Lines of context around a finding", flag="--context -C", least=0)
    ignore_file: Path | None = option(None, "YAML file of findings that were accepted: they are counted, not shown")
    service_types: tuple[str, ...] = shared_options(LoadOptions, "service_types", more=False)
    layout: str | None = shared_options(LoadOptions, "layout", more=True)
    log_format: tuple[str, ...] = shared_options(LoadOptions, "log_format")
    time_format: str = shared_options(LoadOptions, "time_format")
    variable: tuple[str, ...] = shared_options(LoadOptions, "variable", more=True)
    redact: tuple[str, ...] = shared_options(LoadOptions, "redact", more=True)
    no_redact: bool = shared_options(
        LoadOptions, "no_redact", text="Leave known secrets in", flag="--no-redact --show-raw"
    )
    skip_bad_files: bool = shared_options(
        LoadOptions, "skip_bad_files", text="Accept unreadable files: list them and go on", more=True
    )
    since: str = shared_options(LoadOptions, "since")
    until: str = shared_options(
        LoadOptions,
        "until",
        text="Only events before this time (UTC); with --add-ignore the last day findings are accepted",
    )
    year: int | None = shared_options(LoadOptions, "year")

    @property
    def load_options(self) -> LoadOptions:
        """Options of loading for a diff: logs of any service, no labels."""
        names = {f.name for f in fields(self)} & {f.name for f in fields(LoadOptions)}
        return LoadOptions(profile="tree", unlabelled=True, **{name: getattr(self, name) for name in names})


@dataclass(frozen=True)
class DetectOptions(Ranged):
    """Which detectors run, and what is kept of them."""

    models: tuple[str, ...] = option((), "Further detectors, see --list-models; `stable` or `all` of them")
    skip_if: bool = option(False, "Leave the Isolation Forest out")
    skip_knn: bool = option(False, "Leave knn_words, the recommended detector, out", more=True)
    per_service: bool = option(False, "In addition one model per service (models/<model>__<service>.joblib)", more=True)
    cross_fit: int = option(
        0, "In addition score every run by models that never saw it, in N folds of whole runs", more=True, least=0
    )
    alert_budget: float | None = option(
        None, "Threshold from a budget: false alerts per 1000 normal sequences", more=True, least=0, most=1000
    )
    save_model: bool = option(False, "Save the trained models, each with its card", flag="--save-model/--no-save-model")
    overwrite_model: bool = option(False, "Replace a saved model that would change")
    load_model: Path | None = option(None, "Score with this saved forest instead of training one")
    save_enhancers: bool = option(False, "Also write the feature cache enhanced/ for notebooks", more=True)
    sequences: Path | None = option(None, "Any sequence Parquet with seq_id and e_words")
    split_file: Path | None = option(None, "Use the split of this file (run -> train, holdout, test)", more=True)
    save_split: Path | None = option(None, "Write the split to this file", more=True)
    accept_changed: bool = option(False, "Go on with an edited sequence Parquet, and record it", more=True)
    seed: int = option(0, "Seed of all that is drawn by chance", least=0, most=2**32 - 1)
    seeds: int = option(1, "Repeat with N seeds in a row: metrics/comparison.csv shows each", more=True, least=1)
    forest: ForestOptions = ForestOptions()
    split: SplitOptions = SplitOptions()
    score: ScoreOptions = ScoreOptions()

    def loads_model(self, name: str) -> bool:
        """Whether this model is loaded instead of trained."""
        return name == "if" and self.load_model is not None


@dataclass(frozen=True)
class ExplainRunOptions:
    """Which models are explained, from what, and how."""

    explain: ExplainOptions = ExplainOptions()
    models: tuple[str, ...] = option((), "Models to explain besides the forest, by default all that have predictions")
    skip_if: bool = option(False, "Leave the Isolation Forest out")
    load_model: Path | None = option(None, "Bundle of the forest, by default models/lo2_if.joblib")
    root: Path | None = option(None, "Raw logs for file and line, by default those that were loaded")
    accept_changed: bool = option(False, "Go on with an edited Parquet, and record it", more=True)


@dataclass(frozen=True)
class ScoreRunOptions:
    """What to score with what."""

    model: Path | None = option(None, "Bundle, by default models/knn_words.joblib, else models/lo2_if.joblib")
    root: Path | None = option(None, "Raw logs to load and score")
    sequences: Path | None = option(None, "Sequence Parquet to score")
    no_explain: bool = option(False, "Scores only: no explanations, no findings, no page")
    accept_changed: bool = option(False, "Go on with an edited sequence Parquet, and record it", more=True)


@dataclass(frozen=True)
class RunOptions:
    """Options of every phase of a run."""

    load: Annotated[LoadOptions, Shown("normal layout log_format service_types skip_bad_files")] = LoadOptions()
    save: Annotated[SaveOptions, Shown("")] = SaveOptions()
    detect: Annotated[DetectOptions, Shown("models overwrite_model")] = DetectOptions(save_model=True)
    explain: Annotated[ExplainOptions, Shown("")] = ExplainOptions()


DEMO_VARIANT = "lo2_demo"


@dataclass(frozen=True)
class DemoOptions:
    """Which tree the demo simulates, and where."""

    logs: Path = option(Path("demo/logs/lo2"), "Where the simulated logs go")
    seed: int = shared_options(SimulateOptions, "seed", text="Seed of the simulated tree")
