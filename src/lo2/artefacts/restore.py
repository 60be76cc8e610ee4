"""Missing, changed or stale artefacts made again from their provenance, kept only if their hash is the recorded one.

A phase runs in a workshop below the result root (``.restore/``), which holds the recorded artefacts of the phases
before; what it makes is compared, then renamed into place. Nothing that differs replaces anything.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lo2.artefacts import provenance as record
from lo2.artefacts.files import sha256, write_bytes, write_text
from lo2.artefacts.layout import ARTEFACTS, PHASES, Home, identify
from lo2.artefacts.provenance import Provenance
from lo2.artefacts.scan import own_state, problems, read_sums, scan
from lo2.errors import CheckFailedError, InputNotFoundError, UsageError

Recreate = Callable[[str, Mapping[str, Any], Home], None]
OWN = ("provenance", "sums", "run_log")


@dataclass(frozen=True)
class Step:
    """One phase to run again, with what it is run for."""

    phase: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Restored:
    """One artefact that is what was recorded again."""

    path: str
    sha256: str
    how: str


def plan(home: Home, names: Sequence[str] = ()) -> list[Step]:
    """Phases to run again, in order, for ``names`` (all problems if empty), with what they need from phases before.

    Raises
    ------
    UsageError
        If a name is neither an artefact nor a recorded path.
    """
    broken = {finding.path for finding in problems(scan(home, strict=True))}
    trusted = _trusted(home)
    wanted = {path for name in names for path in _paths(trusted, name)} & broken if names else set(broken)
    left = sorted(wanted)
    while left:
        entry = trusted.artefacts.get(left.pop())
        needed = {source for source in entry.made_from if source in broken} - wanted if entry else set()
        wanted |= needed
        left.extend(sorted(needed))
    by_phase = {path: _phase_of(trusted, path) for path in sorted(wanted)}
    return [
        Step(phase, tuple(path for path, of in by_phase.items() if of == phase))
        for phase in ("run", *PHASES)
        if phase in by_phase.values()
    ]


def restore(home: Home, names: Sequence[str] = (), *, recreate: Recreate) -> list[Restored]:
    """Carry out ``plan(home, names)``.

    Parameters
    ----------
    home : Home
        Folders of the data state; the caller holds its lock.
    names : sequence of str
        Names of the table or recorded paths; empty for everything that is not as recorded.
    recreate : callable
        ``recreate(phase, facts, workshop)`` runs one phase elsewhere; ``facts`` are those of ``provenance.json``.

    Returns
    -------
    list of Restored
        In the order they were restored; empty where nothing was wrong.

    Raises
    ------
    CheckFailedError
        If an artefact was never recorded, or came out different (other versions, other input); the old one is kept.
    """
    done: list[Restored] = []
    for step in plan(home, names):
        if step.phase == "run":
            done += _own(home, step.paths)
        else:
            done += _again(home, step, recreate)
    return done


def _trusted(home: Home) -> Provenance:
    """The record; from its second copy where the first is gone or damaged."""
    _, trusted = own_state(home)
    if not trusted.phases:
        raise InputNotFoundError(f"{home.result} has no record to restore from: run the phases again")
    return trusted


def _paths(trusted: Provenance, name: str) -> list[str]:
    if name in ARTEFACTS:
        recorded = [path for path in trusted.artefacts if (found := identify(path)) and found[0].name == name]
        return recorded or [ARTEFACTS[name].pattern.replace("{model}", "if")]
    known = identify(name)
    if name in trusted.artefacts or (known is not None and known[0].name == "run"):
        return [name]
    raise UsageError(f"There is no artefact {name!r}. Choices: {', '.join(ARTEFACTS)}, or a path as lo2 scan lists it")


def _phase_of(trusted: Provenance, path: str) -> str:
    entry, found = trusted.artefacts.get(path), identify(path)
    if entry is not None:
        return entry.phase
    return "run" if found is not None and found[0].name in (*OWN, "run") else found[0].phase if found else "run"


def _own(home: Home, paths: Iterable[str]) -> list[Restored]:
    """Provenance and sums from the second copy, a kept run's files from the metrics they were copied from."""
    done = []
    for path in paths:
        found = identify(path)
        if found is not None and found[0].name == "run":
            done.append(_copy_back(home, path))
    if {"provenance.json", "SHA256SUMS"} & set(paths):
        trusted = _trusted(home)
        write_text(home.path("provenance"), trusted.text())
        write_text(home.path("sums"), record.sums_text(home, trusted))
        done += [
            Restored(p, sha256(home.locate(p)), "from its copy")
            for p in ("provenance.json", "SHA256SUMS")
            if p in paths
        ]
    return done


def _copy_back(home: Home, path: str) -> Restored:
    folder, _, name = path.rpartition("/")
    sums = home.locate(f"{folder}/SHA256SUMS")
    expected = read_sums(sums.read_text(encoding="utf-8")).get(name) if sums.exists() else None
    for source in (home.metrics / name, home.result / name):
        if source.is_file() and sha256(source) == expected:
            write_bytes(home.locate(path), source.read_bytes())
            return Restored(path, expected, f"copied from {source.name}")
    raise CheckFailedError(
        f"{path} cannot be made again: it belongs to an earlier run. Delete its folder, or run that again"
    )


def _again(home: Home, step: Step, recreate: Recreate) -> list[Restored]:
    trusted = _trusted(home)
    facts = trusted.phases.get(step.phase)
    if facts is None:
        names = ", ".join(step.paths[:3])
        raise CheckFailedError(f"{names}: never recorded. Make it with: lo2 {step.phase}")
    workshop = Home(home.result / ".restore" / "result", home.result / ".restore" / "models")
    shutil.rmtree(workshop.result.parent, ignore_errors=True)
    try:
        _furnish(home, workshop, trusted, step.phase)
        recreate(step.phase, facts, workshop)
        return [_take(home, workshop, trusted, path) for path in step.paths]
    finally:
        shutil.rmtree(workshop.result.parent, ignore_errors=True)


def _furnish(home: Home, workshop: Home, trusted: Provenance, phase: str) -> None:
    """Put what earlier phases made, and their record, into the workshop."""
    before = PHASES[: PHASES.index(phase)]
    kept = {path: entry for path, entry in trusted.artefacts.items() if entry.phase in before}
    for path in kept:
        if home.locate(path).is_file():
            target = workshop.locate(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(home.locate(path), target)
    workshop.result.mkdir(parents=True, exist_ok=True)
    record.save(workshop, Provenance({name: trusted.phases[name] for name in before if name in trusted.phases}, kept))
    log = record.read_log(home)
    write_text(workshop.path("run_log"), json.dumps({"format": 1, "runs": log["runs"], "files": {}}))


def _take(home: Home, workshop: Home, trusted: Provenance, path: str) -> Restored:
    """Put one artefact into place if it is what was recorded; one that was cleaned away is recorded anew."""
    entry, made = trusted.artefacts.get(path), workshop.locate(path)
    again = record.load(workshop).artefacts.get(path)
    if again is None or not made.is_file():
        raise CheckFailedError(f"{path}: the phase does not make it with the recorded options. Run it as you need it")
    if entry is not None and again.sha256 != entry.sha256:
        raise CheckFailedError(
            f"{path} came out different (sha256 {again.sha256[:12]}..., recorded {entry.sha256[:12]}...): other input "
            f"or versions. The old one is untouched; to accept the new one run: lo2 {entry.phase}"
        )
    write_bytes(home.locate(path), made.read_bytes())
    if entry is None:
        now = _trusted(home)
        record.save(home, Provenance(now.phases, {**now.artefacts, path: again}))
    return Restored(path, again.sha256, f"made again by {again.phase}" + ("" if entry else ", recorded anew"))
