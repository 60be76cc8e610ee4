"""``run``, the main job in one go: all phases from load to scan; refusals, such as too few runs, before any work."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lo2.artefacts.layout import Home
from lo2.artefacts.lock import lock
from lo2.artefacts.scan import Scanned, scan_artefacts
from lo2.engine import EngineOptions
from lo2.errors import TooFewError
from lo2.explain.explanation import refuse_to_explain
from lo2.loading.inventory import Inventory, take_inventory
from lo2.models.split import LEAST_RUNS
from lo2.models.table import MODELS
from lo2.pipeline.bundles import check_bundles_replaceable
from lo2.pipeline.detect import detect_run
from lo2.pipeline.detection import Detection
from lo2.pipeline.explain import ExplainResult, explain_run
from lo2.pipeline.fitting import chosen_models
from lo2.pipeline.load import LoadedLogs, OnPart, load_run
from lo2.pipeline.options import ExplainRunOptions, RunOptions
from lo2.pipeline.phase import Phase
from lo2.pipeline.report import report_run
from lo2.report.values import ReportSummary


@dataclass(frozen=True)
class RunResult:
    """What every phase gave."""

    loaded: LoadedLogs
    detection: Detection
    explained: ExplainResult
    report: Path
    summary: ReportSummary
    findings: list[Scanned]


def run_all_phases(
    root: Path,
    home: Home,
    options: RunOptions = RunOptions(),
    *,
    engine: EngineOptions = EngineOptions(),
    on_part: OnPart | None = None,
) -> RunResult:
    """Run every phase on ``root``; refusals come before any work.

    Where ``root`` only gained runs, the bundles of the generation before are kept under ``models/previous/``.

    Raises
    ------
    ArtefactExistsError
        If ``home`` belongs to another root, or a bundle would change without ``overwrite_model``.
    MissingExtraError
        If a model, or what explains it, needs a library that is not installed.
    """
    refuse_to_explain(())
    inventory = take_inventory(root, options.load)

    def refuse_run(p: Phase) -> None:
        check_bundles_replaceable(p, root, inventory.options, options.detect)
        refuse_too_few_runs(inventory)
        refuse_to_explain(MODELS[name] for name in chosen_models(options.detect))

    with lock(home):
        given: dict[str, Any] = {"save": options.save, "engine": engine, "on_part": on_part}
        loaded = load_run(root, home, options.load, **given, inventory=inventory, refuse=refuse_run)
        grown = loaded.generation is not None and bool(loaded.generation.gained) and not loaded.generation.lost
        detection = detect_run(home, options.detect, previous=grown)
        explained = explain_run(home, ExplainRunOptions(options.explain, root=root), detection=detection)
        report, summary = report_run(home)
        return RunResult(loaded, detection, explained, report, summary, scan_artefacts(home))


def refuse_too_few_runs(inventory: Inventory) -> None:
    """Refuse, before anything is loaded, what has too few runs to train on some and to measure on others.

    Raises
    ------
    TooFewError
        Naming the counts, and ``lo2 diff``, which needs one good log and one bad.
    """
    files = list(inventory.files)
    runs = {file.run for file in files}
    if len(runs) < LEAST_RUNS:
        cases = {(file.run, file.test_case) for file in files}
        raise TooFewError(
            f"{inventory.root} has {len(runs)} runs ({len(cases)} test cases, {len(files)} logs): a detector needs "
            f"{LEAST_RUNS}, to train, to set its threshold and to be measured. Load more runs, or compare two with: "
            "lo2 diff GOOD BAD"
        )
