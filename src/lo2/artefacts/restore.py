"""Missing, changed or stale artefacts made again from their provenance, kept only if their hash is the recorded one.

A phase runs in a workshop below the result root (``.restore/``), which holds the recorded artefacts of the phases
before; what it makes is compared, then renamed into place. Nothing that differs replaces anything.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lo2.artefacts import provenance as record
from lo2.artefacts.advice import advised_call, unpack_advice
from lo2.artefacts.files import sha256, sha256_bytes, write_bytes, write_text
from lo2.artefacts.layout import ARTEFACTS, PHASE_NAMES, Home, identify_artefact
from lo2.artefacts.provenance import Provenance
from lo2.artefacts.scan import (
    artefact_row_name,
    read_scanned_sums,
    scan_artefacts,
    scan_problems,
    scan_provenance,
    scan_unpacked_members,
)
from lo2.artefacts.unrestored import Unrestored
from lo2.errors import CheckFailedError, InputNotFoundError, Lo2Error, UsageError
from lo2.options import option

Recreate = Callable[[str, Mapping[str, Any], Home], None]
OWN = ("provenance.json", "SHA256SUMS")


@dataclass(frozen=True)
class RestoreStep:
    """One call of a phase to repeat, with what it is repeated for; ``run`` stands for records and kept runs."""

    phase: str
    paths: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Restored:
    """One artefact that is what was recorded again."""

    path: str
    sha256: str
    how: str


@dataclass(frozen=True)
class RestoreOptions:
    """What is restored, and from where."""

    everything: bool = option(False, "Everything that is not as it was written", flag="--all")
    root: Path | None = option(None, "The raw logs, if they were moved since the load")
    dry_run: bool = option(False, "Only say what would run again")


def plan_restore(home: Home, names: Sequence[str] = ()) -> list[RestoreStep]:
    """Phases to run again, in order, for ``names`` (all problems if empty), with what they need from phases before.

    Raises
    ------
    UsageError
        If a name is neither an artefact nor a recorded path.
    """
    broken = {finding.path for finding in scan_problems(scan_artefacts(home, strict=True))}
    trusted = _record_to_restore_from(home)
    wanted = {path for name in names for path in _paths_to_restore(trusted, name, broken)} & broken
    if not names:  # what no phase that ran makes was never there
        wanted = {path for path in broken if _phase_that_restores(trusted, path) in ("run", *trusted.phases)}
    left = sorted(wanted)
    while left:
        entry = trusted.artefacts.get(left.pop())
        needed = {source for source in entry.made_from if source in broken} - wanted if entry else set()
        wanted |= needed
        left.extend(sorted(needed))
    steps: list[RestoreStep] = [RestoreStep("run", tuple(path for path in OWN if path in wanted))]
    for phase in PHASE_NAMES:
        if phase == "report":  # it names the kept run that its metrics are of
            kept = tuple(sorted(path for path in wanted if artefact_row_name(path) == "run"))
            steps.append(RestoreStep("run", kept))
        calls: list[RestoreStep] = []
        for path in sorted(path for path in wanted if _phase_that_restores(trusted, path) == phase):
            facts = record.provenance_of_call(trusted, phase, path) or {}
            same = next((call for call in calls if call.facts == facts), None)
            calls = [call for call in calls if call is not same]
            calls.append(RestoreStep(phase, (*(same.paths if same else ()), path), facts))
        steps += calls
    return [step for step in steps if step.paths]


def restore_artefacts(
    home: Home,
    names: Sequence[str] = (),
    *,
    recreate: Recreate,
    call: Callable[[str], str] = advised_call,
    tell: Callable[[Restored], None] = lambda one: None,
) -> list[Restored]:
    """Carry out ``plan_restore(home, names)``, whose lock the caller holds; what was restored, in that order.

    ``recreate(phase, facts, workshop)`` runs one phase elsewhere; ``facts`` are those of ``provenance.json``.
    ``call`` says how a phase is called there; ``tell`` is told each artefact as soon as it is back.

    Raises
    ------
    CheckFailedError
        After all else was restored, if an artefact was never recorded, or came out different (other versions, other
        input); the old one is kept.
    """
    done: list[Restored] = []
    left, lost = Unrestored(), not home.metrics.is_dir()
    for step in plan_restore(home, names):
        try:
            if step.phase == "run":
                back = _restore_records_and_runs(home, step, recreate, left)
            elif left.blocks(_record_to_restore_from(home), step.paths):
                left.untried += step.paths
                continue
            else:
                back = _restore_step_files(home, step, recreate, left, named=bool(names), runs_too=lost)
        except Lo2Error as fault:
            left.add_fault(fault, step.paths)
            continue
        for one in back:
            tell(one)
        done += back
    left.raise_unrestored(home, call)
    return done


def _restore_records_and_runs(home: Home, step: RestoreStep, recreate: Recreate, left: Unrestored) -> list[Restored]:
    if step.paths[0] in OWN:
        trusted = _record_to_restore_from(home)
        write_text(home.path("provenance"), trusted.provenance_text())
        write_text(home.path("sums"), record.provenance_sums_text(home, trusted))
        return [Restored(path, sha256(home.locate_artefact(path)), "from its copy") for path in step.paths]
    done = []
    for folder in sorted({path.rpartition("/")[0] for path in step.paths}):
        paths = [path for path in step.paths if path.startswith(f"{folder}/")]
        try:
            done += _restore_kept_run(home, folder, paths, recreate)
        except CheckFailedError as fault:
            left.add_fault(fault, paths)
    return done


def _record_to_restore_from(home: Home) -> Provenance:
    """The record; from its second copy where the first is gone or damaged."""
    _, trusted = scan_provenance(home)
    if scan_unpacked_members(home, trusted):
        raise InputNotFoundError(f"{home.result} has no record of its own to restore from. {unpack_advice(home)}")
    if not trusted.phases:
        raise InputNotFoundError(f"{home.result} has no record to restore from: run the phases again")
    return trusted


def _paths_to_restore(trusted: Provenance, name: str, broken: set[str]) -> list[str]:
    if name in ARTEFACTS:
        known = sorted({*trusted.artefacts, *broken})
        return [path for path in known if artefact_row_name(path) == name]
    if name in trusted.artefacts or artefact_row_name(name):
        return [name]
    raise UsageError(f"There is no artefact {name!r}. Choices: {', '.join(ARTEFACTS)}, or a path as lo2 scan lists it")


def _phase_that_restores(trusted: Provenance, path: str) -> str:
    entry, found = trusted.artefacts.get(path), identify_artefact(path)
    if entry is not None:
        return entry.phase
    return found[0].phase if found and found[0].name != "run" else "run"


def _restore_step_files(
    home: Home, step: RestoreStep, recreate: Recreate, left: Unrestored, *, named: bool, runs_too: bool
) -> list[Restored]:
    if not step.facts:
        raise CheckFailedError(f"{', '.join(step.paths[:3])}: never recorded. Make it with: lo2 {step.phase}")
    trusted = _record_to_restore_from(home)
    with _restore_workshop(home, trusted, step.phase) as workshop:
        recreate(step.phase, step.facts, workshop)
        made = record.load_provenance(workshop).artefacts
        paths = [path for path in step.paths if named or path in trusted.artefacts or path in made]
        done: list[Restored] = []
        for path in paths:
            entry, again = trusted.artefacts.get(path), made.get(path)
            if entry and again and entry.sha256 != again.sha256:
                left.add_different(path, step.facts)
                continue
            try:
                done.append(_take_restored_artefact(home, workshop, trusted, path))
            except CheckFailedError as fault:
                left.add_fault(fault, [path])
        runs = runs_too and step.phase == "detect" and len(done) == len(paths)
        # Where all of metrics/ was deleted, the run that is kept in it was too, and no record lists it.
        for copy in sorted(workshop.metrics.glob("run_*/*")) if runs else ():
            name = workshop.logical(copy)
            if not home.locate_artefact(name).exists():
                write_bytes(home.locate_artefact(name), copy.read_bytes())
                done.append(Restored(name, sha256(copy), "made again"))
        return done


@contextmanager
def _restore_workshop(home: Home, trusted: Provenance, phase: str) -> Iterator[Home]:
    """Folders of the same names that hold what the phases before made, their record, and the kept runs."""
    place = home.result / ".restore"
    workshop = Home(place / "result" / home.result.absolute().name, place / "models")
    shutil.rmtree(place, ignore_errors=True)
    try:
        before = PHASE_NAMES[: PHASE_NAMES.index(phase)]
        kept = {
            path: entry
            for path, entry in trusted.artefacts.items()
            if entry.phase in before
            or (entry.phase == phase and _completed_before_restore(home, path, entry.sha256, before))
        }
        runs = [home.logical(path) for path in sorted(home.metrics.glob("run_*/*"))] if phase == "report" else []
        for path in (*kept, *runs):
            if home.locate_artefact(path).is_file():
                workshop.locate_artefact(path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(home.locate_artefact(path), workshop.locate_artefact(path))
        workshop.result.mkdir(parents=True, exist_ok=True)
        phases = {name: trusted.phases[name] for name in before if name in trusted.phases}
        record.save_provenance(workshop, Provenance(phases, kept))
        log = {"format": 1, "runs": record.read_run_log(home)["runs"], "files": {}}
        write_text(workshop.path("run_log"), json.dumps(log))
        yield workshop
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _completed_before_restore(home: Home, path: str, digest: str, before: Sequence[str]) -> bool:
    """Whether an artefact was made by a phase before, completed by this one, and is as it was left."""
    found = identify_artefact(path)
    return (
        found is not None
        and found[0].phase in before
        and home.locate_artefact(path).is_file()
        and sha256(home.locate_artefact(path)) == digest
    )


def _take_restored_artefact(home: Home, workshop: Home, trusted: Provenance, path: str) -> Restored:
    """Put one artefact into place if it is what was recorded; one that was cleaned away is recorded anew."""
    entry, made = trusted.artefacts.get(path), workshop.locate_artefact(path)
    again = record.load_provenance(workshop).artefacts.get(path)
    if again is None or not made.is_file():
        raise CheckFailedError(f"{path}: the phase does not make it with the recorded options. Run it as you need it")
    write_bytes(home.locate_artefact(path), made.read_bytes())
    if entry is None:
        now = _record_to_restore_from(home)
        record.save_provenance(home, Provenance(now.phases, {**now.artefacts, path: again}))
    return Restored(path, again.sha256, f"made again by {again.phase}" + ("" if entry else ", recorded anew"))


def _restore_kept_run(home: Home, folder: str, paths: list[str], recreate: Recreate) -> list[Restored]:
    """Files of a kept run: copies of metrics that are still those of that run, else from its detection made again."""
    kept = {path.name: path.read_bytes() for path in home.locate_artefact(folder).iterdir() if path.is_file()}
    sums = read_scanned_sums(kept.get("SHA256SUMS", b"").decode("utf-8", "replace"))
    sources = [root / name for name in sums for root in (home.metrics, home.result) if (root / name).is_file()]
    found = {path.name: path.read_bytes() for path in sources if sha256(path) == sums[path.name]}
    if not {path.rpartition("/")[2] for path in paths} <= found.keys():
        found = _restore_detected_run(home, kept, recreate)
    if not found:
        raise CheckFailedError(f"{folder} cannot be made again from this data. Delete the folder, or run that again")
    done = []
    for name, data in found.items():
        if kept.get(name) != data and (f"{folder}/{name}" in paths or name == "SHA256SUMS"):
            write_bytes(home.locate_artefact(f"{folder}/{name}"), data)
            done.append(Restored(f"{folder}/{name}", sha256_bytes(data), "made again"))
    return done


def _restore_detected_run(home: Home, kept: Mapping[str, bytes], recreate: Recreate) -> dict[str, bytes]:
    """The kept run as its ``run.json`` or the log says it was made, if sums or all the rest agree; else nothing."""
    trusted = _record_to_restore_from(home)
    choices = [run["kept"] for run in reversed(record.read_run_log(home)["runs"]) if run.get("kept")]
    with suppress(ValueError):  # it may be the damaged one
        choices.insert(0, json.loads(kept.get("run.json", b"")))
    for facts in choices:
        with _restore_workshop(home, trusted, "detect") as workshop:
            try:
                recreate("detect", facts, workshop)
            except (Lo2Error, KeyError, TypeError, ValueError):
                continue  # not how this run was made
            made = {path.name: path.read_bytes() for path in workshop.metrics.glob("run_*/*")}
        rest = [name for name in made if name != "SHA256SUMS"]
        if kept.get("SHA256SUMS") == made.get("SHA256SUMS") or all(kept.get(name) == made[name] for name in rest):
            return made
    return {}
