"""Lists the expected artefacts with their state. The guide's name for ``lo2 scan``.

``--dry-run`` only lists; without it the list is also written to ``lo2_result_scan.md`` in the result root. Exit 3 when
a required artefact is missing, or one is changed or stale.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lo2.artefacts.files import write_text
from lo2.artefacts.layout import home
from lo2.artefacts.scan import Scanned, scan_artefacts, scan_problems

STATES = ("present", "missing", "changed", "stale", "foreign", "not applicable")


def summary(findings: Sequence[Scanned]) -> str:
    """The scan as a Markdown page."""
    counts = {state: sum(f.state == state for f in findings) for state in STATES}
    head = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    rows = [f"| `{f.path}` | {f.state} | {f.bytes:,} | {'yes' if f.required else ''} | {f.note} |" for f in findings]
    table = ["| artefact | state | bytes | required | note |", "|---|---|---:|---|---|", *rows]
    return "\n".join(["# Artefacts", "", f"{head}.", "", *table, ""])


def main() -> int:
    """Scan, print, write the page unless told not to."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--dry-run", action="store_true", help="list only, write nothing")
    flags.add_argument("--strict", action="store_true", help="hash every file")
    flags.add_argument("--output-dir", type=Path, metavar="DIR", help="result root (default demo/result/lo2)")
    flags.add_argument("--models-dir", type=Path, metavar="DIR", help="model root (default models)")
    flags.add_argument("--metrics-dir", type=Path, metavar="DIR", help="metrics (default metrics/ in the result root)")
    flags.add_argument("--variant", metavar="NAME", help="demo/result/NAME and models/NAME")
    given = flags.parse_args()
    root = home(given.output_dir, given.models_dir, metrics_dir=given.metrics_dir, variant=given.variant)
    findings = scan_artefacts(root, strict=given.strict)
    for finding in findings:
        need = "required" if finding.required else "optional"
        print(f"{finding.state:8} {need:8} {finding.bytes:>12,}  {finding.path}  {finding.note}".rstrip())
    wrong = scan_problems(findings)
    print(
        f"{len(findings)} artefacts, {len(wrong)} need attention" + "".join(f"\n  {f.path}: {f.state}" for f in wrong)
    )
    if not given.dry_run:
        write_text(root.path("scan_summary"), summary(findings))
        print(f"written to {root.path('scan_summary')}")
    return 3 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
