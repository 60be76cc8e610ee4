"""``lo2 clean``: the command that plans and applies retention for explanations, kept runs and scored data."""

from datetime import UTC, datetime

from lo2.artefacts import clean as cleaning
from lo2.artefacts.clean import CleanOptions
from lo2.artefacts.lock import lock
from lo2.cli.flags import Where, flags_from_options
from lo2.errors import UsageError


@flags_from_options
def clean(options: CleanOptions, where: Where) -> None:
    """Plan what may go, by age, count and size; with --apply move it to .trash/, which the next --apply empties.

    Example: lo2 clean --what runs --keep 10 --apply
    """
    from lo2.cli.screen import note, print_table, say_result

    home = where.home_from_flags()
    limits = (options.older_than_days, options.keep, options.max_mb)
    if all(limit is None for limit in limits) and not options.empty_trash:
        raise UsageError("Say what may go: --older-than-days DAYS, --keep N or --max-mb MB (or --empty-trash)")
    now = datetime.now(UTC)
    with lock(home):
        plan = cleaning.plan_cleaning(home, options, now=now)
        rows = [[g.kind, g.name, f"{len(g.paths)}", f"{g.bytes:,}", g.why] for g in plan.groups]
        print_table("", ["kind", "group", "files", "bytes", "why"], rows, right=(2, 3))
        for path, why in plan.skipped.items():
            note(f"stays: {path} ({why})")
        if options.apply and plan.groups:
            say_result(
                f"{plan.bytes:,} bytes moved to {cleaning.apply_cleaning(home, plan, now=now, archive=options.archive)}"
            )
        elif plan.groups:
            say_result(f"{plan.bytes:,} bytes would go; nothing was touched. Do it with --apply")
        else:
            say_result("Nothing to clean")
        if options.empty_trash:
            cleaning.empty_trash(home)
