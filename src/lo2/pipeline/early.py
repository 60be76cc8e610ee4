"""The early beginning of a load, before anything large is imported: inventory taken, workers forked.

A compressed archive is listed by a process of its own, while its workers and this one import: they are forked by its
size.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from lo2.engine import EngineOptions, early_worker_result, start_early_workers
from lo2.forks import keep_numpy_threads_out
from lo2.loading.options import LoadOptions

if TYPE_CHECKING:
    from lo2.loading.inventory import Inventory

_UNPACKS_TO = 10  # so many times its bytes, and often more


@contextmanager
def early_inventory(root: Path, options: LoadOptions, engine: EngineOptions) -> Iterator["Inventory"]:
    """Inventory of ``root``, to be loaded within; what imports Polars is to be imported within, too."""
    keep_numpy_threads_out()
    from lo2.loading.inventory import take_inventory
    from lo2.loading.sources.archives import is_packed_archive
    from lo2.loading.sources.members import release

    modules = ["lo2.pipeline.parts"]
    if not is_packed_archive(root):
        inventory = take_inventory(root, options)
        release()  # what a process that is forked must not share
        with start_early_workers(engine, inventory.size_bytes, modules):
            yield inventory
        return
    size = _UNPACKS_TO * root.stat().st_size
    listed = early_worker_result(engine, size, partial(take_inventory, root, options))
    with start_early_workers(engine, size, modules):
        for name in modules:
            import_module(name)
        yield listed()
