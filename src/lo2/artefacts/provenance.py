"""Provenance: what was made from what, with which options; ``provenance.json``, ``SHA256SUMS``, the log of runs.

The first two hold only what determines bytes, so that equal runs give equal files; times, host, jobs and absolute paths
go to ``run.log.json``, which is neither hashed nor packed.
"""

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lo2.artefacts.files import json_text, sha256, sha256_bytes, sha256_sums_text, write_json, write_text
from lo2.artefacts.json_yaml import DocumentError, parse_json, read_bounded_text
from lo2.artefacts.kinds import Kind, each, either, faults, none, pairs, table, text, whole
from lo2.artefacts.layout import Home, identify_artefact
from lo2.errors import CheckFailedError, InputNotFoundError

INPUT = "input"
LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib", "polars")
# Options that say where or how fast, never what: recording them would make equal results look different.
NOT_BYTES = frozenset(
    {"root", "output_dir", "models_dir", "metrics_dir", "variant", "home", "sequences", "model", "load_model"}
    | {"jobs", "backend", "json", "verbose", "quiet", "dry_run", "accept_changed", "overwrite_model"}
)

_LONG = 10_000


def is_recorded_below(value: Any) -> bool:
    """Whether a path stays below the folder it is relative to."""
    return text(longest=_LONG)(value) and "\0" not in value and not {"", ".", ".."} & set(value.split("/"))


_MADE = pairs(text(longest=_LONG), text())
_ROOT = either(none, text(longest=_LONG))
_FACTS = pairs(text(), lambda value: True)
_ENTRY = {"path": is_recorded_below, "sha256": text(), "bytes": whole(0, 1 << 62), "phase": text(), "made_from": _MADE}
_EARLIER = either(none, each(lambda value: _FACTS(value) and each(text(longest=_LONG))(value.get("made"))))
FIELDS: Mapping[str, Kind] = {
    "format": whole(1, 1),
    "phases": pairs(text(), lambda value: _FACTS(value) and _EARLIER(value.get("earlier"))),
    "artefacts": each(table(_ENTRY, *_ENTRY)),
}


@dataclass(frozen=True)
class Entry:
    """One recorded artefact; ``made_from`` maps what it was made from to the hash that had then."""

    path: str
    sha256: str
    bytes: int
    phase: str
    made_from: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Provenance:
    """Contents of ``provenance.json``."""

    phases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    artefacts: Mapping[str, Entry] = field(default_factory=dict)

    def text(self) -> str:
        """The file's text."""
        entries = [asdict(self.artefacts[path]) for path in sorted(self.artefacts)]
        return json_text({"phases": self.phases, "artefacts": entries})


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that determine bytes, without importing them."""
    from importlib import metadata

    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def parse_provenance(text: str) -> Provenance:
    """Contents of a ``provenance.json``.

    Raises
    ------
    CheckFailedError
        If the text is not one.
    """
    try:
        data = parse_json(text)
        if type(data.get("format")) is int and data["format"] > 1:
            raise CheckFailedError(f"provenance.json has format {data['format']}, this lo2 reads 1: update lo2")
        wrong = faults(data, FIELDS, required=tuple(FIELDS), others=False)
        if wrong:
            raise DocumentError(wrong[0])
        entries = [Entry(**entry) for entry in data["artefacts"]]
        return Provenance(dict(data["phases"]), {entry.path: entry for entry in entries})
    except DocumentError as error:
        raise CheckFailedError(f"provenance.json is damaged ({error}). Repair: lo2 restore provenance") from error


def load_provenance(home: Home) -> Provenance:
    """Provenance of ``home``; empty where nothing was recorded yet."""
    path = home.path("provenance")
    try:
        return parse_provenance(read_bounded_text(path)) if path.exists() else Provenance()
    except DocumentError as error:
        raise CheckFailedError(f"{path} cannot be read ({error}). Repair: lo2 restore provenance") from error


def provenance_backup_path(home: Home) -> Path:
    """Second copy of ``provenance.json``, from which it is restored."""
    return home.result / ".provenance.json"


def provenance_sums_text(home: Home, provenance: Provenance) -> str:
    """``SHA256SUMS`` of everything hashed under the result root, for ``sha256sum -c`` run inside it.

    Models lie outside the result root and are listed in ``provenance.json`` alone: two results that differ in no byte
    have the same sums wherever their models were put.
    """
    hashes = {"provenance.json": sha256_bytes(provenance.text().encode())}
    for entry in provenance.artefacts.values():
        physical = home.locate_artefact(entry.path).absolute()
        found = identify_artefact(entry.path)
        if physical.is_relative_to(home.result.absolute()) and (found is None or found[0].hashed):
            hashes[physical.relative_to(home.result.absolute()).as_posix()] = entry.sha256
    return sha256_sums_text(hashes)


def save_provenance(home: Home, provenance: Provenance) -> None:
    """Write provenance, its second copy and the sums; killed in between, the next call or ``restore`` completes it."""
    text = provenance.text()
    write_text(provenance_backup_path(home), text)
    write_text(home.path("provenance"), text)
    write_text(home.path("sums"), provenance_sums_text(home, provenance))


def record_provenance(
    home: Home,
    *,
    phase: str,
    options: Mapping[str, Any],
    seed: int | None,
    input_fingerprint: str | None,
    written: Iterable[Path],
    made_from: Mapping[Path, Sequence[Path]] | None = None,
    forget: Iterable[str] = (),
) -> Provenance:
    """Record what ``phase`` has ``written``, complete under final names; ``forget`` names what to strike.

    ``options`` lose what does not determine bytes (``NOT_BYTES``); ``input_fingerprint`` is that of the raw logs or of
    the sequences; ``made_from`` says of each file what it was made from.
    """
    old = load_provenance(home)
    forget = set(forget)
    artefacts = {path: entry for path, entry in old.artefacts.items() if path not in forget}
    sources = {home.logical(path): tuple(paths) for path, paths in (made_from or {}).items()}
    digests = {source: sha256(source) for source in set().union(*sources.values())}
    times: dict[str, int] = {}
    for path in sorted(set(written)):
        name = home.logical(path)
        known = identify_artefact(name)
        if known is not None and not known[0].hashed:
            continue
        used = {home.logical(source): digests[source] for source in sources.get(name, ())}
        made = used or ({INPUT: input_fingerprint} if input_fingerprint else {})
        artefacts[name] = Entry(name, sha256(path), path.stat().st_size, phase, made)
        times[name] = path.stat().st_mtime_ns
    kept = {key: value for key, value in options.items() if key not in NOT_BYTES}
    facts = {"options": kept, "seed": seed, "versions": library_versions(), "input_fingerprint": input_fingerprint}
    earlier = _earlier_provenance(old, phase, facts, gone={*times, *forget})
    provenance = Provenance({**old.phases, phase: {**facts, **({"earlier": earlier} if earlier else {})}}, artefacts)
    _update_run_log(home, files=times)
    save_provenance(home, provenance)
    return provenance


def _earlier_provenance(
    old: Provenance, phase: str, facts: Mapping[str, Any], *, gone: set[str]
) -> list[dict[str, Any]]:
    """Facts of former calls of ``phase`` of which something is left: ``made`` lists it, without what is ``gone``."""
    last = dict(old.phases.get(phase, {}))
    found = list(last.pop("earlier", []))
    listed = {path for one in found for path in one["made"]}
    found.append(
        {**last, "made": [e.path for e in old.artefacts.values() if e.phase == phase and e.path not in listed]}
    )
    left = [{**one, "made": sorted({*one["made"]} - gone)} for one in found]
    return [one for one in left if one["made"] and {**facts, "made": one["made"]} != one]


def provenance_of_call(provenance: Provenance, phase: str, path: str = "") -> Mapping[str, Any] | None:
    """Options, seed and versions of the call of ``phase`` that made ``path``, by default of the last one."""
    facts = provenance.phases.get(phase)
    earlier = facts.get("earlier", []) if facts else []
    return next((one for one in earlier if path in one["made"]), facts)


def forget_in_provenance(home: Home, names: Iterable[str]) -> None:
    """Strike artefacts from the record, for files that were cleaned away."""
    old, gone = load_provenance(home), set(names)
    save_provenance(
        home, replace(old, artefacts={path: entry for path, entry in old.artefacts.items() if path not in gone})
    )


def check_recorded_hash(home: Home, path: Path, *, accept_changed: bool = False) -> str:
    """Hash of ``path``, after comparing it with the record; files that belong to no result root are not compared.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    CheckFailedError
        If the file is not the recorded one; with ``accept_changed`` it is recorded as it is instead.
    """
    if not path.is_file():
        raise InputNotFoundError(f"{path} is missing. Run the phase before, or bring it back with lo2 restore --all")
    digest = sha256(path)
    try:
        name = home.logical(path)
    except ValueError:
        if not (path.parent / "provenance.json").is_file():
            return digest
        home, name = Home(path.parent, home.models), path.name  # another data state's
    provenance = load_provenance(home)
    entry = provenance.artefacts.get(name)
    if entry is not None and entry.sha256 == digest:
        return digest
    if accept_changed:
        known = identify_artefact(name)
        phase = known[0].phase if known else "load"
        accepted = Entry(name, digest, path.stat().st_size, phase, {"accepted": digest})
        save_provenance(home, replace(provenance, artefacts={**provenance.artefacts, name: accepted}))
        return digest
    if entry is None:
        raise CheckFailedError(
            f"{path} is not recorded: no phase wrote it there. Run its phase, or pass --accept-changed where it is read"
        )
    raise CheckFailedError(
        f"{path} is not what was written there (sha256 {digest[:12]}..., recorded {entry.sha256[:12]}...): edited by "
        f"hand. Run that phase again, lo2 restore {recorded_artefact_name(name)}, or pass --accept-changed"
    )


def recorded_artefact_name(logical: str) -> str:
    """What ``lo2 restore`` calls the artefact: its name in the table, or its path where that is ambiguous."""
    found = identify_artefact(logical)
    return found[0].name if found and found[0].pattern.replace("{model}", "if") == logical else logical


def append_run_log(home: Home, **facts: Any) -> None:
    """Add one run to ``run.log.json``: ``phase``, times, host, jobs, absolute paths; the last hundred are kept."""
    _update_run_log(
        home, run={key: os.fspath(value) if isinstance(value, Path) else value for key, value in facts.items()}
    )


def read_run_log(home: Home) -> dict[str, Any]:
    """Contents of ``run.log.json``: ``runs`` in order, ``files`` (name -> mtime_ns); empty when absent or damaged."""
    try:
        data = parse_json(read_bounded_text(home.path("run_log")))
    except (OSError, DocumentError):
        return {"runs": [], "files": {}}
    runs = [run for run in data.get("runs") or () if type(run) is dict]
    files = data.get("files")
    timed = pairs(text(longest=_LONG), whole(0, 1 << 62))(files)
    return {"runs": [run for run in runs if _ROOT(run.get("root"))], "files": files if timed else {}}


def _update_run_log(
    home: Home, *, run: Mapping[str, Any] | None = None, files: Mapping[str, int] | None = None
) -> None:
    log = read_run_log(home)
    runs = [*log["runs"], *([run] if run else [])][-100:]
    write_json(home.path("run_log"), {"runs": runs, "files": {**log["files"], **(files or {})}})


def recorded_raw_root(home: Home) -> Path | None:
    """Absolute root of the logs that the sequences were loaded from, as the last load noted it."""
    loads = [run for run in read_run_log(home)["runs"] if run.get("phase") == "load" and not run.get("failed")]
    roots = [run["root"] for run in loads if run.get("root")]
    return Path(roots[-1]) if roots else None
