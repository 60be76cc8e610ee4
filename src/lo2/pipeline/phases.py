"""A recorded call of a phase once more: what ``lo2 restore`` runs elsewhere, to compare hashes.

The module of a phase ``load`` holds ``load_run`` and ``load_again``, the arguments from a record; ``artefacts.layout``
lists the phases.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from lo2.artefacts.layout import ARTEFACTS, PHASE_NAMES, Home
from lo2.pipeline.recorded import Recorded
from lo2.registry import lookup

_COMPLETED = {"explain": "runs"}  # what a phase adds to an artefact of one before, where its record says that it did


def recreate_phase(phase: str, facts: Mapping[str, Any], workshop: Home, *, root: Path | None = None) -> None:
    """Run ``phase`` in ``workshop`` with the recorded options; earlier phases' artefacts are there already.

    ``root`` is where the raw logs are now, by default where the last load found them.

    Raises
    ------
    InputNotFoundError
        If the raw logs or another input of the phase is no longer where it was.
    """
    recorded, completed = Recorded(workshop, phase, facts, root), _COMPLETED.get(phase, "")
    # Imported when it is run: making sequences again takes no library that only training needs.
    module = import_module(lookup({name: f"lo2.pipeline.{name}" for name in PHASE_NAMES}, phase, kind="phase"))
    if recorded.values.get(completed) and not workshop.path(completed).is_file():
        before = ARTEFACTS[completed].phase
        recreate_phase(before, Recorded.recorded_call(workshop, before).facts, workshop, root=root)
    getattr(module, f"{phase}_run")(home=workshop, **getattr(module, f"{phase}_again")(recorded))
