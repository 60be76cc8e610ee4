"""Parts of a load: a folder per run, or per piece of a long one, below ``.parts``, each complete or absent, reused
while nothing changed.

A part is valid for the input files (name, size, time), the options and the code that made it; its ``done.json`` is
written last, so that a killed worker leaves no valid part behind.
"""

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

import lo2
from lo2.artefacts.files import scan_parquet, write_bytes, write_parquet
from lo2.canonical import canonical_line
from lo2.features.templates import template_id
from lo2.loading.events import event_frames, readable_event_logs
from lo2.loading.inventory import LoadOptions, LogFile, Shard
from lo2.loading.sources.identity import escaped_name
from lo2.options import record_options
from lo2.pipeline.shards import load_shard, shard_reading
from lo2.schema import BASE_SEQUENCES, EVENTS

_CODE = ("*.py", "masking/*.py", "loading/**/*.py", "features/*.py", "pipeline/shards.py", "pipeline/parts.py")
_LONGEST, _KEPT = 200, 40  # bytes and characters of a folder's name


@dataclass(frozen=True)
class PartTask:
    """All a worker needs to make one part; small, since it travels."""

    shard: Shard
    piece: int
    pieces: int
    options: LoadOptions
    folder: str
    base: bool
    events: bool

    @property
    def part_name(self) -> str:
        """Name of the folder: the run's, escaped, so without ``__``; of a long one the beginning and a hash."""
        name = escaped_name(self.shard.run)
        if len(name.encode()) > _LONGEST or not name.strip("."):
            name = f"{name[:_KEPT]}-{sha256(name.encode()).hexdigest()[:16]}"
        return f"{name}__{self.piece}" if self.piece else name

    @property
    def part_folder(self) -> Path:
        """Folder of this part."""
        return Path(self.folder) / self.part_name

    @property
    def place_of_part(self) -> tuple[str, int, str]:
        """Where it begins in an archive, so that a compressed one is read from front to back."""
        first = min(((f.outer, f.offset or 0) for f in self.shard.files), default=("", 0))
        return (*first, self.part_name) if any(f.streamed for f in self.shard.files) else ("", 0, "")

    def part_key(self) -> str:
        """Hash of all that determines the part."""
        files = [(f.seq_id, f.relative, f.size_bytes, f.mtime_ns, f.anomaly) for f in self.shard.files]
        options = [record_options(self.options), self.base, self.events]
        facts = [part_code_fingerprint(), options, files]
        return sha256(json.dumps(facts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PartDone:
    """What is told of a finished part; the rest stays in its ``done.json``."""

    name: str
    pieces: int
    read_bytes: int
    size_bytes: int
    lines: int
    reused: bool = False


def part_code_files() -> list[Path]:
    """Modules that determine the bytes of a part: phases B and C, and all that knows nothing else."""
    home = Path(lo2.__file__).parent
    return [path for pattern in _CODE for path in sorted(home.glob(pattern))]


@cache
def part_code_fingerprint() -> str:
    """Hash of ``part_code_files``."""
    digest = sha256()
    for path in part_code_files():
        digest.update(path.read_bytes())
    return digest.hexdigest()


def part_facts(folder: Path) -> dict[str, Any]:
    """What is known of a finished part: files, bad files, templates, coarse messages, and its key."""
    known: dict[str, Any] = json.loads((folder / "done.json").read_text(encoding="utf-8"))
    return known


def finished_part(task: PartTask) -> PartDone | None:
    """The part, if a complete and valid one lies there."""
    try:
        known = part_facts(task.part_folder)
        if (
            known["format"] != 1
            or known["key"] != task.part_key()
            or not (task.part_folder / "sequences.parquet").is_file()
        ):
            return None
        return _part_done(task, known["files"], reused=True)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def make_part(task: PartTask) -> PartDone:
    """Load one run, or a piece of it, and write its part; an existing valid one is reused."""
    if (done := finished_part(task)) is not None:
        return done
    (task.part_folder / "done.json").unlink(missing_ok=True)
    result = load_shard(task.shard, task.options)
    write_parquet(task.part_folder / "sequences.parquet", result.sequences, passing=True)
    if task.base or task.events:
        _write_part_events(task)
    found = {"format": 1, "key": task.part_key(), **result.facts()}
    write_bytes(task.part_folder / "done.json", json.dumps(found).encode())  # nobody reads it, so nothing is indented
    return _part_done(task, result.files)


def _part_done(task: PartTask, files: list[dict[str, Any]], *, reused: bool = False) -> PartDone:
    sizes, lines = sum(f["size_bytes"] for f in files), sum(f["lines"] for f in files)
    return PartDone(task.part_name, task.pieces, task.shard.size_bytes, sizes, lines, reused)


def _write_part_events(task: PartTask) -> None:
    """Events and joined texts, sequence by sequence: only for those who ask, since they hold raw text."""
    options = task.options
    whole = bool(options.group_by or options.window)
    files = readable_event_logs(task.shard.files)
    for i, same in enumerate([files] if whole else _part_files_by_sequence(files)):
        frames = event_frames(same, shard_reading(options))
        texts = []
        for j, events in enumerate(frames):
            texts += [events.select("seq_id", "m_message")] if task.base else []
            if task.events:
                write_parquet(task.part_folder / f"events-{i:05d}-{j:05d}.parquet", _name_part_templates(events))
        if texts:
            _write_part_texts(task, i, pl.concat(texts))


def _name_part_templates(events: pl.DataFrame) -> pl.DataFrame:
    """Events with their templates, and messages as people read them."""
    first = pl.col("e_message_masked").str.split("\n").list.first()
    ids = first.map_elements(template_id, return_dtype=pl.String).alias("e_event_drain_id")
    shown = pl.col("e_message_masked").map_elements(canonical_line, return_dtype=pl.String)
    return events.with_columns(ids).with_columns(shown).select(list(EVENTS))


def _part_files_by_sequence(files: list[LogFile]) -> list[list[LogFile]]:
    found: dict[str, list[LogFile]] = {}
    for file in files:
        found.setdefault(file.seq_id, []).append(file)
    return list(found.values())


def _write_part_texts(task: PartTask, i: int, events: pl.DataFrame) -> None:
    texts = events.group_by("seq_id", maintain_order=True).agg(pl.col("m_message").str.join("\n"))
    parts = scan_parquet(task.part_folder / "sequences.parquet")
    labels = parts.filter(pl.col("seq_id").is_in(texts["seq_id"].implode()))
    frame = labels.select([name for name in BASE_SEQUENCES if name != "m_message"]).collect()
    write_parquet(
        task.part_folder / f"base-{i:05d}.parquet", frame.join(texts, on="seq_id", how="left", maintain_order="left")
    )
