"""``lo2 restore``: artefacts made again from their provenance."""

from functools import partial
from typing import Annotated

import typer

from lo2.artefacts import restore as restoring
from lo2.artefacts.lock import lock
from lo2.artefacts.restore import RestoreOptions
from lo2.cli.flags import Where, flags_from_options
from lo2.errors import UsageError


@flags_from_options
def restore(
    options: RestoreOptions,
    where: Where,
    names: Annotated[list[str] | None, typer.Argument(help="Artefacts as lo2 scan lists them, by name or path")] = None,
) -> None:
    """Make missing, changed or stale artefacts again and compare their hashes with the recorded ones.

    Example: lo2 restore predictions
    """
    from lo2.cli.screen import say_result

    if bool(names) == options.everything:
        raise UsageError("Name what to restore, for example lo2 restore predictions, or pass --all")
    home, wanted = where.home_from_flags(), [] if options.everything else list(names or [])
    if options.dry_run:
        for step in restoring.plan_restore(home, wanted):
            say_result(f"{step.phase}: {', '.join(step.paths)}")
        return
    from lo2.pipeline.calls import call_again
    from lo2.pipeline.phases import recreate_phase

    with lock(home):
        done = restoring.restore_artefacts(
            home,
            wanted,
            recreate=partial(recreate_phase, root=options.root),
            call=partial(call_again, home),
            tell=lambda one: say_result(f"{one.path} {one.how}, sha256 {one.sha256[:12]}..."),
        )
    if not done:
        say_result("Nothing to restore: what was asked for is as it was written, or never was")
