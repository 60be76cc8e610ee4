"""Spots: which run, case, service and sequence every file below a root belongs to, for LO2, a tree or a pattern."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lo2.errors import InputNotFoundError
from lo2.loading import folder_layout
from lo2.loading.pattern import Pattern
from lo2.loading.sources.compression import compression_ending
from lo2.loading.sources.files import LeftOut
from lo2.loading.sources.names import ENDINGS, Name, is_binary_file, log_name_needs_look, parse_log_name
from lo2.loading.sources.walk import Found, Place

SERVICES = ("client", "code", "key", "refresh-token", "service", "token", "user")
LO2_NAME = re.compile(rf"(?:(?:light-)?oauth2-oauth2-)?({'|'.join(SERVICES)})(?:-\d+)?\.log(?:\.gz)?")
_FOREIGN = "foreign file"
_STATE = frozenset(
    f"{kind}.json" for kind in ["daemonsets", "deployments", "events", "nodes", "pods", "replicasets", "services"]
)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a file belongs. Files of one ``family`` are one sequence, sorted by ``order``."""

    found: Found
    run: str
    test_case: str
    service: str
    family: tuple[object, ...]
    order: tuple[object, ...] = ()


def lo2_spots(place: Place, files: Iterable[Found], left_out: LeftOut) -> Iterator[Spot]:
    """Logs of LO2's seven services: the folder that holds them is the case, the one above it the run."""
    for found in files:
        folders, match = found.folders, LO2_NAME.fullmatch(found.name)
        if found.name.startswith("locust.log"):
            left_out.add("locust.log (carries the label)", found.relative)
        elif place.single:
            yield Spot(found, place.name, folder_layout.ALL, match[1] if match else _spot_service_name(found.name), ())
        elif match is None or not folders:
            left_out.add(_FOREIGN, found.relative)
        else:
            run = folders[-2] if len(folders) > 1 else place.name
            yield Spot(found, run, folders[-1], match[1], folders, (_spot_name_uncompressed(found.name),))


def tree_spots(place: Place, files: Iterable[Found], left_out: LeftOut, *, normal: str) -> Iterator[Spot]:
    """Logs of anybody's services, by their folders (``layout``) and names (``sources.names``)."""
    if place.single:
        yield from (
            Spot(f, place.name, folder_layout.ALL, "stdin" if place.name == "stdin" else _spot_service_name(f.name), ())
            for f in files
        )
        return
    files = list(files)
    dumps = {f.folders for f in files if f.name == "pods.json"}
    logs: list[tuple[Found, Name, folder_layout.Fold]] = []
    for found in files:
        if (name := _spot_log_name(place, found, dumps, left_out)) is not None:
            is_dump = found.name == "logs.txt" and len(found.folders) > 1 and found.folders[:-1] in dumps
            logs.append(
                (
                    found,
                    name,
                    folder_layout.fold_dump_folders(found.folders)
                    if is_dump
                    else folder_layout.fold_folders(found.folders, name.replica or name.stem),
                )
            )
    if not logs:
        return
    steps = all(n.ending == "txt" and n.stem != n.raw for f, n, _ in logs if not f.folders)
    levels = folder_layout.folder_levels([fold.outer for *_, fold in logs], place.name, normal, steps=steps)
    endings: dict[tuple[folder_layout.Folders, str], set[str]] = {}
    split = [levels.run_and_case_folders(fold.outer) for *_, fold in logs]
    for (_, name, fold), where in zip(logs, split, strict=True):
        if where is not None:
            endings.setdefault(((*where[2], *fold.parts), name.stem), set()).add(name.ending)
    for (found, name, fold), where in zip(logs, split, strict=True):
        if where is None:
            left_out.add("log next to the test cases", found.relative)
            continue
        run, case, between = where
        parts = (*between, *fold.parts)
        keeps = _spot_first_ending(endings[parts, name.stem]) != name.ending
        own = () if fold.alone else (f"{name.stem}.{name.ending}" if keeps and name.ending else name.stem,)
        again = int(name.raw) if fold.alone and name.raw.isdigit() else 0  # how often the container was started anew
        family = (fold.outer, parts, fold.namespace, "" if fold.alone else name.raw, name.ending)
        yield Spot(
            found, run, case, ".".join((*parts, *own)), family, (*_spot_replica(found, name, fold), again, name.age)
        )


def pattern_spots(place: Place, files: Iterable[Found], left_out: LeftOut, *, pattern: Pattern) -> Iterator[Spot]:
    """Logs whose path matches ``--layout``.

    Raises
    ------
    InputNotFoundError
        If none does, naming what is there.
    """
    some: list[str] = []
    matched = False
    for found in files:
        values = pattern.match_layout(found.relative) or pattern.match_layout(_unrotated_spot_path(found.relative))
        if values is None:
            left_out.add("no match of --layout", found.relative)
            some += [found.relative] if len(some) < 3 else []
            continue
        matched = True
        name = parse_log_name(found.name)
        stem = name.stem if name else _spot_service_name(found.name)
        run, case, service = (
            values.get(n, d) for n, d in (("run", place.name), ("case", folder_layout.ALL), ("service", stem))
        )
        age = name.age if name else (2, "", 0)
        yield Spot(found, run, case, service, (found.folders,), (name.replica if name else "", age))
    if not matched:
        there = ", ".join(some) or "nothing, it is empty"
        raise InputNotFoundError(f"{place.base}: no path matches --layout {pattern.text!r}. Found there: {there}")


def _spot_log_name(place: Place, found: Found, dumps: set[folder_layout.Folders], left_out: LeftOut) -> Name | None:
    if found.name.startswith("locust.log"):
        left_out.add("locust.log (carries the label)", found.relative)
        return None
    name = parse_log_name(found.name)
    foreign = name is None or (found.name in _STATE and (found.folders in dumps or found.name == "nodes.json"))
    if foreign or (log_name_needs_look(found.name) and is_binary_file(_spot_first_bytes(place, found))):
        left_out.add(_FOREIGN, found.relative)
        return None
    return name


def _spot_first_bytes(place: Place, found: Found) -> bytes:
    if found.offset is not None:
        return found.head
    try:
        with (place.base / found.relative).open("rb") as stream:
            return stream.read(1024)
    except OSError:
        return b""  # said when it is read


def _spot_replica(found: Found, name: Name, fold: folder_layout.Fold) -> tuple[str, str]:
    """What tells replicas of one service apart: the folder of a pod, the suffix of a name."""
    return "/".join(found.folders) if fold.parts else "", name.replica


def _spot_first_ending(endings: set[str]) -> str:
    """The ending that is dropped."""
    return min(endings, key=("", *ENDINGS).index)


def _spot_name_uncompressed(name: str) -> str:
    kind = compression_ending(name)
    return name[: -len(kind)] if kind else name


def _spot_service_name(name: str) -> str:
    """Service of a file given by name, whatever its ending."""
    found = parse_log_name(name)
    return found.stem if found else _spot_name_uncompressed(name).rpartition(".")[0] or name


def _unrotated_spot_path(path: str) -> str:
    """Path of the current file of a rotated one."""
    folders, slash, name = path.rpartition("/")
    plain = re.sub(r"\.\d{1,4}$|[-.](?:19|20)\d\d-?\d\d-?\d\d$", "", _spot_name_uncompressed(name))
    return folders + slash + plain
