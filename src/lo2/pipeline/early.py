"""The beginning of a load, for a process that has imported nothing large yet: stock is taken and workers are forked.

Workers of a compressed archive are forked by its size, and import while it is listed.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lo2.engine import EngineOptions, early_workers
from lo2.forks import stay_alone
from lo2.loading.options import LoadOptions

if TYPE_CHECKING:
    from lo2.loading.inventory import Inventory

_UNPACKS_TO = 10  # so many times its bytes, and often more


@contextmanager
def early_inventory(root: Path, options: LoadOptions, engine: EngineOptions) -> Iterator["Inventory"]:
    """Inventory of ``root``, to be loaded within; what imports Polars is to be imported within, too."""
    stay_alone()
    from lo2.loading.archives import is_packed
    from lo2.loading.inventory import take_inventory
    from lo2.loading.windows import release

    def workers(size_bytes: int) -> AbstractContextManager[None]:
        return early_workers(engine, size_bytes, ["lo2.pipeline.parts"])

    with ExitStack() as held:
        packed = is_packed(root)
        if packed:
            held.enter_context(workers(_UNPACKS_TO * root.stat().st_size))
        inventory = take_inventory(root, options)
        release()  # what a process that is forked must not share
        if not packed:
            held.enter_context(workers(inventory.size_bytes))
        yield inventory
