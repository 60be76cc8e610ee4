"""Phase F: neighbours, tokens, lines, plots, mistakes. The guide's name for ``lo2 explain``."""

from pathlib import Path

from flags import lo2, parser

from lo2.artefacts.layout import home


def main() -> None:
    """Translate the guide's flags and explain."""
    flags = parser("Explain what the detectors flagged.", "explain")
    flags.add_argument("--root", type=Path, metavar="DIR", help="result root, or the raw logs to quote lines from")
    flags.add_argument("--output-dir", type=Path, metavar="DIR", help="result root (default demo/result/lo2)")
    flags.add_argument("--if-contamination", metavar="SHARE", help="accepted; the threshold is the one detect saved")
    known, others = flags.parse_known_args()
    arguments: list[object] = []
    if known.root and not known.output_dir and home(known.root).path("sequences").is_file():
        known.root, known.output_dir = None, known.root
    for flag, value in (("--root", known.root), ("--output-dir", known.output_dir)):
        arguments += [flag, value] if value else []
    lo2("explain", *arguments, *others)


if __name__ == "__main__":
    main()
