"""The main job in one go: load, detect, explain, report, scan."""

from dataclasses import dataclass
from pathlib import Path

from lo2.artefacts.layout import Home
from lo2.artefacts.lock import lock
from lo2.artefacts.scan import Finding, scan
from lo2.engine import EngineOptions
from lo2.evaluation import ScoreOptions
from lo2.explain.options import ExplainOptions
from lo2.loading.inventory import LoadOptions, take_inventory
from lo2.models.options import ForestOptions
from lo2.models.split import SplitOptions
from lo2.pipeline.bundles import check_bundles
from lo2.pipeline.detect import detect_run
from lo2.pipeline.explain import Explained, ExplainRunOptions, explain_run
from lo2.pipeline.fitting import Detection, DetectOptions
from lo2.pipeline.load import LoadedLogs, OnPart, SaveOptions, check_state, load_run
from lo2.pipeline.report import report_run


@dataclass(frozen=True)
class RunOptions:
    """Options of every phase of a run."""

    load: LoadOptions = LoadOptions()
    save: SaveOptions = SaveOptions()
    detect: DetectOptions = DetectOptions(save_model=True)
    forest: ForestOptions = ForestOptions()
    split: SplitOptions = SplitOptions()
    score: ScoreOptions = ScoreOptions()
    explain: ExplainOptions = ExplainOptions()


@dataclass(frozen=True)
class RunResult:
    """What every phase gave."""

    loaded: LoadedLogs
    detection: Detection
    explained: Explained
    report: Path
    findings: list[Finding]


def run_all(
    root: Path,
    home: Home,
    options: RunOptions = RunOptions(),
    *,
    engine: EngineOptions = EngineOptions(),
    source: str = "run",
    on_part: OnPart | None = None,
) -> RunResult:
    """Run every phase on ``root``; refusals come before any work.

    Raises
    ------
    ArtefactExistsError
        If ``home`` belongs to another root, or a bundle would change without ``overwrite_model``.
    """
    if not root.exists():
        take_inventory(root, options.load)  # says what was expected there
    with lock(home):
        check_state(home, root)
        check_bundles(home, root, options.load, options.detect, options.forest)
        loaded = load_run(root, home, options.load, save=options.save, engine=engine, source=source, on_part=on_part)
        detection = detect_run(
            home, options.detect, forest=options.forest, split=options.split, score=options.score, source=source
        )
        explained = explain_run(home, options.explain, ExplainRunOptions(root=root), detection=detection)
        report, _ = report_run(home)
        return RunResult(loaded, detection, explained, report, scan(home))
