"""Advice after a scan: what to restore, which phases to run again, and how they are called."""

import shlex
from collections.abc import Callable, Sequence

from lo2.artefacts.layout import ARTEFACTS, PHASE_NAMES, Home
from lo2.artefacts.scan import GONE, OTHER, UNPACKED, Scanned, scan_problems


def advised_call(phase: str) -> str:
    """How anybody calls a phase."""
    return f"lo2 {phase}{' ROOT' * (phase in ('load', 'score'))}"


def unpack_advice(home: Home | None = None) -> str:
    """How to bring back what ``lo2 unpack`` left: nothing else can make it."""
    into = "FOLDER" if home is None else shlex.quote(str(home.result))
    return f"Unpack it again with: lo2 unpack FILE.zip --into {into} --overwrite"


def scan_advice(
    findings: Sequence[Scanned], home: Home | None = None, call: Callable[[str], str] = advised_call
) -> str:
    """What to do about the problems: restore what was made once, run the phases of what was not or is out of date.

    Files outside are named only where the ``home`` is told: a page that is passed on holds no path of this machine.
    ``call`` says how a phase is called there.

    Examples
    --------
    >>> row = ARTEFACTS["report"]
    >>> scan_advice([Scanned("report", row.pattern, "stale", note="older than lo2_sequences_enhanced.parquet")])
    'Make them anew with: lo2 report'
    """
    wrong = scan_problems(findings)
    if any(f.note == UNPACKED for f in wrong):
        return unpack_advice(home)
    if {"provenance", "sums"} <= {f.name for f in wrong} and not any(f.note in (GONE, OTHER) for f in wrong):
        return "Nothing was recorded here: lo2 run ROOT makes it all, --output-dir and --models-dir name another place"
    anew = {ARTEFACTS[f.name].phase for f in wrong if f.name in ARTEFACTS and f.note not in (GONE, OTHER)}
    bundles = {f.state for f in wrong if f.name and ARTEFACTS[f.name].pattern.startswith("models/")}
    flags = ["--save-model"] * bool(bundles) + ["--overwrite-model"] * ("stale" in bundles)
    phases = [call(phase) for phase in PHASE_NAMES if phase in anew]
    phases = [
        " ".join([one, *(flag for flag in flags if flag not in one)]) if one.startswith("lo2 detect") else one
        for one in phases
    ]
    back = any(f.note in (GONE, OTHER) or f.name in ("provenance", "sums", "run") for f in wrong)
    said = ["Bring back what was written with: lo2 restore --all"] if back else []
    return ". ".join([*said, *([f"Make them anew with: {', then '.join(phases)}"] if phases else [])])
