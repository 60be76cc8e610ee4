"""Sides of a diff: roots or saved baselines that each argument names, and which services of the two are partners."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path

from lo2.diff.baseline import Baseline
from lo2.errors import InputError, InputNotFoundError
from lo2.loading.inventory import LoadOptions, take_inventory
from lo2.loading.sources.files import LogFile
from lo2.loading.sources.walk import STANDARD_INPUT

_LOOK = 4096


@dataclass(frozen=True)
class Side:
    """One run of a side: how it was named and its files. ``left_out`` counts what was not read, by reason."""

    path: str
    files: tuple[LogFile, ...]
    left_out: dict[str, int]
    bad: tuple[tuple[str, str], ...]
    redact: tuple[str, ...]
    single: bool = False


def diff_sides(arguments: Sequence[str], options: LoadOptions, *, baseline: bool) -> tuple[list[Side], list[Baseline]]:
    """Runs that the arguments name, and saved baselines among them.

    Raises
    ------
    InputNotFoundError
        If a pattern finds nothing, or a path does not exist.
    """
    found: list[Side] = []
    saved: list[Baseline] = []
    for argument in arguments:
        for group in _diff_side_roots(argument):
            if baseline and len(group) == 1 and (one := _saved_side(group[0])) is not None:
                saved.append(one)
            else:
                found.append(_diff_side(argument, group, options))
    return found, saved


def _diff_side_roots(argument: str) -> list[list[str]]:
    """Roots of an argument, those of one run together: files of a pattern whose names differ in their service alone."""
    if argument == STANDARD_INPUT or Path(argument).exists() or not has_magic(argument):
        return [[argument]]
    paths = sorted(glob(argument, recursive=True))  # noqa: PTH207 - the pattern may begin anywhere
    if not paths:
        raise InputNotFoundError(f"{argument!r} fits no file. Expected a file, a folder, an archive, a pattern or -")
    if any(Path(path).is_dir() for path in paths):
        return [[path] for path in paths if Path(path).is_dir()]
    return [paths] if len({Path(path).parent for path in paths}) == 1 and _are_one_side(paths) else [[p] for p in paths]


def _are_one_side(paths: list[str]) -> bool:
    """Whether no two names are the same but for digits: ``night-1.log`` and ``night-2.log`` are two runs."""
    plain = {"".join(c for c in Path(path).name if not c.isdigit()) for path in paths}
    return len(plain) == len(paths)


def _saved_side(path: str) -> Baseline | None:
    """The saved baseline that a path names, or None for a log."""
    file = Path(path)
    if not file.is_file():
        return None
    with file.open("rb") as stream:
        head = stream.read(_LOOK).lstrip()
    if b'"lo2 baseline"' not in head or not head.startswith(b"{"):
        return None
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: the saved baseline is damaged ({error}). Make it anew with --save-baseline"
        ) from error
    return Baseline.read_baseline(document)


def _diff_side(argument: str, roots: list[str], options: LoadOptions) -> Side:
    inventories = [take_inventory(root, options) for root in roots]
    left_out: dict[str, int] = {}
    for one in inventories:
        for reason, count in one.left_out.items():
            left_out[reason] = left_out.get(reason, 0) + count
    files = tuple(file for one in inventories for file in one.files)
    bad = tuple(pair for one in inventories for pair in one.bad)
    path = "stdin" if argument == STANDARD_INPUT else roots[0] if len(roots) == 1 else argument
    return Side(path, files, left_out, bad, inventories[0].options.redact, single=len(files) == 1)


@dataclass(frozen=True)
class Pairing:
    """How services of two sides are named, so that partners have one name.

    Runs and cases that both sides have are part of the name, as are those of a saved baseline's names; those of one
    side alone are runs of their own.
    """

    runs: frozenset[str] = frozenset()
    cases: frozenset[str] = frozenset()
    one: str | None = None

    @classmethod
    def pair_sides(cls, good: Iterable[Side], bad: Iterable[Side], saved: Iterable[Baseline]) -> "Pairing":
        """Names for these sides; one log on each always pairs."""
        good, bad, saved = list(good), list(bad), list(saved)
        kept = {part for one in saved for name in one.services for part in name.split("/")[:-1]}
        runs = (
            _repeated_side_names(good, "run") & _repeated_side_names(bad, "run")
            | {file.run for side in bad for file in side.files} & kept
        )
        cases = _repeated_side_names(good, "test_case") & _repeated_side_names(bad, "test_case")
        cases |= {file.test_case for side in bad for file in side.files} & kept
        one = None
        if all(side.single for side in (*good, *bad)) and all(len(b.services) == 1 for b in saved):
            names = [next(iter(b.services)) for b in saved] or [bad[0].files[0].service]
            one = names[0]
        return cls(frozenset(runs), frozenset(cases), one)

    def paired_name(self, file: LogFile, service: str) -> str:
        """Name of a service of a file."""
        if self.one is not None and service == file.service:
            return self.one
        parts = [file.run] if file.run in self.runs else []
        parts += [file.test_case] if file.test_case in self.cases else []
        number = f"#{file.number}" if file.number else ""
        return "/".join((*parts, service)) + number


def _repeated_side_names(found: Iterable[Side], name: str) -> set[str]:
    """Names of runs or cases of those sides that have several."""
    names: set[str] = set()
    for side in found:
        mine = {getattr(file, name) for file in side.files}
        names |= mine if len(mine) > 1 else set()
    return names
