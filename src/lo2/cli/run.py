"""``lo2 run``: the main job on own logs."""

from typing import Annotated

import typer

from lo2.cli.closing import closing_screen
from lo2.cli.flags import RootArgument, RootOption, Where, the_root, with_options
from lo2.cli.screen import Verbosity, load_bar, note, print_quality
from lo2.engine import EngineOptions
from lo2.evaluation import ScoreOptions
from lo2.explain.options import ExplainOptions
from lo2.loading.inventory import LoadOptions
from lo2.models.options import ForestOptions
from lo2.models.split import SplitOptions
from lo2.pipeline.fitting import DetectOptions
from lo2.pipeline.load import SaveOptions, refuse_bad_files
from lo2.pipeline.run import RunOptions, run_all


@with_options
def run(
    load: LoadOptions,
    save: SaveOptions,
    detect: DetectOptions,
    forest: ForestOptions,
    split: SplitOptions,
    score: ScoreOptions,
    explain: ExplainOptions,
    engine: EngineOptions,
    where: Where,
    verbosity: Verbosity,
    save_model: Annotated[
        bool, typer.Option("--save-model/--no-save-model", help="Write bundles and their cards to the model root")
    ] = True,
    place: RootArgument = None,
    root: RootOption = None,
) -> None:
    """Load, detect, explain, report and scan in one go.

    Example: lo2 run ~/shop-logs --normal baseline --variant shop
    """
    options = RunOptions(load, save, detect, forest, split, score, explain)
    with load_bar(verbosity) as on_part:
        result = run_all(the_root(place, root, command="run"), where.home(), options, engine=engine, on_part=on_part)
    print_quality(result.loaded.quality, result.loaded.reused_runs, verbosity)
    for text in result.detection.notes:
        note(text, verbosity)
    closing_screen(result, verbosity)
    refuse_bad_files(result.loaded, load)
