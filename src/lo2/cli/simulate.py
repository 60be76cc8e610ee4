"""``lo2 simulate``: a log tree to try everything on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from lo2.cli.flags import flags_from_options
from lo2.cli.screen import Verbosity, note, say_result
from lo2.options import option
from lo2.simulate.options import SimulateOptions


@dataclass(frozen=True)
class TargetOptions:
    """What becomes of runs that are there."""

    overwrite: bool = option(False, "Write runs again that are there already")


@flags_from_options
def simulate(
    root: Annotated[Path, typer.Argument(help="Folder for the runs; truth.csv comes next to them")],
    options: SimulateOptions,
    target: TargetOptions,
    verbosity: Verbosity,
) -> None:
    """Write a seeded, realistic LO2 tree, and truth.csv with every line that carries a planted fault.

    Example: lo2 simulate demo/logs --runs 20 --dataset v2 --scale 0.05 --service-types token,code
    """
    from lo2.simulate.tree import simulate as write_tree

    def progress(done: int, runs: int) -> None:
        note(f"{done}/{runs} runs", verbosity)

    made = write_tree(root, options, overwrite=target.overwrite, progress=progress)
    say_result(
        f"{made.runs} runs, {made.files} log files, {made.lines} lines, {made.size_bytes / 1e6:.1f} MB in {root}"
    )
    say_result(f"Planted faults: {made.truth_path}")
