"""``lo2 demo``: the main job on embedded input."""

from dataclasses import dataclass, replace
from pathlib import Path

from lo2.cli.flags import Where, flags_from_options
from lo2.cli.hints import imply_hint_flags
from lo2.cli.screen import Verbosity, load_progress_bar, note, print_load_quality
from lo2.engine import EngineOptions
from lo2.options import shared_options
from lo2.pipeline.options import DEMO_VARIANT, DemoOptions


@dataclass(frozen=True)
class DemoPlaces(Where):
    """Where results and models of the demo lie: ``LO2_HOME`` is where own data do."""

    output_dir: Path | None = shared_options(
        Where, "output_dir", text=f"Result root (default demo/result/{DEMO_VARIANT}, whatever LO2_HOME says)"
    )
    models_dir: Path | None = shared_options(Where, "models_dir", text=f"Model root (default models/{DEMO_VARIANT})")


@flags_from_options
def demo(options: DemoOptions, engine: EngineOptions, where: DemoPlaces, verbosity: Verbosity) -> None:
    """Simulate a small LO2 tree, then run every phase on it, in a variant of its own. No network, no data needed.

    Example: lo2 demo
    """
    from lo2.cli.closing import closing_screen
    from lo2.pipeline.demo import demo_run

    if where.output_dir is None and where.variant is None:
        where = replace(where, variant=DEMO_VARIANT)
        imply_hint_flags("--variant", DEMO_VARIANT)
    home = where.home_from_flags()
    said = f"simulating a small LO2 tree in {options.logs}, results in {home.result} (all figures below are simulated)"
    note(said, verbosity)
    with load_progress_bar(verbosity) as on_part:
        result = demo_run(home, options, engine=engine, on_part=on_part)
    print_load_quality(result.loaded.quality, result.loaded.reused_runs, verbosity)
    closing_screen(result, verbosity)
