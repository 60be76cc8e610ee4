"""``load``, phases A to C: a root of raw logs to sequence tables, part by part, resumable, with a quality report."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from lo2.arguments import as_path, options_as_given, sign_with_options
from lo2.artefacts.files import scan_parquet
from lo2.artefacts.layout import Home
from lo2.engine import EngineOptions, run_in_parallel
from lo2.errors import InputError, RunFailedError
from lo2.loading.inventory import Inventory, LoadOptions, take_inventory
from lo2.loading.options import SaveOptions
from lo2.options import record_options
from lo2.pipeline.code_stamp import LOGS, SIMULATED
from lo2.pipeline.generations import Generation, compared_generation, refuse_other_data
from lo2.pipeline.parts import PartDone, PartTask, finished_part, make_part, part_facts
from lo2.pipeline.phase import Phase, phase
from lo2.pipeline.pieces import PIECE_BYTES, cut_into_pieces
from lo2.pipeline.quality import LoadSums
from lo2.pipeline.recorded import Recorded
from lo2.pipeline.shards import load_shard
from lo2.schema import BASE_SEQUENCES, EVENTS, TEMPLATES

_ROW_GROUP = 1_024
OnPart = Callable[[PartDone, Inventory], None]


@dataclass(frozen=True, repr=False)
class LoadedLogs:
    """Result of a load: where the sequences are, how many, and the quality report.

    ``templates`` are the texts by template id, and ``inventory`` the raw logs, where they were loaded into memory.
    """

    sequences_path: Path | None
    sequences: pl.DataFrame | None
    n_sequences: int
    quality: dict[str, Any]
    reused_runs: int = 0
    templates: Mapping[str, str] | None = None
    inventory: Inventory | None = None
    generation: Generation | None = None
    replaced: tuple[str, ...] = ()

    def __repr__(self) -> str:
        counts = f"{self.n_sequences:,} sequences of {self.quality['runs']:,} runs, {self.quality['lines']:,} lines"
        return f"LoadedLogs({counts}, {self.sequences_path or 'in memory'})"

    @property
    def load_notes(self) -> tuple[str, ...]:
        """What must be said of the load that was there before."""
        return (() if self.generation is None else self.generation.generation_notes) or self.replaced


def load_run(
    root: Path,
    home: Home,
    options: LoadOptions = LoadOptions(),
    *,
    save: SaveOptions = SaveOptions(),
    engine: EngineOptions = EngineOptions(),
    modified_ms: Mapping[str, int] | None = None,
    on_part: OnPart | None = None,
    inventory: Inventory | None = None,
    refuse: Callable[[Phase], None] | None = None,
) -> LoadedLogs:
    """Load ``root`` into ``home`` and record it.

    ``inventory`` is that of ``root`` with these options, where the caller has it. ``modified_ms`` are the times of
    files that an earlier load took dates from: a copy of a log has another one. ``refuse`` raises, before any work,
    where what is to follow this load cannot be.

    Raises
    ------
    ArtefactExistsError
        If ``home`` holds the data state of another root.
    """
    inventory = _load_timed_inventory(inventory or take_inventory(root, options), modified_ms or {})
    given = {
        **record_options(inventory.options),
        **record_options(save),
        "source": SIMULATED if inventory.simulated else LOGS,
    }
    noted = {"root": root.absolute(), "reader": engine.reader, **record_options(engine)}
    with phase(home, "load", given, seed=options.seed, **noted) as p:
        refuse_other_data(p, root)
        if refuse is not None:
            refuse(p)
        tasks = _load_tasks(inventory, home.result / ".parts", inventory.options, save, engine)
        reused = _load_missing(tasks, inventory, engine, on_part)
        found = LoadSums(bad_files=list(inventory.bad))
        for task in tasks:
            found.add_to_quality(part_facts(task.part_folder))
        if not found.files:
            raise InputError(f"{inventory.root}: none of {len(found.bad_files)} files could be read")
        generation = compared_generation(
            p.path("sequences"), [task.part_folder / "sequences.parquet" for task in tasks]
        )
        _write_loaded_tables(tasks, found.templates, p, save)
        report = found.report(inventory)
        p.write("quality", report)
        p.options["modified_ms"] = dict(sorted(found.modified_ms.items()))
        p.fingerprint = found.input_fingerprint
    said: dict[str, Any] = {"generation": generation, "replaced": tuple(p.notes)}
    return LoadedLogs(home.path("sequences"), None, report["sequences"], report, reused, **said)


def load_again(recorded: Recorded) -> dict[str, Any]:
    """Arguments of the recorded call."""
    return {
        "root": recorded.raw_root(),
        "options": recorded.options(LoadOptions),
        "save": recorded.options(SaveOptions),
        "modified_ms": recorded.values.get("modified_ms"),
    }


def _load_timed_inventory(inventory: Inventory, modified_ms: Mapping[str, int]) -> Inventory:
    """``inventory`` with the recorded times of its files."""
    if not modified_ms:
        return inventory
    shards = tuple(
        replace(
            shard,
            files=tuple(
                replace(f, mtime_ns=modified_ms.get(f.relative, f.mtime_ns // 10**6) * 10**6) for f in shard.files
            ),
        )
        for shard in inventory.shards
    )
    return replace(inventory, shards=shards)


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


@sign_with_options(LoadOptions)
def load(root: str | Path, options: LoadOptions | None = None, **fields: Any) -> LoadedLogs:
    """Load ``root`` into memory, writing nothing; the fields of ``LoadOptions`` may be given by name.

    Examples
    --------
    >>> load("/no/such/place")
    Traceback (most recent call last):
    lo2.errors.InputNotFoundError: /no/such/place does not exist. Expected a folder <root>/...
    """
    wanted = options_as_given(LoadOptions, options, fields, what="load()", example="lo2.load(root, normal='baseline')")
    inventory = take_inventory(as_path(root, what="The root of load()"), wanted)
    found, frames = LoadSums(bad_files=list(inventory.bad)), []
    for shard in inventory.shards:
        for piece in cut_into_pieces(shard, whole=bool(wanted.group_by or wanted.window)):
            result = load_shard(piece, inventory.options)
            found.add_to_quality(result.facts())
            frames.append(result.sequences)
    frame = pl.concat(frames)
    return LoadedLogs(None, frame, frame.height, found.report(inventory), 0, found.templates, inventory)


def _load_tasks(
    inventory: Inventory, parts: Path, options: LoadOptions, save: SaveOptions, engine: EngineOptions
) -> list[PartTask]:
    folder, tasks = str(parts.absolute()), []
    for shard in inventory.shards:
        whole = bool(options.group_by or options.window)
        cut = cut_into_pieces(shard, min(PIECE_BYTES, engine.worker_batch_bytes), whole=whole)
        for i, piece in enumerate(cut):
            tasks.append(PartTask(piece, i, len(cut), options, folder, save.save_base_sequences, save.save_events))
    return tasks


def _load_missing(tasks: list[PartTask], inventory: Inventory, engine: EngineOptions, on_part: OnPart | None) -> int:
    """Make the parts that are missing; how many runs were reused whole."""
    _delete_vanished(Path(tasks[0].folder), {task.part_name for task in tasks})
    known = [(task, finished_part(task)) for task in tasks]
    todo = [task for task, done in known if done is None]
    todo.sort(key=lambda task: task.place_of_part)
    engine = engine.fit(sum(task.shard.size_bytes for task in todo))
    for done in chain((done for _, done in known if done is not None), run_in_parallel(make_part, todo, engine)):
        if on_part is not None:
            on_part(done, inventory)
    return len(inventory.shards) - len({task.shard.run for task in todo})


def _delete_vanished(folder: Path, names: set[str]) -> None:
    if folder.is_dir():
        for old in sorted(folder.iterdir()):
            if old.is_dir() and old.name not in names:
                shutil.rmtree(old)


def _write_loaded_tables(tasks: list[PartTask], templates: dict[str, str], p: Phase, save: SaveOptions) -> None:
    sequences = scan_parquet([task.part_folder / "sequences.parquet" for task in tasks])
    if any(
        part_facts(task.part_folder)["cut"] for task in tasks
    ):  # names of keys, spans, collectors do not follow the folders
        sequences = sequences.sort("seq_id")
    p.write("sequences", sequences, row_group_size=_ROW_GROUP)
    texts = dict(sorted(templates.items()))
    table = {"template_id": list(texts), "text": list(texts.values())}
    p.write("templates", pl.DataFrame(table, schema={name: one.dtype for name, one in TEMPLATES.items()}))
    for wanted, name, pattern, schema in (
        (save.save_base_sequences, "base_sequences", "base-*.parquet", BASE_SEQUENCES),
        (save.save_events, "events", "events-*.parquet", EVENTS),
    ):
        if wanted:
            found = [path for task in tasks for path in sorted(task.part_folder.glob(pattern))]
            p.write(name, scan_parquet(found).select(list(schema)), row_group_size=_ROW_GROUP)
        else:
            p.drop_artefact(name)  # of an earlier load: kept as a file, no longer recorded
