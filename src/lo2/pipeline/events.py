"""Raw events of single sequences, for explanations: from raw logs whose tree is checked, or stored ones."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from lo2.artefacts.files import scan_parquet, sha256
from lo2.artefacts.layout import Home
from lo2.artefacts.provenance import load_provenance, recorded_raw_root
from lo2.errors import InputError, InputNotFoundError
from lo2.explain.explanation import EventsOf
from lo2.loading.events import RunEvents, readable_event_logs
from lo2.loading.inventory import Inventory, LoadOptions, LogFile, take_inventory
from lo2.loading.sources.blocks import UNREADABLE
from lo2.loading.sources.identity import escaped_name
from lo2.pipeline.phase import Phase
from lo2.pipeline.recorded import Recorded
from lo2.pipeline.sequences import Sequences
from lo2.pipeline.shards import shard_reading
from lo2.rows import run_names

_EVENTS_KEPT = 8


@dataclass(frozen=True)
class RawLogs:
    """How to get at the raw logs of a data state: by sequence, and as an inventory; None where they are not at hand."""

    events: EventsOf | None
    inventory: Inventory | None
    why: str = ""


def raw_event_logs(p: Phase, root: Path | None = None) -> RawLogs:
    """The raw root, else ``lo2_events.parquet``, else nothing, and ``why``.

    Raises
    ------
    InputNotFoundError
        If a root that is named does not exist.
    """
    if root is not None and not root.exists():
        raise InputNotFoundError(f"--root {root} does not exist. Name the folder that was loaded: {p.raw_root}")
    root = root or p.raw_root
    if root is not None and root.exists():
        inventory = inventory_for_events(p.recorded("load"), root)
        return RawLogs(events_reader(inventory), inventory)
    why = f"{root or 'the raw root'} is not there: lines come without file and number. Name it with --root"
    if (stored := p.path("events")).is_file():
        return RawLogs(_stored_events(stored), None, f"{root or 'the raw root'} is not there")
    return RawLogs(None, None, why)


def inventory_for_events(load: Recorded, root: Path) -> Inventory:
    """The raw logs of a data state, read as its last load read them."""
    return take_inventory(root, load.options(LoadOptions), labelled=False)


def raw_logs_at_hand(table: Sequences) -> Inventory | None:
    """The raw logs of a table: what it was loaded with, or what a load made the file from that it was read from."""
    if table.inventory is not None or table.path is None:
        return table.inventory
    home = Home(table.path.parent, Path("models"))
    entry, root = load_provenance(home).artefacts.get(table.path.name), recorded_raw_root(home)
    if entry is None or root is None or not root.exists() or entry.sha256 != sha256(table.path):
        return None
    return inventory_for_events(Recorded.recorded_call(home, "load"), root)


def events_reader(inventory: Inventory) -> EventsOf:
    """Events of a sequence from the raw files of its name; where keys, spans or collectors cut them, of its run."""
    how = shard_reading(inventory.options)
    logs: dict[str, list[LogFile]] = {}
    for file in inventory.files:
        logs.setdefault(file.seq_id, []).append(file)

    # The last run alone, since whoever asks goes by seq_id: a run may be as large as memory allows.
    @lru_cache(maxsize=1)
    def read_run_events(files: tuple[LogFile, ...]) -> RunEvents:
        return RunEvents(files, how)

    @lru_cache(maxsize=1)
    def events_of_run(run: str) -> tuple[LogFile, ...]:
        return tuple(readable_event_logs(f for shard in inventory.shards if run == shard.run for f in shard.files))

    @lru_cache(maxsize=_EVENTS_KEPT)
    def sequence_events(seq_id: str) -> pl.DataFrame | None:
        try:
            if own := logs.get(seq_id):
                return read_run_events(tuple(own)).sequence_events(seq_id)
            runs = [shard.run for shard in inventory.shards if seq_id.startswith(escaped_name(shard.run))]
            found = (
                read_run_events(events_of_run(run)).sequence_events(seq_id)
                for run in sorted(runs, key=len, reverse=True)
            )
            return next((frame for frame in found if frame is not None), None)
        except UNREADABLE:
            return None

    return sequence_events


def check_raw_tree(root: Path, raw: RawLogs, sequences: pl.DataFrame) -> None:
    """Refuse raw logs that are not those of the sequences: another tree, or the same names with other contents.

    Raises
    ------
    InputError
        Naming a run that it lacks, or a sequence of another length.
    """
    if raw.inventory is None or raw.events is None:
        return
    there = {shard.run for shard in raw.inventory.shards}
    wanted = run_names(sequences).unique().sort().to_list()
    gone = [name for name in wanted if not any(f"{name}.".startswith(f"{one}.") for one in there)]
    row = sequences.row(0, named=True)
    events = None if gone else raw.events(row["seq_id"])
    found, expected = 0 if events is None else events.height, row.get("seq_len")
    if not gone and (expected is None or found in (expected, expected + (row.get("startup_lines") or 0))):
        return
    why = f"it has no run {gone[0]!r}" if gone else f"{row['seq_id']!r} has {found} events there, {expected} here"
    raise InputError(
        f"--root {root} is not the tree that these sequences were made of: {why}. Name the folder that was loaded"
    )


def _stored_events(path: Path) -> EventsOf:
    def sequence_events(seq_id: str) -> pl.DataFrame | None:
        frame = scan_parquet(path).filter(pl.col("seq_id") == seq_id).collect()
        return frame if frame.height else None

    return sequence_events
