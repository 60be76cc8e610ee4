"""``lo2 demo``: the main job on embedded input."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lo2.cli.closing import closing_screen
from lo2.cli.flags import Where, with_options
from lo2.cli.hints import imply
from lo2.cli.screen import Verbosity, load_bar, note, print_quality
from lo2.engine import EngineOptions
from lo2.pipeline.demo import DEMO_TREE, DEMO_VARIANT, demo_run


@with_options
def demo(
    engine: EngineOptions,
    where: Where,
    verbosity: Verbosity,
    logs: Annotated[Path, typer.Option(help="Where the simulated logs go")] = DEMO_TREE,
    seed: Annotated[int, typer.Option(help="Seed of the simulated tree")] = 42,
) -> None:
    """Simulate a small LO2 tree, then run every phase on it, in a variant of its own. No network, no data needed.

    Example: lo2 demo
    """
    if where.output_dir is None and where.variant is None:
        where = replace(where, variant=DEMO_VARIANT)
        imply("--variant", DEMO_VARIANT)
    note(f"simulating a small LO2 tree in {logs} (all figures below are simulated)", verbosity)
    with load_bar(verbosity) as on_part:
        result = demo_run(where.home(), logs, engine=engine, seed=seed, on_part=on_part)
    print_quality(result.loaded.quality, result.loaded.reused_runs, verbosity)
    closing_screen(result, verbosity)
