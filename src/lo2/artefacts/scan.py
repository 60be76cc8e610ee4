"""The scan of expected artefacts: present, missing, changed, stale, foreign, not applicable; which are problems."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lo2.artefacts import files
from lo2.artefacts import provenance as record
from lo2.artefacts.files import sha256, sha256_bytes
from lo2.artefacts.json_yaml import DocumentError, parse_json, read_bounded_text
from lo2.artefacts.kinds import each, table, text, whole
from lo2.artefacts.layout import ARTEFACTS, PHASE_NAMES, Artefact, Home, identify_artefact
from lo2.artefacts.outside import not_applicable
from lo2.artefacts.provenance import INPUT, Entry, Provenance, is_recorded_below
from lo2.errors import CheckFailedError

GONE = "was written, is gone"
OTHER = "not the bytes that were written"
UNPACKED = "the ZIP held another"
APART = "did not make the predictions that are here"
_MANIFEST_BYTES = 8 << 20
MEMBER = {"path": is_recorded_below, "sha256": text(), "bytes": whole(0, 1 << 40), "replaced": whole(0, 1 << 40)}


@dataclass(frozen=True)
class Scanned:
    """One file: its row in the table (empty for a foreign one), state, size, and what is to be said about it."""

    name: str
    path: str
    state: str
    bytes: int = 0
    required: bool = False
    note: str = ""

    @property
    def is_problem(self) -> bool:
        """Whether a check must fail: a required artefact that is missing, or one that is changed or stale."""
        return self.state in ("changed", "stale") or (self.state == "missing" and self.required)


def scan_artefacts(home: Home, *, strict: bool = False) -> list[Scanned]:
    """State of every expected artefact, then of every other file of the roots, each group by path; never empty.

    ``strict`` hashes every recorded file, else only those whose time is not the one noted when they were written.
    """
    own, trusted = scan_provenance(home)
    times: Mapping[str, int] = record.read_run_log(home)["files"]
    on_disk = dict(_files_to_scan(home))
    findings = {finding.path: finding for finding in own}
    for entry in trusted.artefacts.values():
        findings[entry.path] = _scanned_artefact_state(home, entry, trusted, None if strict else times.get(entry.path))
    shared, cannot = scan_unpacked_members(home, trusted), not_applicable(trusted)
    if shared:
        findings |= {name: _scanned_artefact_state(home, entry, Provenance(), None) for name, entry in shared.items()}
        cannot = dict.fromkeys((*PHASE_NAMES, "run"), "only what was shared is here")
        unvouched = own[bool(trusted.phases) :]  # where data were scored since, there is a record
        findings |= {
            finding.path: _scanned_archive_state(home, finding) for finding in unvouched if finding.state != "present"
        }
    for row in ARTEFACTS.values():
        path, why = _expected_artefact_name(row), cannot.get(row.phase, "")
        if path and path not in findings and path not in on_disk:
            state, note = ("not applicable", why) if why else ("missing", row.written)
            findings[path] = Scanned(row.name, path, state, required=row.required and not why, note=note)
    known = sorted(findings.values(), key=lambda f: (not f.required, f.path))
    others = {path: size for path, size in on_disk.items() if path not in findings}
    return [*known, *_scanned_kept_runs(home, others), *_scan_foreign_files(others)]


def scan_unpacked_members(home: Home, known: Provenance) -> dict[str, Entry]:
    """Members of the ZIP that ``lo2 unpack`` left here, as its manifest lists them; none where phases ran since.

    Examples
    --------
    >>> from pathlib import Path
    >>> scan_unpacked_members(Home(Path("no/such/folder"), Path("models")), Provenance())
    {}
    """
    if known.phases.keys() - {"score"}:
        return {}
    try:
        listed = parse_json(read_bounded_text(home.result / "MANIFEST.json", most=_MANIFEST_BYTES)).get("members", [])
    except (OSError, DocumentError):
        return {}
    if not each(table(MEMBER, *MEMBER))(listed):
        return {}
    return {one["path"]: Entry(one["path"], one["sha256"], one["bytes"], "pack") for one in listed}


def scan_provenance(home: Home) -> tuple[list[Scanned], Provenance]:
    """State of ``provenance.json`` and ``SHA256SUMS``, and the record to go by."""
    path, sums, backup = home.path("provenance"), home.path("sums"), record.provenance_backup_path(home)
    text, copy = _read_scanned_artefact(path), _read_scanned_artefact(backup)
    listed = _read_scanned_artefact(sums)
    trusted, state = Provenance(), "present" if path.exists() else "missing"
    for candidate in (text, copy):
        try:
            parsed = record.parse_provenance(candidate) if candidate else None
        except CheckFailedError:
            parsed = None
        if parsed is not None and (candidate == copy or (candidate is text and _scanned_sums_fit(text, listed))):
            trusted = parsed
            break
    if state == "present" and text != copy and not _scanned_sums_fit(text, listed):
        state = "changed"
    expected = record.provenance_sums_text(home, trusted) if trusted.phases else None
    sums_state = "missing" if not sums.exists() else "present" if listed == expected else "changed"
    sizes = [found.stat().st_size if found.exists() else 0 for found in (path, sums)]
    return [
        Scanned("provenance", "provenance.json", state, sizes[0], True),
        Scanned("sums", "SHA256SUMS", sums_state, sizes[1], True),
    ], trusted


def _read_scanned_artefact(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""


def _scanned_sums_fit(text: str, sums: str) -> bool:
    """Whether the sums list this very provenance."""
    return f"{sha256_bytes(text.encode())}  provenance.json\n" in sums


def _scanned_artefact_state(home: Home, entry: Entry, trusted: Provenance, written_at: int | None) -> Scanned:
    """State of a recorded artefact, or of a member of an archive that was unpacked here (``trusted`` is empty)."""
    path, name = home.locate_artefact(entry.path), artefact_row_name(entry.path)
    gone, other = (UNPACKED, UNPACKED) if entry.phase == "pack" else (GONE, OTHER)
    if not os.path.lexists(path):
        return Scanned(name, entry.path, "missing", required=True, note=gone)
    status = path.lstat()
    same = not path.is_symlink() and path.is_file() and status.st_size == entry.bytes
    if same and status.st_mtime_ns != written_at:
        same = sha256(path) == entry.sha256
    stale = _why_stale(entry, trusted, set())
    state = "changed" if not same else "stale" if stale else "present"
    apart = APART if _is_bundle_apart(entry, trusted) else ""
    return Scanned(name, entry.path, state, status.st_size, True, other if not same else stale or apart)


def _is_bundle_apart(entry: Entry, trusted: Provenance) -> bool:
    """Whether other predictions lie here than those that were made with this bundle, by another model."""
    of = next((path for path in entry.made_from if _is_of_bundle(entry.path, path)), None)
    now = trusted.artefacts.get(of or "")
    if of is None or now is None or now.sha256 == entry.made_from[of]:
        return False
    made = record.provenance_of_call(trusted, now.phase, of) or {}
    loaded = made.get("options", {}).get("inputs", {}).get("load_model")
    return loaded is None or loaded not in {one.sha256 for one in trusted.artefacts.values()}


def _is_of_bundle(path: str, source: str) -> bool:
    """Whether the source names the predictions that a bundle goes with, not what it was made from."""
    return path.startswith("models/") and artefact_row_name(source) == "predictions"


def _scanned_archive_state(home: Home, finding: Scanned) -> Scanned:
    """State of the record where an archive was unpacked: it has none, and its sums are those of its members."""
    if finding.name == "provenance":
        return replace(finding, state="not applicable", required=False, note="only what was shared is here")
    sums = read_scanned_sums(_read_scanned_artefact(home.path("sums")))
    there = {name: home.locate_artefact(name) for name in sums}
    same = bool(sums) and all(path.is_file() and sha256(path) == sums[name] for name, path in there.items())
    return replace(finding, state="present", note="") if same else replace(finding, note=UNPACKED)


def _why_stale(entry: Entry, trusted: Provenance, seen: set[str]) -> str:
    """Why ``entry`` no longer belongs to what is recorded, or nothing."""
    if entry.path in seen:
        return ""
    seen.add(entry.path)
    for source, digest in entry.made_from.items():
        if _is_of_bundle(entry.path, source):
            continue
        now = trusted.artefacts.get(source)
        phase = trusted.phases.get(entry.phase, {})
        if source == INPUT and entry.phase != "score" and phase.get("input_fingerprint") not in (None, digest):
            return "made from another data state"
        if now is not None and now.sha256 != digest:
            return f"older than {source}"
        if now is not None and _why_stale(now, trusted, seen):
            return f"{source} is stale"
    return ""


def _expected_artefact_name(row: Artefact) -> str | None:
    """Name to expect for a row; None for those that exist once per run, fingerprint or registry model."""
    fields = row.pattern.count("{")
    if fields == 0:
        return row.pattern
    return row.pattern.format(model="if") if "{model}" in row.pattern and fields == 1 and row.required else None


def _files_to_scan(home: Home) -> Iterator[tuple[str, int]]:
    """Name and size of every file of the roots; folders below the model root belong to variants."""
    yield from _scan_folder_files(home.result, "", deep=True)
    if not home.metrics.absolute().is_relative_to(home.result.absolute()):
        yield from _scan_folder_files(home.metrics, "metrics/", deep=True)
    yield from _scan_folder_files(home.models, "models/", deep=False)


def _scan_folder_files(folder: Path, prefix: str, *, deep: bool) -> Iterator[tuple[str, int]]:
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if deep:
                    yield from _scan_folder_files(Path(entry.path), f"{prefix}{entry.name}/", deep=True)
            else:
                yield prefix + entry.name, entry.stat(follow_symlinks=False).st_size


def read_scanned_sums(text: str) -> dict[str, str]:
    """Names and hashes of a ``SHA256SUMS``; lines of another shape are left out.

    Examples
    --------
    >>> read_scanned_sums("ab  a.txt\\nnonsense\\n")
    {'a.txt': 'ab'}
    """
    pairs = [line.split("  ", 1) for line in text.splitlines()]
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}


def _scanned_kept_runs(home: Home, others: dict[str, int]) -> Iterator[Scanned]:
    """Files of ``metrics/run_*`` against the sums in their folder; takes them out of ``others``."""
    folders = sorted({path.rpartition("/")[0] for path in others if artefact_row_name(path) == "run"})
    for folder in folders:
        text = _read_scanned_artefact(home.locate_artefact(f"{folder}/SHA256SUMS"))
        sums = read_scanned_sums(text)
        there = {path.rpartition("/")[2] for path in others if path.startswith(f"{folder}/")}
        for name in sorted({*sums, *there, *(["SHA256SUMS"] if "run.json" in there else [])}):
            path = f"{folder}/{name}"
            size = others.pop(path, None)
            if name == "SHA256SUMS":
                same = text == files.sha256_sums_text(sums)
            else:
                same = name not in sums or (size is not None and sha256(home.locate_artefact(path)) == sums[name])
            listed = name in sums or name == "SHA256SUMS"
            state = "missing" if size is None else "changed" if not same else "present" if listed else "foreign"
            yield Scanned("run", path, state, size or 0, listed, "" if listed else "not listed in its folder")


def artefact_row_name(path: str) -> str:
    """Name of the row of the table that ``path`` belongs to, or nothing."""
    found = identify_artefact(path)
    return found[0].name if found else ""


def _scan_foreign_files(others: Mapping[str, int]) -> Iterator[Scanned]:
    for path, size in sorted(others.items()):
        name = artefact_row_name(path)
        hashed = not name or ARTEFACTS[name].hashed
        note = "not recorded" if name else "no artefact of this program"
        yield Scanned(name, path, "foreign" if hashed else "present", size, note=note if hashed else "")


def scan_problems(findings: Iterable[Scanned]) -> list[Scanned]:
    """What of the scanned artefacts makes a check fail."""
    return [finding for finding in findings if finding.is_problem]
