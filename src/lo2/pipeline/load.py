"""Phases A to C: a root of raw logs to the sequence Parquet, run by run, resumable, with a quality report."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from lo2.artefacts import provenance
from lo2.artefacts.files import write_json, write_parquet
from lo2.artefacts.layout import Home
from lo2.artefacts.lock import lock
from lo2.engine import EngineOptions, run_shards
from lo2.errors import ArtefactExistsError, InputError, RunFailedError
from lo2.loading.clock import run_start
from lo2.loading.inventory import Inventory, LoadOptions, take_inventory
from lo2.options import option, record
from lo2.pipeline.parts import PartDone, PartTask, finished, make_part
from lo2.pipeline.shards import load_shard
from lo2.schema import BASE_SEQUENCES, EVENTS

_ROW_GROUP = 1_024
OnPart = Callable[[PartDone, Inventory], None]


@dataclass(frozen=True)
class SaveOptions:
    """Which further tables a load writes."""

    save_base_sequences: bool = option(False, "Also write lo2_sequences.parquet (the joined raw text)")
    save_events: bool = option(False, "Also write lo2_events.parquet (one row per raw event)")


@dataclass(frozen=True)
class LoadedLogs:
    """Result of a load: where the sequences are, how many, and the quality report."""

    sequences_path: Path | None
    sequences: pl.DataFrame | None
    n_sequences: int
    quality: dict[str, Any]
    reused_runs: int = 0


def load_run(
    root: Path,
    home: Home,
    options: LoadOptions = LoadOptions(),
    *,
    save: SaveOptions = SaveOptions(),
    engine: EngineOptions = EngineOptions(),
    source: str = "load",
    on_part: OnPart | None = None,
) -> LoadedLogs:
    """Load ``root`` into ``home`` and record it.

    Raises
    ------
    ArtefactExistsError
        If ``home`` holds the data state of another root.
    """
    inventory = take_inventory(root, options)
    with lock(home):
        check_state(home, root)
        started = datetime.now(UTC)
        parts = _make_parts(inventory, home, options, save, engine, on_part)
        written = _merge(inventory, parts, home, options, save)
        report = quality_report(inventory, parts)
        write_json(home.path("quality"), report)
        provenance.record(
            home,
            phase="load",
            options={**record(options), **record(save), "source": source},
            seed=options.seed,
            input_fingerprint=input_fingerprint(parts),
            written=[*written, home.path("quality")],
            forget=_dropped(home, save),
        )
        provenance.log_run(
            home,
            phase="load",
            root=root.absolute(),
            started=started.isoformat(),
            seconds=_since(started),
            **record(engine),
        )
    reused = sum(part.reused for part in parts)
    return LoadedLogs(home.path("sequences"), None, report["sequences"], report, reused)


def refuse_bad_files(loaded: LoadedLogs, options: LoadOptions) -> None:
    """Raise, after all the rest was done, if files could not be read and ``skip_bad_files`` is off.

    Raises
    ------
    RunFailedError
        Naming the first of them.
    """
    bad = loaded.quality["bad_files"]
    if bad and not options.skip_bad_files:
        names = "; ".join(f"{name} ({why})" for name, why in bad[:3])
        raise RunFailedError(
            f"{len(bad)} of {loaded.quality['files']} files could not be read: {names}. The rest is loaded; "
            "repair them, or accept the loss with --skip-bad-files"
        )


def load(root: str | Path, options: LoadOptions | None = None, **fields: Any) -> LoadedLogs:
    """Load ``root`` into memory, writing nothing; the fields of ``LoadOptions`` may be given by name.

    Examples
    --------
    >>> load("/no/such/place")
    Traceback (most recent call last):
    lo2.errors.InputNotFoundError: /no/such/place does not exist. Expected a folder <root>/...
    """
    chosen = options or LoadOptions(**fields)
    inventory = take_inventory(root, chosen)
    results = [load_shard(shard, chosen) for shard in inventory.shards]
    parts = [
        PartDone(s.run, "", r.files, [list(b) for b in r.bad_files], {}, r.coarse_messages)
        for s, r in zip(inventory.shards, results, strict=True)
    ]
    frame = pl.concat([r.sequences for r in results])
    return LoadedLogs(None, frame, frame.height, quality_report(inventory, parts))


def check_state(home: Home, root: Path) -> None:
    """Refuse to mix data states: one result root belongs to one raw root; a demo's may always be replaced."""
    before = provenance.raw_root(home)
    facts = provenance.load(home).phases.get("load")
    if before is None or facts is None or facts["options"].get("source") == "demo" or before == root.absolute():
        return
    raise ArtefactExistsError(
        f"{home.result} holds the data state of {before}. Give {root} a place of its own with --variant "
        f"{suggest_variant(root)}"
    )


def suggest_variant(root: Path) -> str:
    """Name for a variant, after the root."""
    name = "".join(c if c.isalnum() or c in "-." else "_" for c in root.absolute().name).strip("._-")
    return f"lo2_{name or 'other'}"


def _make_parts(
    inventory: Inventory,
    home: Home,
    options: LoadOptions,
    save: SaveOptions,
    engine: EngineOptions,
    on_part: OnPart | None,
) -> list[PartDone]:
    folder = home.result / ".parts"
    tasks = [
        PartTask(shard, options, str(folder.absolute()), save.save_base_sequences, save.save_events)
        for shard in inventory.shards
    ]
    _forget_vanished(folder, {task.shard.run for task in tasks})
    known = {task.shard.run: done for task in tasks if (done := finished(task)) is not None}
    todo = [task for task in tasks if task.shard.run not in known]
    for done in _chain(known.values(), run_shards(make_part, todo, engine)):
        known[done.run] = done
        if on_part is not None:
            on_part(done, inventory)
    return [known[shard.run] for shard in inventory.shards]


def _chain(first: Iterable[PartDone], then: Iterable[PartDone]) -> Iterable[PartDone]:
    yield from list(first)
    yield from then


def _forget_vanished(folder: Path, runs: set[str]) -> None:
    if folder.is_dir():
        for old in sorted(folder.iterdir()):
            if old.is_dir() and old.name not in runs:
                shutil.rmtree(old)


def _merge(
    inventory: Inventory, parts: list[PartDone], home: Home, options: LoadOptions, save: SaveOptions
) -> list[Path]:
    folder = home.result / ".parts"
    runs = [folder / shard.run for shard in inventory.shards]
    sequences = pl.scan_parquet([run / "sequences.parquet" for run in runs])
    if not sum(len(part.files) for part in parts):
        raise InputError(f"{inventory.root}: none of {sum(len(s.files) for s in inventory.shards)} files could be read")
    write_parquet(home.path("sequences"), sequences, row_group_size=_ROW_GROUP)
    templates = dict(sorted(pair for part in parts for pair in part.templates.items()))
    table = pl.DataFrame(
        {"template_id": list(templates), "text": list(templates.values())}, schema_overrides={"text": pl.String}
    )
    write_parquet(home.path("templates"), table)
    written = [home.path("sequences"), home.path("templates")]
    for wanted, name, pattern, schema in (
        (save.save_base_sequences, "base_sequences", "base-*.parquet", BASE_SEQUENCES),
        (save.save_events, "events", "events-*.parquet", EVENTS),
    ):
        if wanted:
            found = [path for run in runs for path in sorted(run.glob(pattern))]
            write_parquet(home.path(name), pl.scan_parquet(found).select(list(schema)), row_group_size=_ROW_GROUP)
            written.append(home.path(name))
    return written


def _dropped(home: Home, save: SaveOptions) -> list[str]:
    """Tables of an earlier load that this one did not write: kept as files, no longer recorded."""
    unwanted = [] if save.save_base_sequences else ["base_sequences"]
    unwanted += [] if save.save_events else ["events"]
    return [home.logical(home.path(name)) for name in unwanted]


def input_fingerprint(parts: list[PartDone]) -> str:
    """Hash of what was read: names, sizes and checksums of all files."""
    lines = [f"{f['file']}\t{f['size_bytes']}\t{f['crc32']:08x}\n" for part in parts for f in part.files]
    return sha256("".join(lines).encode()).hexdigest()


def quality_report(inventory: Inventory, parts: list[PartDone]) -> dict[str, Any]:
    """What was read, skipped and replaced; the file lists hold only what has something to say."""
    files = [f for part in parts for f in part.files]
    unknown = [f for f in files if f["unknown_header"]]
    return {
        "runs": len(parts),
        "files": len(files) + sum(len(part.bad_files) for part in parts),
        "sequences": len(files),
        "bytes": sum(f["size_bytes"] for f in files),
        "lines": sum(f["lines"] for f in files),
        "left_out": inventory.left_out,
        "bad_files": [tuple(pair) for part in parts for pair in part.bad_files],
        "replaced_bytes": {f["file"]: f["replaced_bytes"] for f in files if f["replaced_bytes"]},
        "truncated_bytes": {f["file"]: f["truncated_bytes"] for f in files if f["truncated_bytes"]},
        "empty_files": [f["file"] for f in files if not f["lines"]],
        "unknown_headers": {
            "files": len(unknown),
            "first": {"file": unknown[0]["file"], "line": unknown[0]["unknown_header"]} if unknown else None,
        },
        "undated_runs": sum(run_start(part.run) == float("inf") for part in parts),
        "coarse_messages": sum(part.coarse_messages for part in parts),
        "services": dict(sorted(Counter(f.service for f in inventory.files).items())),
        "test_cases": len({f.test_case for f in inventory.files}),
    }


def _since(started: datetime) -> float:
    return round((datetime.now(UTC) - started).total_seconds(), 3)
