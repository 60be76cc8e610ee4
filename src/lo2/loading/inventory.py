"""The inventory of a root: which log files are sequences of which runs, cases and services; the rest is counted."""

import random
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from lo2.errors import InputError, InputNotFoundError, UsageError
from lo2.loading.labels import Labels, read_labels
from lo2.loading.options import NORMAL, UNLABELLED, LoadOptions, check_load_options, resolved_load_options
from lo2.loading.pattern import compile_layout_pattern
from lo2.loading.profile import choose_profile
from lo2.loading.sources.blocks import UNREADABLE, open_raw_log
from lo2.loading.sources.files import LeftOut, LogFile, Shard
from lo2.loading.sources.identity import printable_name
from lo2.loading.sources.walk import SHAPE, Found, Place, root_to_walk
from lo2.loading.spots import SERVICES, Spot, lo2_spots, pattern_spots, tree_spots
from lo2.loading.times.clock import clock_start

_TRUTH = "truth.csv"
"""What ``lo2 simulate`` lays next to its runs; an archive of the tree may hold the tree's own folder above it."""
__all__ = ["SERVICES", "Inventory", "LoadOptions", "LogFile", "Shard", "settle_inventory_options", "take_inventory"]


@dataclass(frozen=True)
class Inventory:
    """What a root holds: shards sorted by run name, and what was left out, counted by reason, with an example of each.

    ``profile`` and ``normal`` are those that were found (``normal`` is ``*`` where all count as normal), ``options``
    those to load with. ``bad`` are folders and parts of archives that cannot be read, with the reason; they end a
    load like bad files. ``notes`` say what was decided without being asked, ``simulated`` that ``lo2 simulate`` left
    the tree.
    """

    root: str
    shards: tuple[Shard, ...]
    left_out: dict[str, int] = field(default_factory=dict)
    left_out_examples: dict[str, str] = field(default_factory=dict)
    bad: tuple[tuple[str, str], ...] = ()
    profile: str = "lo2"
    normal: str = NORMAL
    labels: Labels | None = None
    options: LoadOptions = field(default_factory=LoadOptions)
    notes: tuple[str, ...] = ()
    simulated: bool = False

    @property
    def size_bytes(self) -> int:
        """Bytes of all files that will be read."""
        return sum(s.size_bytes for s in self.shards)

    @property
    def files(self) -> Iterator[LogFile]:
        """All files, in the order of their shards."""
        return (f for s in self.shards for f in s.files)


def settle_inventory_options(options: LoadOptions) -> LoadOptions:
    """Options with what is left open filled in as for LO2, for those who load without an inventory."""
    profile = "lo2" if options.profile == "auto" else options.profile
    return replace(options, profile=profile, normal=options.normal or NORMAL)


def take_inventory(root: str | Path, options: LoadOptions, *, labelled: bool = True) -> Inventory:
    """Sequences below ``root``, whatever lies around them.

    ``locust.log`` is refused by name (it carries the label); links are not followed. Only ``labelled`` roots need the
    normal test case where one was named: new logs to be scored need not have one. Several files of a sequence, such
    as rotated ones, stand next to each other in order of time.

    Raises
    ------
    InputNotFoundError
        If there is no root, or no log in it.
    InputError
        If no run has the normal test case that ``options`` names.

    Examples
    --------
    >>> take_inventory("/no/such/place", LoadOptions())
    Traceback (most recent call last):
    lo2.errors.InputNotFoundError: /no/such/place does not exist. Expected a folder <root>/...
    """
    check_load_options(options)
    labels = read_labels(options.labels) if options.labels is not None else None
    here, left_out = root_to_walk(root), LeftOut()
    files = list(here.find_files(left_out))
    profile = choose_profile(here, files) if options.profile == "auto" else options.profile
    spots = list(_inventory_spots(here, files, options, profile, left_out))
    if not spots:
        raise InputNotFoundError(_empty_inventory_sentence(here, files, profile, left_out))
    logs = _inventory_logs(here, spots, left_out)
    _check_inventory_services(options, profile, logs)
    normal, notes = _inventory_normal_case(root, options, logs, labels, labelled=labelled)
    logs = [
        log if (label := _inventory_label(log, normal, labels)) == log.anomaly else replace(log, anomaly=label)
        for log in logs
    ]
    by_run: dict[str, list[LogFile]] = {}
    for log in logs:
        by_run.setdefault(log.run, []).append(log)
    shards = [_select_inventory_cases(run, found, options, normal, left_out) for run, found in sorted(by_run.items())]
    chosen = _first_inventory_runs([s for s in shards if s.files], options.runs, left_out)
    if not chosen:
        cases = ", ".join(sorted({log.test_case for log in logs})[:8])
        raise InputError(f"{root}: nothing is left of {len(logs)} logs after the selection. Test cases found: {cases}")
    return Inventory(
        str(root),
        tuple(sorted(chosen, key=lambda s: s.run + "__")),
        dict(sorted(left_out.counts.items())),
        dict(sorted(left_out.examples.items())),
        tuple(sorted(left_out.bad)),
        profile,
        normal,
        labels,
        resolved_load_options(options, profile, normal),
        notes,
        any(found.name == _TRUTH and len(found.folders) <= here.packed for found in files),
    )


def _check_inventory_services(options: LoadOptions, profile: str, logs: list[LogFile]) -> None:
    there = SERVICES if profile == "lo2" else sorted({log.service for log in logs})
    if bad := [name for name in options.service_types if name not in there]:
        raise UsageError(f"There is no service {bad[0]!r}. Choices: {', '.join(there[:40])}")


def _inventory_spots(
    here: Place, files: list[Found], options: LoadOptions, profile: str, left_out: LeftOut
) -> Iterable[Spot]:
    if options.layout is not None:
        return pattern_spots(here, files, left_out, pattern=compile_layout_pattern(options.layout))
    if profile == "lo2":
        return lo2_spots(here, files, left_out)
    return tree_spots(here, files, left_out, normal=options.normal or NORMAL)


def _inventory_logs(here: Place, spots: list[Spot], left_out: LeftOut) -> list[LogFile]:
    """Logs in the order of their sequences; places that share run, case and service are numbered by their paths."""
    by_name: dict[tuple[str, str, str], list[Spot]] = {}
    for spot in spots:
        by_name.setdefault((spot.run, spot.test_case, spot.service), []).append(spot)
    logs = []
    for same in by_name.values():
        families = sorted(
            {
                spot.family: spot.found.relative
                for spot in sorted(same, key=lambda spot: spot.found.relative, reverse=True)
            }.items(),
            key=lambda pair: pair[1],
        )
        number = {family: i + 1 if i else 0 for i, (family, _) in enumerate(families)}
        same.sort(key=lambda spot: (number[spot.family], spot.order, spot.found.relative))
        for _, copies in groupby(same, key=lambda spot: (spot.family, spot.order)):
            one = [_inventory_log_file(here, spot, number[spot.family]) for spot in copies]
            logs += one if len(one) == 1 else _distinct_inventory_logs(one, left_out)
    return sorted(logs, key=lambda log: log.seq_id)


def _inventory_log_file(here: Place, spot: Spot, number: int) -> LogFile:
    """Names that repeat are shared: there may be a million of these."""
    found = spot.found
    run, case, service = (sys.intern(printable_name(name)) for name in (spot.run, spot.test_case, spot.service))
    relative = printable_name(found.relative)
    stored = "" if relative == found.relative else found.relative
    root = str(here.base.parent if here.single else here.base)
    where = (found.size_bytes, found.stamp, found.outer, found.offset)
    return LogFile(run, case, service, root, relative, *where, stored=stored, number=number, anomaly=False)


def _distinct_inventory_logs(logs: list[LogFile], left_out: LeftOut) -> list[LogFile]:
    """Of several files that claim one place in a sequence, such as ``a.log`` and ``a.log.gz``, those that differ."""
    kept: dict[object, LogFile] = {}
    for log in logs:
        if kept.setdefault(_inventory_log_checksum(log), log) is not log:
            left_out.add("second file of the same sequence with the same content", log.relative)
    return list(kept.values())


def _inventory_log_checksum(log: LogFile) -> object:
    total, size = 0, 0
    try:
        with open_raw_log(log) as stream:
            while data := stream.read(1 << 20):
                total, size = zlib.crc32(data, total), size + len(data)
    except UNREADABLE:
        return log  # said when it is read
    return total, size


def _inventory_normal_case(
    root: str | Path, options: LoadOptions, logs: list[LogFile], labels: Labels | None, *, labelled: bool
) -> tuple[str, tuple[str, ...]]:
    """Name of the normal case, ``*`` where all are normal, and what is to be said of it."""
    if options.unlabelled or options.normal == UNLABELLED:
        return UNLABELLED, ()
    if labels is not None:
        missing = sum(labels.label_of(log) is None for log in logs)
        cut = options.group_by or options.window  # names that the files do not have yet
        if missing == len(logs) and not cut:
            raise InputError(
                f"{root}: no {labels.key} of {options.labels} occurs, such as {next(iter(labels.values))!r}"
            )
        said = f"{missing} of {len(logs)} logs have no label in {options.labels}"
        return options.normal or NORMAL, (said,) if missing and not cut else ()
    if any(log.test_case == (options.normal or NORMAL) for log in logs):
        return options.normal or NORMAL, ()
    if options.normal is None:
        return UNLABELLED, (
            f"no test case is named {NORMAL!r}: all logs count as normal (--normal NAME names another)",
        )
    if not labelled:
        return options.normal, ()
    cases = sorted({log.test_case for log in logs})
    raise InputError(
        f"{root}: none of {len({log.run for log in logs})} runs has the normal test case {options.normal!r}. "
        f"Test cases found: {', '.join(cases[:8])}. Name the normal one with --normal, or go on "
        "without labels: --unlabelled"
    )


def _inventory_label(log: LogFile, normal: str, labels: Labels | None) -> bool | None:
    if labels is not None:
        return labels.label_of(log)
    return normal not in (UNLABELLED, log.test_case)


def _select_inventory_cases(
    run: str, files: list[LogFile], options: LoadOptions, normal: str, left_out: LeftOut
) -> Shard:
    errors = sorted({f.test_case for f in files} - {normal})
    if options.test_cases:
        errors = [case for case in errors if case in options.test_cases]
    if normal != UNLABELLED and options.errors_per_run is not None and options.errors_per_run < len(errors):
        errors = random.Random(f"{options.seed}:{run}").sample(errors, options.errors_per_run)
    cases = {normal, *errors}
    services = options.service_types
    chosen = [f for f in files if f.test_case in cases and (not services or f.service in services)]
    if len(chosen) < len(files):
        dropped = next(f for f in files if f.test_case not in cases or (services and f.service not in services))
        left_out.add("not selected", dropped.relative, len(files) - len(chosen))
    return Shard(run, tuple(chosen))


def _first_inventory_runs(shards: list[Shard], runs: int | None, left_out: LeftOut) -> list[Shard]:
    ordered = sorted(shards, key=lambda s: (clock_start(s.run), s.run))
    for shard in ordered[runs:] if runs is not None else []:
        left_out.add("not selected", shard.files[0].relative, len(shard.files))
    return ordered[:runs]


def _empty_inventory_sentence(here: Place, files: list[Found], profile: str, left_out: LeftOut) -> str:
    base = here.base
    if left_out.bad:
        path, why = left_out.bad[0]
        return f"{base}: no log could be listed; {len(left_out.bad)} places cannot be read, first {path}: {why}"
    found = sorted(p.name + ("/" if p.is_dir() else "") for p in base.iterdir())[:5] if base.is_dir() else []
    found = found or sorted(f.relative for f in files)[:5]
    names = "light-oauth2-oauth2-<service>-1.log or <service>.log" if profile == "lo2" else "any <service>.log"
    hint = " For logs of other services pass --profile tree." if profile == "lo2" else " --layout names another shape."
    there = printable_name(", ".join(found)) or ("nothing, it is empty" if base.is_dir() else "no file")
    return f"{base}: no log matches {SHAPE} ({names}, also compressed). Found there: {there}.{hint}"
