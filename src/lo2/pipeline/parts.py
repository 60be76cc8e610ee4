"""Parts of a load: one folder per run below ``.parts``, each complete or absent, reused while nothing changed.

A part is valid for the input files (name, size, time), the options and the code that made it; its ``done.json`` is
written last, so that a killed worker leaves no valid part behind.
"""

import json
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

import lo2
from lo2.artefacts.files import write_json, write_parquet
from lo2.features.templates import template_id
from lo2.loading.blocks import UNREADABLE
from lo2.loading.events import read_events
from lo2.loading.inventory import LoadOptions, Shard
from lo2.options import record
from lo2.pipeline.shards import load_shard
from lo2.schema import BASE_SEQUENCES, EVENTS

_CODE = ("loading", "features", "pipeline/shards.py", "pipeline/parts.py", "patterns.py", "schema.py")


@dataclass(frozen=True)
class PartTask:
    """All a worker needs to make one part; small, since it travels."""

    shard: Shard
    options: LoadOptions
    folder: str
    base: bool
    events: bool

    @property
    def path(self) -> Path:
        """Folder of this part; the run's name is a folder name in the raw root, so it is one here."""
        return Path(self.folder) / self.shard.run

    def key(self) -> str:
        """Hash of all that determines the part."""
        files = [(f.relative, f.size_bytes, f.mtime_ns) for f in self.shard.files]
        facts = [code_fingerprint(), record(self.options), self.base, self.events, files]
        return sha256(json.dumps(facts).encode()).hexdigest()


@dataclass(frozen=True)
class PartDone:
    """What is known of a finished part."""

    run: str
    key: str
    files: list[dict[str, Any]]
    bad_files: list[list[str]]
    templates: dict[str, str]
    coarse_messages: int
    reused: bool = False


@cache
def code_fingerprint() -> str:
    """Hash of the modules that determine the bytes of a part."""
    home = Path(lo2.__file__).parent
    digest = sha256()
    for name in _CODE:
        found = sorted((home / name).glob("*.py")) if (home / name).is_dir() else [home / name]
        for path in found:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def finished(task: PartTask) -> PartDone | None:
    """The part, if a complete and valid one lies there."""
    marker = task.path / "done.json"
    try:
        done = json.loads(marker.read_text(encoding="utf-8"))
        if done.pop("format") != 1 or done["key"] != task.key() or not (task.path / "sequences.parquet").is_file():
            return None
        return PartDone(**{**done, "reused": True})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def make_part(task: PartTask) -> PartDone:
    """Load one run and write its part; an existing valid one is reused."""
    if (done := finished(task)) is not None:
        return done
    (task.path / "done.json").unlink(missing_ok=True)
    result = load_shard(task.shard, task.options)
    write_parquet(task.path / "sequences.parquet", result.sequences)
    if task.base or task.events:
        _write_events(task)
    templates = {f"{number:08x}": text for number, text in sorted(result.templates.items())}
    bad = [list(pair) for pair in result.bad_files]
    done = PartDone(task.shard.run, task.key(), result.files, bad, templates, result.coarse_messages)
    write_json(task.path / "done.json", asdict(done))
    return done


def _write_events(task: PartTask) -> None:
    """Events and joined texts, file by file: only for those who ask, since they hold raw text."""
    for i, file in enumerate(task.shard.files):
        try:
            events = read_events(file, profile=task.options.profile)
        except UNREADABLE:
            continue  # counted by the scan of the same file
        if task.base:
            _write_base(task, i, events)
        if task.events:
            first = pl.col("e_message_masked").str.split("\n").list.first()
            ids = first.map_elements(template_id, return_dtype=pl.String).alias("e_event_drain_id")
            frame = events.with_columns(ids).select(list(EVENTS))
            write_parquet(task.path / f"events-{i:05d}.parquet", frame)


def _write_base(task: PartTask, i: int, events: pl.DataFrame) -> None:
    text = "\n".join(events["m_message"].to_list())
    seq_id = task.shard.files[i].seq_id
    labels = pl.scan_parquet(task.path / "sequences.parquet").filter(pl.col("seq_id") == seq_id)
    frame = labels.select([name for name in BASE_SEQUENCES if name != "m_message"]).collect()
    write_parquet(task.path / f"base-{i:05d}.parquet", frame.with_columns(m_message=pl.lit(text)))
