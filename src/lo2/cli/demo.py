"""``lo2 demo``: the main job on embedded input."""

from dataclasses import replace

from lo2.cli.flags import Where, with_options
from lo2.cli.hints import imply
from lo2.cli.screen import Verbosity, load_bar, note, print_quality
from lo2.engine import EngineOptions
from lo2.pipeline.options import DEMO_VARIANT, DemoOptions


@with_options
def demo(options: DemoOptions, engine: EngineOptions, where: Where, verbosity: Verbosity) -> None:
    """Simulate a small LO2 tree, then run every phase on it, in a variant of its own. No network, no data needed.

    Example: lo2 demo
    """
    from lo2.cli.closing import closing_screen
    from lo2.pipeline.demo import demo_run

    if where.output_dir is None and where.variant is None:
        where = replace(where, variant=DEMO_VARIANT)
        imply("--variant", DEMO_VARIANT)
    note(f"simulating a small LO2 tree in {options.logs} (all figures below are simulated)", verbosity)
    with load_bar(verbosity) as on_part:
        result = demo_run(where.home(), options, engine=engine, on_part=on_part)
    print_quality(result.loaded.quality, result.loaded.reused_runs, verbosity)
    closing_screen(result, verbosity)
