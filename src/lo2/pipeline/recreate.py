"""One phase again, elsewhere, as its record says it ran: what ``lo2 restore`` compares hashes with."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lo2.artefacts import provenance
from lo2.artefacts.layout import Home
from lo2.artefacts.places import find_input
from lo2.errors import InputNotFoundError
from lo2.evaluation import ScoreOptions
from lo2.explain.options import ExplainOptions
from lo2.loading.inventory import LoadOptions
from lo2.models.options import ForestOptions
from lo2.models.split import SplitOptions
from lo2.options import record, restore
from lo2.pipeline.detect import detect_run
from lo2.pipeline.explain import ExplainRunOptions, explain_run
from lo2.pipeline.fitting import DetectOptions
from lo2.pipeline.load import load_run
from lo2.pipeline.report import report_run
from lo2.pipeline.saving import SaveOptions
from lo2.pipeline.score import ScoreRunOptions, score_run
from lo2.pipeline.source import Stamp
from lo2.report.values import ReportOptions


def recreate(phase: str, facts: Mapping[str, Any], workshop: Home, *, root: Path | None = None) -> None:
    """Run ``phase`` in ``workshop`` with the recorded options; earlier phases' artefacts are there already.

    ``root`` is where the raw logs are now, by default where the last load found them.

    Raises
    ------
    InputNotFoundError
        If the raw logs or another input of the phase is no longer where it was.
    """
    options = facts["options"]
    if phase == "load":
        load_options: LoadOptions = _pick(LoadOptions, options)
        save: SaveOptions = _pick(SaveOptions, options)
        known = options.get("modified_ms")
        load_run(_root(workshop, root), workshop, load_options, save=save, source=options["source"], modified_ms=known)
    elif phase == "detect":
        _detect(options, workshop)
    elif phase == "explain":
        names = tuple(options["models"])
        bundle = _inputs(workshop, "explain", options["inputs"]).get("load_model")
        if options.get("runs") and not workshop.path("runs").is_file():  # it completes what detect made
            _detect(provenance.load(workshop).phases["detect"]["options"], workshop)
        run = ExplainRunOptions(models=names, skip_if="if" not in names, root=root, load_model=bundle)
        explain_run(workshop, _pick(ExplainOptions, options), run)
    elif phase == "report":
        report_run(workshop, _pick(ReportOptions, options))
    else:
        _score(facts, workshop)


def _detect(options: Mapping[str, Any], workshop: Home) -> None:
    chosen: DetectOptions = _pick(DetectOptions, options)
    # Before there was such an option, knn_words ran only where it was named.
    chosen = replace(chosen, skip_knn=options.get("skip_knn", True))
    detect_run(
        workshop,
        chosen,
        forest=restore(ForestOptions, options["if"]),
        split=restore(SplitOptions, options["split"]),
        score=restore(ScoreOptions, options["score"]),
        source=options.get("source", "detect"),
        inputs=_inputs(workshop, "detect", options["inputs"]),
        stamp=Stamp(
            options["generated_at"], options.get("git_commit"), options.get("git_commit_why") or "not recorded"
        ),
    )


def _score(facts: Mapping[str, Any], workshop: Home) -> None:
    wanted, load = facts["input_fingerprint"], facts["options"]["load"]
    runs = [run for run in provenance.read_log(workshop)["runs"] if run.get("fingerprint") == wanted]
    source = Path(runs[-1]["source"]) if runs else Path("the data that was scored")
    if not source.exists():
        raise InputNotFoundError(f"{source} is not there any more: its predictions cannot be made again")
    given: dict[str, Any] = {"sequences": source} if load is None else {"root": source}
    bundle = _inputs(workshop, "score", {"bundle": facts["options"]["bundle_sha256"]})["bundle"]
    score_run(
        workshop,
        ScoreRunOptions(model=bundle, no_explain=facts["options"].get("no_explain", True), **given),
        load=_pick(LoadOptions, load or {}),
    )


def _pick(kind: type, options: Mapping[str, Any]) -> Any:
    known = record(kind())
    return restore(kind, {name: options[name] for name in known if name in options})


def _root(home: Home, given: Path | None) -> Path:
    root = given or provenance.raw_root(home)
    if root is None or not root.exists():
        raise InputNotFoundError(
            f"The raw logs {root or ''} are not there any more. Name them with --root: the sequences are made from them"
        )
    return root


def _inputs(home: Home, phase: str, recorded: Mapping[str, str]) -> dict[str, Path]:
    return {name: find_input(home, phase, name, digest) for name, digest in recorded.items()}
