"""The estimate of what a load will take, from loading a sample of its files."""

import io
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lo2.engine import EngineOptions
from lo2.loading.inventory import Inventory, LoadOptions, LogFile, Shard
from lo2.pipeline.quality import LoadSums
from lo2.pipeline.shards import ShardResult, load_shard

_SAMPLE_BYTES = 24_000_000
_SAMPLE_FILES = 60
_START_SECONDS = 1.5
_EXAMPLES = 3


@dataclass(frozen=True)
class Estimate:
    """Time and disk of a load; ``disk_bytes`` holds the parts and the merged table."""

    seconds: float
    disk_bytes: float
    sample_bytes: int
    mb_per_second: float
    notes: tuple[str, ...] = field(default_factory=tuple)
    understood: tuple[dict[str, Any], ...] = field(default_factory=tuple)
    examples: Mapping[str, list[str]] = field(default_factory=dict)


def estimate(
    inventory: Inventory, options: LoadOptions, engine: EngineOptions, *, clock: Callable[[], float]
) -> Estimate:
    """Load files spread over the inventory, measure, extrapolate; nothing is written.

    Parameters
    ----------
    inventory : Inventory
        What would be loaded.
    options : LoadOptions
        How.
    engine : EngineOptions
        Where.
    clock : callable
        Seconds that pass, such as ``time.perf_counter``.
    """
    options = inventory.options
    sample = _sample_to_estimate(inventory)
    load_shard(Shard(sample[0].run, sample[:1]), options)  # imports and compiled patterns are paid once
    begin = clock()
    result = load_shard(Shard(sample[0].run, sample), options)
    spent = max(clock() - begin, 1e-6)
    packed = io.BytesIO()
    result.sequences.write_parquet(packed, compression="zstd", compression_level=3)
    size = max(1, sum(f.size_bytes for f in sample))
    scale = inventory.size_bytes / size
    workers = min(engine.workers, len(inventory.shards))
    notes = tuple(f"unreadable: {name} ({why})" for name, why in result.bad_files)
    seconds = _START_SECONDS + spent * scale / workers
    found = LoadSums()
    found.add_to_quality(result.facts())
    rows = tuple(row.row(service) for service, row in sorted(found.understood.items()))
    disk = 2 * packed.tell() * scale
    return Estimate(seconds, disk, size, size / spent / 1e6, notes, rows, _estimate_examples(result))


def _estimate_examples(result: ShardResult) -> dict[str, list[str]]:
    """The most frequent masked messages of each service."""
    texts = {f"{number:08x}": text for number, text in result.templates.items()}
    counts: dict[str, Counter[str]] = {}
    columns = ("service", "e_event_drain_id", "e_event_drain_id_count")
    for service, names, numbers in result.sequences.select(columns).iter_rows():
        counts.setdefault(service, Counter()).update(dict(zip(names, numbers, strict=True)))
    return {
        service: [
            texts[name] for name, _ in sorted(held.items(), key=lambda item: (-item[1], item[0])) if name in texts
        ][:_EXAMPLES]
        for service, held in counts.items()
    }


def _sample_to_estimate(inventory: Inventory) -> tuple[LogFile, ...]:
    """Files at even distances in the whole, until there is enough to measure."""
    files = list(inventory.files)
    step = max(1, len(files) // _SAMPLE_FILES)
    chosen: list[LogFile] = []
    size = 0
    for file in files[::step]:
        if chosen and size + file.size_bytes > _SAMPLE_BYTES:
            continue
        chosen.append(file)
        size += file.size_bytes
    return tuple({f.seq_id: f for f in chosen}.values())
