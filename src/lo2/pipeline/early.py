"""The beginning of a load, for a process that has imported nothing large yet: stock is taken and workers are forked.

A compressed tar is scanned while it is listed, and the workers inherit what was kept of it.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lo2.engine import EngineOptions, early_workers
from lo2.forks import alone, stay_alone
from lo2.loading.options import LoadOptions

if TYPE_CHECKING:
    from lo2.loading.inventory import Inventory


@contextmanager
def early_inventory(root: Path, options: LoadOptions, engine: EngineOptions) -> Iterator["Inventory"]:
    """Inventory of ``root``, to be loaded within; what imports Polars is to be imported within, too."""
    stay_alone()
    from lo2.loading.inventory import take_inventory
    from lo2.loading.kept import as_kept, keeping
    from lo2.loading.spots import LO2_NAME
    from lo2.loading.windows import release

    def wanted(name: str) -> bool:
        last = name.rpartition("/")[2]
        return "oauth2-oauth2-" in last and last.endswith(".log") and LO2_NAME.fullmatch(last) is not None

    with ExitStack() as held:
        inherited = alone() or engine.backend == "sequential" or engine.workers == 1
        if inherited and as_kept(options) and engine.kernel and engine.max_ram is None:
            held.enter_context(keeping(wanted))
        inventory = take_inventory(root, options)
        release()  # its thread would be lost in a fork
        held.enter_context(early_workers(engine, inventory.size_bytes, ["lo2.pipeline.parts"]))
        yield inventory
