"""Cleaning (retention): which explanations, kept runs and scored data may go; a plan first, then the trash."""

import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lo2.artefacts import provenance as record
from lo2.artefacts.files import atomic_write, sha256
from lo2.artefacts.layout import ARTEFACTS, Home, identify_artefact
from lo2.artefacts.scan import read_scanned_sums
from lo2.errors import CheckFailedError
from lo2.options import Ranged, option

KINDS = ("explainability", "runs", "scored", "enhanced")


@dataclass(frozen=True)
class CleanOptions(Ranged):
    """What may go; a group goes when any of the limits says so."""

    what: tuple[str, ...] = option(KINDS, "Kinds to look at")
    older_than_days: float | None = option(None, "Groups older than this", least=0)
    keep: int | None = option(None, "All but the newest N groups of a kind", least=0)
    max_mb: float | None = option(None, "Oldest groups of a kind until the rest fits", least=0)
    apply: bool = option(False, "Do it; without it only the plan is printed")
    archive: Path | None = option(None, "Also write what goes to this ZIP")
    empty_trash: bool = option(False, "Delete what is in .trash/ at once")


@dataclass(frozen=True)
class PrunableGroup:
    """Files that go together: one model's explanations, one run, one scored data set."""

    kind: str
    name: str
    paths: tuple[str, ...]
    bytes: int
    modified: float
    why: str = ""


@dataclass(frozen=True)
class Plan:
    """Groups that may go, and files that stay although their kind may go, each with the reason."""

    groups: tuple[PrunableGroup, ...]
    skipped: Mapping[str, str]

    @property
    def bytes_to_clean(self) -> int:
        """Size of what may go."""
        return sum(group.bytes for group in self.groups)


def plan_cleaning(home: Home, options: CleanOptions = CleanOptions(), *, now: datetime) -> Plan:
    """What ``options`` would remove from ``home``; nothing is touched.

    Only files that the table marks prunable, that their ``SHA256SUMS`` lists with this very content and that no link
    leads to.
    """
    groups, skipped = _retention_groups(home, options.what)
    chosen: list[PrunableGroup] = []
    for kind in KINDS:
        newest_first = sorted((g for g in groups if g.kind == kind), key=lambda g: (-g.modified, g.name))
        current = _retained_explanations(home) if kind == "explainability" else set()
        total = older = 0
        for group in newest_first:
            total += group.bytes
            # What the last explain wrote is one state, however many models it explained.
            rank = 0 if group.name in current else older + bool(current)
            older += group.name not in current
            why = _why_retention_drops(group, rank, total, options, now)
            if why:
                chosen.append(PrunableGroup(group.kind, group.name, group.paths, group.bytes, group.modified, why))
    return Plan(tuple(sorted(chosen, key=lambda g: (g.kind, g.name))), skipped)


def _retained_explanations(home: Home) -> set[str]:
    """Models that the last ``explain`` explained, and "" for what it wrote of all of them; empty without one."""
    last = record.load_provenance(home).phases.get("explain")
    return {"", *last.get("options", {}).get("models", ())} if last else set()


def _why_retention_drops(group: PrunableGroup, rank: int, total: int, options: CleanOptions, now: datetime) -> str:
    age = (now.timestamp() - group.modified) / 86_400
    if options.older_than_days is not None and age > options.older_than_days:
        return f"{age:.0f} days old"
    if options.keep is not None and rank >= options.keep:
        return f"not among the newest {options.keep}"
    if options.max_mb is not None and total > options.max_mb * 1e6:
        return f"beyond {options.max_mb:g} MB"
    return ""


def _retention_groups(home: Home, kinds: Sequence[str]) -> tuple[list[PrunableGroup], dict[str, str]]:
    known = _retention_hashes(home)
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    skipped: dict[str, str] = {}
    for path, digest in sorted(_retention_candidates(home, known).items()):
        key = _retention_group(path)
        if key is None or key[0] not in kinds:
            continue
        why = _why_retention_keeps(home, path, digest)
        if why:
            skipped[path] = why
        else:
            members[key].append(path)
    groups = []
    for (kind, name), paths in sorted(members.items()):
        found = [home.locate_artefact(path).stat() for path in paths]
        size, modified = sum(s.st_size for s in found), max(s.st_mtime for s in found)
        groups.append(PrunableGroup(kind, name, tuple(paths), size, modified))
    return groups, skipped


def _retention_hashes(home: Home) -> dict[str, str]:
    """Hashes of prunable artefacts: from the record, and from the sums inside every kept run."""
    recorded = {path: entry.sha256 for path, entry in record.load_provenance(home).artefacts.items()}
    for sums in sorted(home.metrics.glob("run_*/SHA256SUMS")):
        if not _is_cleaned_link(sums, home.metrics):
            folder = f"metrics/{sums.parent.name}"
            recorded |= {f"{folder}/{n}": d for n, d in read_scanned_sums(sums.read_text(encoding="utf-8")).items()}
            recorded[f"{folder}/SHA256SUMS"] = sha256(sums)
    return recorded


def _retention_candidates(home: Home, known: Mapping[str, str]) -> dict[str, str | None]:
    """Known and unknown files below the folders that may be cleaned; links are listed, never followed."""
    found: dict[str, str | None] = dict(known)
    for top in ("explainability", "scored", "enhanced"):
        for path in sorted((home.result / top).rglob("*")) if not (home.result / top).is_symlink() else ():
            if path.is_symlink() or path.is_file():
                found.setdefault(home.logical(path), None)
    for folder in sorted(home.metrics.glob("run_*")):
        inside = [] if folder.is_symlink() else sorted(folder.iterdir()) if folder.is_dir() else []
        for path in [folder] if folder.is_symlink() else inside:
            found.setdefault(f"metrics/{path.relative_to(home.metrics).as_posix()}", None)
    return found


def _retention_group(path: str) -> tuple[str, str] | None:
    """Kind and group of a path; None where nothing there may go."""
    found, top = identify_artefact(path), path.split("/", 1)[0]
    if path.startswith("metrics/run_"):
        return "runs", path.split("/")[1]
    if top not in KINDS:
        return None
    if found is None or not found[0].prunable:
        return top, path
    return top, found[1].get("model", "") if top == "explainability" else found[1].get("fingerprint", "cache")


def _why_retention_keeps(home: Home, path: str, digest: str | None) -> str:
    """Why a file stays, or nothing."""
    found, physical = identify_artefact(path), home.locate_artefact(path)
    root = home.metrics if path.startswith("metrics/") else home.result
    if _is_cleaned_link(physical, root):
        return "a link"
    if found is None or not ARTEFACTS[found[0].name].prunable:
        return "no artefact of this program"
    if digest is None:
        return "no SHA256SUMS lists it"
    if not physical.is_file():
        return "gone"
    return "" if sha256(physical) == digest else "changed since it was written"


def _is_cleaned_link(path: Path, root: Path) -> bool:
    """Whether ``path`` or a folder between it and ``root`` is a link."""
    between = [path, *path.parents][: len(path.relative_to(root).parts)]
    return any(part.is_symlink() for part in between)


def apply_cleaning(home: Home, chosen: Plan, *, now: datetime, archive: Path | None = None) -> Path:
    """Move what ``chosen`` lists to a folder in ``.trash/``, which is emptied before; first to ``archive`` if asked."""
    paths = [path for group in chosen.groups for path in group.paths]
    if archive is not None:
        _archive_before_clean(home, paths, archive)
    for path in paths:
        if _is_cleaned_link(home.locate_artefact(path), home.metrics if path.startswith("metrics/") else home.result):
            raise CheckFailedError(f"{path} became a link since the plan was made: nothing was deleted. Plan again")
    empty_trash(home)
    target = home.result / ".trash" / now.strftime("%Y-%m-%dT%H%M%S")
    for path in paths:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(home.locate_artefact(path), target / path)
    _remove_cleaned_folders({home.locate_artefact(path).parent for path in paths}, (home.result, home.metrics))
    if paths:
        record.forget_in_provenance(home, paths)
    return target


def empty_trash(home: Home) -> None:
    """Delete what earlier calls moved to the trash; a link is unlinked, not followed."""
    trash = home.result / ".trash"
    if trash.is_symlink():
        raise CheckFailedError(f"{trash} is a link. Remove it: nothing outside {home.result} is ever deleted")
    if trash.exists():
        shutil.rmtree(trash)


def _archive_before_clean(home: Home, paths: Sequence[str], archive: Path) -> None:
    with atomic_write(archive) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as target:
        for path in paths:
            target.write(home.locate_artefact(path), path)
    with zipfile.ZipFile(archive) as written:
        if written.testzip() is not None or sorted(written.namelist()) != sorted(paths):
            raise CheckFailedError(f"{archive} cannot be read back: nothing was deleted. Choose another --archive")


def _remove_cleaned_folders(folders: Iterable[Path], roots: Sequence[Path]) -> None:
    for folder in sorted(folders, key=lambda f: -len(f.parts)):
        current = folder
        while current not in roots and current.is_dir() and not any(current.iterdir()):
            current.rmdir()
            current = current.parent
