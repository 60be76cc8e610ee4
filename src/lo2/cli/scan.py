"""``lo2 scan``: expected artefacts and their state."""

from dataclasses import asdict, dataclass
from functools import partial

from lo2.artefacts import scan as scanning
from lo2.artefacts.advice import scan_advice
from lo2.artefacts.layout import Home
from lo2.cli.flags import Where, flags_from_options
from lo2.cli.screen import JsonOptions, print_json, say_result
from lo2.errors import CheckFailedError
from lo2.options import option
from lo2.wording import counted_noun


@dataclass(frozen=True)
class ScanOptions(JsonOptions):
    """How closely is looked, and what is listed."""

    strict: bool = option(False, "Hash every file, whatever its size and time say")
    everything: bool = option(False, "Also list optional artefacts that were never made", flag="--all")


@flags_from_options
def scan(options: ScanOptions, where: Where) -> None:
    """List expected artefacts with their state; exit 3 when a required one is missing, or one changed or stale.

    Example: lo2 scan --strict
    """
    home = where.home_from_flags()
    findings = scanning.scan_artefacts(home, strict=options.strict)
    if options.json:
        print_json([asdict(finding) for finding in findings])
    else:
        absent = ("missing", "not applicable")
        shown = [f for f in findings if options.everything or f.required or f.state not in absent]
        width = max(len(f.path) for f in shown)
        say_result(f"{home.result} and {home.models}\nstate           bytes  {'artefact':{width}}  note")
        for f in shown:
            say_result(f"{f.state:8}{f.bytes:>13,}  {f.path:{width}}  {f.note}".rstrip())
        if not options.everything and (without := [f for f in findings if f.state == "not applicable"]):
            say_result(f"not applicable: {counted_noun(len(without), 'artefact')} ({without[0].note}), see --all")
    wrong = scanning.scan_problems(findings)
    if wrong:
        names = ", ".join(f"{f.path} ({f.state})" for f in wrong[:5])
        advice = scan_advice(findings, home, partial(_scan_again, home))
        raise CheckFailedError(f"{counted_noun(len(wrong), 'artefact')} in need of attention: {names}. {advice}")


def _scan_again(home: Home, phase: str) -> str:
    from lo2.pipeline.calls import call_again  # what knows all options takes long to import

    return call_again(home, phase)
