"""``lo2 load``: phases B and C."""

import shutil
import time
from pathlib import Path
from typing import Annotated

import typer

from lo2.cli.flags import RootArgument, RootOption, Where, the_root, with_options
from lo2.cli.screen import Verbosity, load_bar, note, print_inventory, print_quality, say
from lo2.cli.understood import print_preview
from lo2.engine import EngineOptions
from lo2.loading.options import LoadOptions
from lo2.pipeline.early import early_inventory
from lo2.pipeline.saving import SaveOptions


@with_options
def load(
    options: LoadOptions,
    save: SaveOptions,
    engine: EngineOptions,
    where: Where,
    verbosity: Verbosity,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Inventory, size and expected time; load nothing")] = False,
    like_bundle: Annotated[
        Path | None, typer.Option("--like", help="Read logs as those of a bundle were read: its card, MODEL.yml")
    ] = None,
    place: RootArgument = None,
    root: RootOption = None,
) -> None:
    """Turn raw logs into lo2_sequences_enhanced.parquet.

    Example: lo2 load ~/LO2 --runs 20 --service-types token,code --jobs 2
    """
    given = the_root(place, root, command="load")
    if like_bundle is not None:
        from lo2.pipeline.door import like

        options = like(like_bundle, options)
    if dry_run:
        from lo2.loading.inventory import take_inventory
        from lo2.pipeline.estimate import estimate

        inventory = take_inventory(given, options)
        target = where.home().result
        there = next(folder for folder in (target, *target.absolute().parents) if folder.is_dir())
        expected = estimate(inventory, options, engine, clock=time.perf_counter)
        print_inventory(inventory, expected, engine.plan(), shutil.disk_usage(there).free)
        print_preview(list(expected.understood), expected.examples)
        return
    if engine.max_ram is not None:
        note(engine.plan(), verbosity)
    if verbosity.verbose:
        note(f"Logs are read by {engine.reader}", verbosity)
    with early_inventory(given, options, engine) as inventory:
        from lo2.pipeline.load import load_run, refuse_bad_files

        with load_bar(verbosity) as on_part:
            loaded = load_run(
                given, where.home(), options, save=save, engine=engine, on_part=on_part, inventory=inventory
            )
    print_quality(loaded.quality, loaded.reused_runs, verbosity)
    for text in loaded.notes:
        note(text, verbosity)
    refuse_bad_files(loaded, options)
    say(f"{loaded.n_sequences} sequences in {loaded.sequences_path}")
