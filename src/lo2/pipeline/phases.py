"""The phases as data: the function of each, and the arguments that the record of a call stands for.

``lo2 restore`` runs a row's function with the arguments of the record, elsewhere, and compares hashes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from lo2.artefacts.layout import ARTEFACTS, Home
from lo2.pipeline.recorded import Recorded
from lo2.registry import lookup


@dataclass(frozen=True)
class PhaseRow:
    """One row of ``PHASES``: ``run(home=..., **again(recorded))`` is the recorded call once more.

    Both stand in the module of the phase, as ``load_run`` and ``load_again``, which is imported when it is run: making
    sequences again takes no library that only training needs. ``completes`` names an artefact of a phase before that
    the call added to, where its record says that it did.
    """

    name: str
    completes: str = ""

    @property
    def run(self) -> Callable[..., Any]:
        """The phase."""
        return self._phase_function("run")

    @property
    def again(self) -> Callable[[Recorded], dict[str, Any]]:
        """Arguments of the phase from the record of a call."""
        return self._phase_function("again")

    def _phase_function(self, what: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(import_module(f"lo2.pipeline.{self.name}"), f"{self.name}_{what}")
        return found


_ROWS = (
    PhaseRow("load"),
    PhaseRow("detect"),
    PhaseRow("explain", completes="runs"),
    PhaseRow("report"),
    PhaseRow("score"),
)
PHASES: Mapping[str, PhaseRow] = {row.name: row for row in _ROWS}


def recreate_phase(phase: str, facts: Mapping[str, Any], workshop: Home, *, root: Path | None = None) -> None:
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
        recreate_phase(before, Recorded.of(workshop, before).facts, workshop, root=root)
    row.run(home=workshop, **row.again(recorded))
