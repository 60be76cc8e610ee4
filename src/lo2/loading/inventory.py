"""Which files are sequences: the run level found, the rest counted by the reason it was left out."""

import os
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from lo2.errors import InputError, InputNotFoundError, UsageError
from lo2.loading.archives import KINDS, is_archive, members, open_member
from lo2.loading.clock import run_start
from lo2.options import option

SERVICES = ("client", "code", "key", "refresh-token", "service", "token", "user")
SHAPE = "<root>/<run>/<test_case>/<service>.log"
ROOTS = f"a folder {SHAPE}, or an archive of one ({', '.join(KINDS)}, also a zip of tars)"
_LO2_NAME = re.compile(rf"(?:(?:light-)?oauth2-oauth2-)?({'|'.join(SERVICES)})(?:-\d+)?\.log(?:\.gz)?")
_TREE_NAME = re.compile(r"(.+?)\.log(?:\.gz)?")
_NOT_RUNS = ("metrics", "prerun results")
_DEPTH = 8


@dataclass(frozen=True)
class LoadOptions:
    """What to load, and how; flags of ``lo2 load`` and ``lo2 run``."""

    runs: int | None = option(None, "Only the first N runs by start time")
    errors_per_run: int | None = option(None, "Only N error cases per run, drawn by the seed; the normal case stays")
    service_types: tuple[str, ...] = option((), "Only these services")
    test_cases: tuple[str, ...] = option((), "Only these test cases; the normal case stays")
    profile: str = option("lo2", "`lo2`, or `tree` for any <run>/<case>/<service>.log")
    normal: str = option("correct", "Name of the normal test case")
    keep_startup: bool = option(False, "Keep start-up and lazy-config lines in the features (they leak the test order)")
    skip_bad_files: bool = option(False, "Accept unreadable files: list them and exit 0")
    seed: int = option(0, "Seed of the draw of error cases")
    log_format: tuple[str, ...] = option(
        (), "Name of a format or a pattern with groups time, level, logger, thread, message; SERVICE= in front for one"
    )
    time_format: str = option("", "How the group `time` of such a pattern reads, in strptime's letters")
    variable: tuple[str, ...] = option((), "Further values in messages: the group `value` of a pattern, or all of it")
    redact: tuple[str, ...] = option((), "A team's own secrets: a pattern, or a file of patterns, one a line")
    no_redact: bool = option(False, "Leave known secrets in (recorded; lo2 pack refuses what comes of it)")
    group_by: str = option(
        "", "One sequence per key instead of per log: a pattern of the key (block, request, correlation id)"
    )
    window: str = option("", "One sequence per span of time, such as 15m or 1h")
    since: str = option("", "Only events from this time on (UTC)")
    until: str = option("", "Only events before this time (UTC)")
    year: int | None = option(None, "Year of the first event where stamps lack it")


@dataclass(frozen=True, slots=True)
class LogFile:
    """One raw log: a sequence. ``outer`` and ``offset`` place it in an archive (``lo2.loading.archives``)."""

    run: str
    test_case: str
    service: str
    root: str
    relative: str
    size_bytes: int
    mtime_ns: int
    outer: str = ""
    offset: int | None = None

    @property
    def path(self) -> str:
        """Where it lies; in an archive: archive, then name."""
        return os.path.join(self.root, self.relative)  # noqa: PTH118

    @property
    def streamed(self) -> bool:
        """Whether it lies in a compressed tar, which can only be read from its beginning."""
        return self.offset is not None and self.offset >= 0 and (bool(self.outer) or self.root.lower().endswith("gz"))

    def open(self) -> IO[bytes]:
        """Stream over the bytes as they are stored."""
        if self.offset is None:
            return Path(self.path).open("rb")
        return open_member(self.root, self.outer, self.offset, self.size_bytes)

    @property
    def seq_id(self) -> str:
        """``run__test_case__service``."""
        return f"{self.run}__{self.test_case}__{self.service}"


@dataclass(frozen=True)
class Shard:
    """One run: the unit of work, of resume and of every split."""

    run: str
    files: tuple[LogFile, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes on disk (compressed where the files are)."""
        return sum(f.size_bytes for f in self.files)


@dataclass(frozen=True)
class Inventory:
    """What a root holds: shards sorted by run name, and what was left out, counted by reason."""

    root: str
    shards: tuple[Shard, ...]
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Bytes of all files that will be read."""
        return sum(s.size_bytes for s in self.shards)

    @property
    def files(self) -> Iterator[LogFile]:
        """All files, in the order of their shards."""
        return (f for s in self.shards for f in s.files)


def take_inventory(root: str | Path, options: LoadOptions, *, labelled: bool = True) -> Inventory:
    """Sequences below ``root``, whatever lies around them.

    A folder that directly holds service logs is a test case, its parent the run; so the run level is found at any
    depth. ``locust.log`` is refused by name (it carries the label); links are not followed. Only ``labelled`` roots
    need the normal test case: new logs to be scored need not have one.

    Raises
    ------
    InputNotFoundError
        If there is no root, or nothing below it has the shape.
    InputError
        If no run has the normal test case.

    Examples
    --------
    >>> take_inventory("/no/such/place", LoadOptions())
    Traceback (most recent call last):
    lo2.errors.InputNotFoundError: /no/such/place does not exist. Expected a folder <root>/...
    """
    base = Path(root)
    packed = is_archive(base)
    if not base.is_dir() and not packed:
        why = "is neither a folder nor an archive" if base.exists() else "does not exist"
        raise InputNotFoundError(f"{root} {why}. Expected {ROOTS}")
    _check_options(options)
    left_out: Counter[str] = Counter()
    runs: dict[str, list[LogFile]] = {}
    for log in (_unpack if packed else _walk)(base.absolute(), options, left_out):
        runs.setdefault(log.run, []).append(log)
    if not runs:
        raise InputNotFoundError(_nothing_found(base, options))
    if bad := [run for run in runs if "__" in run]:
        raise InputError(f"{bad[0]!r} cannot be a run: '__' separates run, test case and service in seq_id. Rename it")
    shards = [_select(run, _unique(files, left_out), options, left_out) for run, files in sorted(runs.items())]
    chosen = _first_runs([s for s in shards if s.files], options.runs, left_out)
    if labelled and not any(f.test_case == options.normal for s in chosen for f in s.files):
        cases = sorted({f.test_case for s in shards for f in s.files})
        raise InputError(
            f"{root}: none of {len(chosen)} runs has the normal test case {options.normal!r}. "
            f"Test cases found: {', '.join(cases[:8]) or 'none of those asked for'}. Name the normal one with --normal"
        )
    return Inventory(str(base), tuple(sorted(chosen, key=lambda s: s.run + "__")), dict(sorted(left_out.items())))


def _check_options(options: LoadOptions) -> None:
    if options.profile not in ("lo2", "tree"):
        raise UsageError(f"--profile {options.profile!r} does not exist. Choices: lo2, tree")
    if options.profile == "lo2" and (bad := [s for s in options.service_types if s not in SERVICES]):
        raise UsageError(f"There is no service {bad[0]!r}. Choices: {', '.join(SERVICES)}")
    for name in ("runs", "errors_per_run"):
        value = getattr(options, name)
        if value is not None and value < (1 if name == "runs" else 0):
            raise UsageError(f"--{name.replace('_', '-')} {value} is out of range")


def _walk(base: Path, options: LoadOptions, left_out: Counter[str]) -> Iterator[LogFile]:
    pattern = _pattern(options)
    stack: list[tuple[str, ...]] = [()]
    while stack:
        folders = stack.pop()
        try:
            entries = sorted(os.scandir(base.joinpath(*folders)), key=lambda e: e.name)
        except OSError:
            left_out["unreadable folder"] += 1
            continue
        for entry in entries:
            if entry.is_symlink():
                left_out["symbolic link"] += 1
            elif entry.is_dir():
                if reason := _shut((*folders, entry.name)):
                    left_out[reason] += 1
                else:
                    stack.append((*folders, entry.name))
            elif not entry.is_file():
                left_out["not a regular file"] += 1
            elif (service := _service(entry.name, folders, pattern, left_out)) is not None:
                facts = entry.stat(follow_symlinks=False)
                run = folders[-2] if len(folders) > 1 else base.name
                yield _log_file(run, folders, entry.name, service, str(base), facts.st_size, facts.st_mtime_ns)


def _unpack(base: Path, options: LoadOptions, left_out: Counter[str]) -> Iterator[LogFile]:
    """The same for an archive; a folder is shut as it would be on the disk, and counted once."""
    pattern = _pattern(options)
    shut: set[tuple[str, ...]] = set()
    for member in members(base, left_out, skip_bad=options.skip_bad_files):
        *path, name = PurePosixPath(member.name).parts
        folders = tuple(path)
        above = next((folders[: i + 1] for i in range(len(folders)) if _shut(folders[: i + 1])), None)
        if above is not None:
            left_out[_shut(above)] += above not in shut
            shut.add(above)
        elif (service := _service(name, folders, pattern, left_out)) is not None:
            run = folders[-2] if len(folders) > 1 else base.name.split(".")[0]
            place = (member.size_bytes, member.stamp, member.outer, member.offset)
            yield _log_file(run, folders, name, service, str(base), *place)


def _pattern(options: LoadOptions) -> re.Pattern[str]:
    return _LO2_NAME if options.profile == "lo2" else _TREE_NAME


def _shut(folders: tuple[str, ...]) -> str:
    """Why a folder is not entered, or nothing."""
    if folders[-1] in _NOT_RUNS:
        return f"folder {folders[-1]}"
    return "folder too deep" if len(folders) > _DEPTH else ""


def _service(name: str, folders: tuple[str, ...], pattern: re.Pattern[str], left_out: Counter[str]) -> str | None:
    if name.startswith("locust.log"):
        left_out["locust.log (carries the label)"] += 1
    elif folders and (match := pattern.fullmatch(name)):
        return match[1]
    else:
        left_out["foreign file"] += 1
    return None


def _log_file(
    run: str, folders: tuple[str, ...], name: str, service: str, root: str, size: int, stamp: int, *place: Any
) -> LogFile:
    """Names that repeat are shared: there may be a million of these."""
    case, relative = sys.intern(folders[-1]), "/".join((*folders, name))
    return LogFile(sys.intern(run), case, sys.intern(service), root, relative, size, stamp, *place)


def _unique(files: list[LogFile], left_out: Counter[str]) -> list[LogFile]:
    """One file per sequence: the first by name, the others counted."""
    by_id: dict[str, LogFile] = {}
    for log in sorted(files, key=lambda f: f.relative):
        first = by_id.setdefault(log.seq_id, log)
        if (first.test_case, first.service) != (log.test_case, log.service):
            raise InputError(f"{first.relative} and {log.relative} share the seq_id {log.seq_id!r}. Rename one of them")
        if first is not log:
            left_out["second file of the same sequence"] += 1
    return [by_id[seq_id] for seq_id in sorted(by_id)]


def _select(run: str, files: list[LogFile], options: LoadOptions, left_out: Counter[str]) -> Shard:
    errors = sorted({f.test_case for f in files} - {options.normal})
    if options.test_cases:
        errors = [case for case in errors if case in options.test_cases]
    if options.errors_per_run is not None and options.errors_per_run < len(errors):
        errors = random.Random(f"{options.seed}:{run}").sample(errors, options.errors_per_run)
    cases = {options.normal, *errors}
    services = options.service_types
    chosen = [f for f in files if f.test_case in cases and (not services or f.service in services)]
    if len(chosen) < len(files):
        left_out["not selected"] += len(files) - len(chosen)
    return Shard(run, tuple(chosen))


def _first_runs(shards: list[Shard], runs: int | None, left_out: Counter[str]) -> list[Shard]:
    ordered = sorted(shards, key=lambda s: (run_start(s.run), s.run))
    dropped = ordered[runs:] if runs is not None else []
    if dropped:
        left_out["not selected"] += sum(len(s.files) for s in dropped)
    return ordered[:runs]


def _nothing_found(base: Path, options: LoadOptions) -> str:
    listed = base.iterdir() if base.is_dir() else ()
    found = sorted(p.name + ("/" if p.is_dir() else "") for p in listed)[:5]
    names = "light-oauth2-oauth2-<service>-1.log or <service>.log" if options.profile == "lo2" else "any <service>.log"
    hint = " For logs of other services pass --profile tree --normal NAME." if options.profile == "lo2" else ""
    there = ", ".join(found) or ("nothing, it is empty" if base.is_dir() else "other files only")
    return f"{base}: no log matches {SHAPE} ({names}, also .gz). Found there: {there}.{hint}"
