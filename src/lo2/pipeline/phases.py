"""The phases as data: the function of each, and the arguments that the record of a call stands for.

``lo2 restore`` runs a row's function with the arguments of the record, elsewhere, and compares hashes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lo2.artefacts.layout import ARTEFACTS, Home
from lo2.pipeline.detect import detect_again, detect_run
from lo2.pipeline.explain import explain_again, explain_run
from lo2.pipeline.load import load_again, load_run
from lo2.pipeline.recorded import Recorded
from lo2.pipeline.report import report_again, report_run
from lo2.pipeline.score import score_again, score_run
from lo2.registry import lookup


@dataclass(frozen=True)
class PhaseRow:
    """One row of ``PHASES``: ``run(home=..., **again(recorded))`` is the recorded call once more.

    ``completes`` names an artefact of a phase before that the call added to, where its record says that it did.
    """

    run: Callable[..., Any]
    again: Callable[[Recorded], dict[str, Any]]
    completes: str = ""


PHASES: Mapping[str, PhaseRow] = {
    "load": PhaseRow(load_run, load_again),
    "detect": PhaseRow(detect_run, detect_again),
    "explain": PhaseRow(explain_run, explain_again, completes="runs"),
    "report": PhaseRow(report_run, report_again),
    "score": PhaseRow(score_run, score_again),
}


def recreate(phase: str, facts: Mapping[str, Any], workshop: Home, *, root: Path | None = None) -> None:
    """Run ``phase`` in ``workshop`` with the recorded options; earlier phases' artefacts are there already.

    ``root`` is where the raw logs are now, by default where the last load found them.

    Raises
    ------
    InputNotFoundError
        If the raw logs or another input of the phase is no longer where it was.
    """
    row, recorded = lookup(PHASES, phase, kind="phase"), Recorded(workshop, phase, facts, root)
    if recorded.values.get(row.completes) and not workshop.path(row.completes).is_file():
        before = ARTEFACTS[row.completes].phase
        recreate(before, Recorded.of(workshop, before).facts, workshop, root=root)
    row.run(home=workshop, **row.again(recorded))
