"""One phase again, elsewhere, as its record says it ran: what ``lo2 restore`` compares hashes with."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from lo2.artefacts import provenance
from lo2.artefacts.layout import Home
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
from lo2.pipeline.load import SaveOptions, load_run
from lo2.pipeline.report import report_run
from lo2.pipeline.score import ScoreRunOptions, score_run
from lo2.report.values import ReportOptions


def recreate(phase: str, facts: Mapping[str, Any], workshop: Home) -> None:
    """Run ``phase`` in ``workshop`` with the recorded options; earlier phases' artefacts are there already.

    Raises
    ------
    InputNotFoundError
        If the raw logs or another input of the phase is no longer where it was.
    """
    options = facts["options"]
    if phase == "load":
        load_run(_root(workshop), workshop, _pick(LoadOptions, options), save=_pick(SaveOptions, options),
                 source=options["source"])  # fmt: skip
    elif phase == "detect":
        with _day(options.get("generated_at")):
            _detect(options, workshop)
    elif phase == "explain":
        explain_run(workshop, _pick(ExplainOptions, options), ExplainRunOptions(models=tuple(options["models"])))
    elif phase == "report":
        report_run(workshop, _pick(ReportOptions, options))
    else:
        source = _logged(workshop, "score", "source")
        which: dict[str, Any] = {"root": source} if source.is_dir() else {"sequences": source}
        score_run(workshop, ScoreRunOptions(model=_logged(workshop, "score", "bundle"), **which))


def _detect(options: Mapping[str, Any], workshop: Home) -> None:
    chosen: DetectOptions = _pick(DetectOptions, options)
    detect_run(
        workshop,
        chosen,
        forest=restore(ForestOptions, options["if"]),
        split=restore(SplitOptions, options["split"]),
        score=restore(ScoreOptions, options["score"]),
        source=options["source"],
        inputs={name: _logged(workshop, "detect", name) for name in options["inputs"]},
    )


def _pick(kind: type, options: Mapping[str, Any]) -> Any:
    known = record(kind())
    return restore(kind, {name: options[name] for name in known if name in options})


def _root(home: Home) -> Path:
    root = provenance.raw_root(home)
    if root is None or not root.exists():
        raise InputNotFoundError(
            f"The raw logs {root or ''} are not there any more: the sequences cannot be made again"
        )
    return root


def _logged(home: Home, phase: str, name: str) -> Path:
    """Path that a phase was last given, as ``run.log.json`` notes it."""
    paths = [run[name] for run in provenance.read_log(home)["runs"] if run.get("phase") == phase and run.get(name)]
    if not paths or not Path(paths[-1]).exists():
        raise InputNotFoundError(f"{paths[-1] if paths else name}, an input of {phase}, is not there any more")
    return Path(paths[-1])


@contextmanager
def _day(generated_at: str | None) -> Iterator[None]:
    """The day that names and cards carried then."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    if generated_at is not None:
        os.environ["SOURCE_DATE_EPOCH"] = str(int(datetime.fromisoformat(generated_at).timestamp()))
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("SOURCE_DATE_EPOCH", None)
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before
