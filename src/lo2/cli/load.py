"""``lo2 load``: phases B and C."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from lo2.cli.flags import RootArgument, RootOptions, Where, flags_from_options, root_from_flags
from lo2.cli.screen import (
    Verbosity,
    load_progress_bar,
    note,
    preview_understood,
    print_load_inventory,
    print_load_quality,
    say_result,
)
from lo2.engine import EngineOptions
from lo2.loading.options import LoadOptions, SaveOptions
from lo2.options import option
from lo2.pipeline.early import early_inventory


@dataclass(frozen=True)
class LikeOptions:
    """What is done with the logs, and after whose example."""

    dry_run: bool = option(False, "Inventory, size and expected time; load nothing")
    like: Path | None = option(None, "Read logs as those of a bundle were read: its card, MODEL.yml", more=True)


@flags_from_options
def load(
    root: RootOptions,
    like: LikeOptions,
    options: LoadOptions,
    save: SaveOptions,
    engine: EngineOptions,
    where: Where,
    verbosity: Verbosity,
    place: RootArgument = None,
) -> None:
    """Turn raw logs into lo2_sequences_enhanced.parquet.

    Example: lo2 load ~/LO2 --runs 20 --service-types token,code --jobs 2
    """
    given = root_from_flags(place, root.root, command="load")
    if like.like is not None:
        from lo2.pipeline.preprocessing import options_like_bundle

        options = options_like_bundle(like.like, options)
    if like.dry_run:
        from lo2.loading.inventory import take_inventory
        from lo2.pipeline.estimate import estimate

        inventory = take_inventory(given, options)
        target = where.home_from_flags().result
        there = next(folder for folder in (target, *target.absolute().parents) if folder.is_dir())
        expected = estimate(inventory, options, engine, clock=time.perf_counter)
        print_load_inventory(inventory, expected, engine.plan(), shutil.disk_usage(there).free)
        preview_understood(list(expected.understood), expected.examples)
        return
    if engine.max_ram is not None:
        note(engine.plan(), verbosity)
    if verbosity.verbose:
        note(f"Logs are read by {engine.reader}", verbosity)
    with early_inventory(given, options, engine) as inventory:
        from lo2.pipeline.load import load_run, refuse_bad_files

        with load_progress_bar(verbosity) as on_part:
            loaded = load_run(
                given, where.home_from_flags(), options, save=save, engine=engine, on_part=on_part, inventory=inventory
            )
    print_load_quality(loaded.quality, loaded.reused_runs, verbosity)
    for text in loaded.load_notes:
        note(text, verbosity)
    refuse_bad_files(loaded, options)
    say_result(f"{loaded.n_sequences} sequences in {loaded.sequences_path}")
