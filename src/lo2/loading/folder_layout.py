"""Folders of a log tell its run and case: those of pods, dates and wrappers folded, levels found, a cluster's dump."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from lo2.loading.sources.names import name_without_replica
from lo2.loading.times.clock import clock_start

ALL = "all"
"""The test case where folders name none."""
Folders = tuple[str, ...]
_POD = re.compile(r"(?P<namespace>[a-z0-9.-]+)_(?P<pod>[a-z0-9.-]+)_[0-9a-f-]{32,36}")
_CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
_LOGGED = re.compile(r"(?P<pod>[a-z0-9.-]+)_(?P<namespace>[a-z0-9.-]+)_(?P<name>[a-z0-9.-]+)-[0-9a-f]{64}")
_AROUND_PODS = frozenset(("containers", "docker", "lib", "log", "pods", "var"))
_DATE_FOLDERS = (re.compile(r"(?:19|20)\d\d"), re.compile(r"\d\d"), re.compile(r"\d\d"), re.compile(r"\d\d"))
_RUN_LIKE = re.compile(r"(?:run|build|job|night|test|round|trial)[-_ .#]?\d+", re.IGNORECASE)
_MANY = 5  # files of one depth count when there is one of them to so many others


@dataclass(frozen=True, slots=True)
class Fold:
    """Folders of a log: ``outer`` hold runs and cases; the service's name is ``parts``, set apart by ``namespace``."""

    outer: Folders
    parts: Folders = ()
    namespace: str = ""
    alone: bool = False
    """Whether the service's name is complete without the file's."""


@lru_cache(maxsize=1 << 14)
def fold_folders(folders: Folders, stem: str) -> Fold:
    """Folders of a log, those of pods and containers apart, with a day's folders as one.

    Examples
    --------
    >>> fold_folders(("r1", "pods", "shop_web-7d9c6b5f4d-x2x8q_0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f", "nginx"), "0")
    Fold(outer=('r1',), parts=('web', 'nginx'), namespace='shop', alone=True)
    >>> fold_folders(("2024", "05", "02", "web"), "app").outer
    ('2024-05-02', 'web')
    """
    for i, folder in enumerate(folders):
        if found := _POD.fullmatch(folder):
            parts = (name_without_replica(found["pod"], pod=True), *folders[i + 1 :])
            return Fold(
                _without_pod_folders(folders[:i]), parts, found["namespace"], alone=stem.isdigit() and len(parts) > 1
            )
        if _CONTAINER_ID.fullmatch(folder):
            return Fold(_without_pod_folders(folders[:i]), folders[i + 1 :], folder)
    if found := _LOGGED.fullmatch(stem):
        parts = (name_without_replica(found["pod"], pod=True), found["name"])
        return Fold(_without_pod_folders(folders), parts, found["namespace"], alone=True)
    for i, folder in enumerate(folders[1:], 1):
        if (cut := name_without_replica(folder)) not in (folder, "container") and folder[len(cut)] == "-":
            return Fold(_join_date_folders(folders[:i]), (cut, *folders[i + 1 :]))
    return Fold(_join_date_folders(folders))


def fold_dump_folders(folders: Folders) -> Fold:
    """Folders of a ``logs.txt`` in a cluster's dump, ``<namespace>/<pod>/logs.txt``, folded.

    Examples
    --------
    >>> fold_dump_folders(("r1", "default", "web-7d9c6b5f4d-x2x8q"))
    Fold(outer=('r1',), parts=('web',), namespace='default', alone=True)
    """
    return Fold(folders[:-2], (name_without_replica(folders[-1], pod=True),), folders[-2], alone=True)


def _without_pod_folders(folders: Folders) -> Folders:
    while folders and folders[-1] in _AROUND_PODS:
        folders = folders[:-1]
    return folders


def _join_date_folders(folders: Folders) -> Folders:
    """``2024/05/02`` as ``2024-05-02``."""
    for i in range(len(folders) - 1):
        length = len(
            list(takewhile(lambda pair: pair[0].fullmatch(pair[1]), zip(_DATE_FOLDERS, folders[i:], strict=False)))
        )
        if length > 1:
            return (*folders[:i], "-".join(folders[i : i + length]), *folders[i + length :])
    return folders


@dataclass(frozen=True, slots=True)
class Levels:
    """Which folders are the run and the case: those from ``run`` to ``last`` are the run's name, ``case`` is the case.

    Without ``last`` the root is the only run.
    """

    root: str
    run: int = 0
    last: int | None = None
    case: int | None = None
    named: bool = False
    """Whether the case level was found by the name of the normal case."""

    def run_and_case_folders(self, outer: Folders) -> tuple[str, str, Folders] | None:
        """Run, case and what lies between them and the file; None for a log next to cases that are told by name."""
        if self.named and self.case is not None:
            if len(outer) <= self.case:
                return None
            return ".".join(outer[self.run : self.case]) or self.root, outer[self.case], outer[self.case + 1 :]
        if self.last is None:
            return self.root, ALL, outer
        if len(outer) <= self.run:
            return self.root, ALL, ()
        run, below = outer[self.run], outer[self.run + 1 :]
        return (run, below[0], below[1:]) if self.case is not None and below else (run, ALL, below)


def folder_levels(outers: Iterable[Folders], root: str, normal: str, *, steps: bool = False) -> Levels:
    """The level of runs and that of cases, for all logs of a root.

    A folder with the normal case's name says it all. Else what every log lies in is left aside, and the first level
    is the run, the next the case, unless many logs lie directly in the runs. ``steps`` says that the logs in the
    root itself are jobs of a CI run.

    Examples
    --------
    >>> logs = [("logs", "r1", "good"), ("logs", "r2", "bad", "db")]
    >>> folder_levels(logs, "x", "good").run_and_case_folders(logs[1])
    ('r2', 'bad', ('db',))
    >>> folder_levels([("good",), ("bad",)], "x", "good").run_and_case_folders(("bad",))
    ('x', 'bad', ())
    >>> folder_levels([("r1",), ("r2",)], "x", "").run_and_case_folders(("r1",))
    ('r1', 'all', ())
    """
    counts = Counter(outers)
    at: Counter[int] = Counter()
    for outer, count in counts.items():
        if normal in outer:
            at[outer.index(normal)] += count
    if at:
        case = min(at, key=lambda level: (-at[level], level))
        wrapped = _count_shared_folders([outer[:case] for outer in counts if len(outer) > case])
        return Levels(root, max(0, min(wrapped, case - 1)), case, case, named=True)
    inside = [outer for outer in counts if outer]
    run = _count_wrapper_folders(inside) if inside else 0
    depth: Counter[int] = Counter()
    for outer, count in counts.items():
        depth[min(max(len(outer) - run, 0), 2)] += count
    if not depth[1] + depth[2] or (depth[0] and (steps or depth[0] * _MANY > depth[1] + depth[2])):
        return Levels(root)
    return Levels(root, run, run, None if depth[1] * _MANY > depth[2] else run + 1)


def _count_wrapper_folders(inside: list[Folders]) -> int:
    """How many folders hold everything and are no level of their own."""
    shared = _count_shared_folders(inside)
    run = max(0, min(shared, min(map(len, inside)) - 2))
    below = {outer[run + 1] for outer in inside if len(outer) > run + 1}
    one = shared > run and len(below) > 1 and all(len(outer) > run + 1 for outer in inside)
    return run + 1 if one and all(_is_run_folder(name) for name in below) else run


def _is_run_folder(name: str) -> bool:
    return clock_start(name) != float("inf") or bool(_RUN_LIKE.fullmatch(name))


def _count_shared_folders(paths: list[Folders]) -> int:
    """How many leading folders all of them share."""
    first, last = min(paths), max(paths)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))))
