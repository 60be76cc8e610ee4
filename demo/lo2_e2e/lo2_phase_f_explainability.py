"""Phase F: neighbours, tokens, lines, plots, mistakes. The guide's name for ``lo2 explain``."""

from pathlib import Path

from flags import listed, lo2, parser

from lo2.artefacts.layout import home
from lo2.explain.options import SOURCES


def main() -> None:
    """Translate the guide's flags and explain."""
    flags = parser("Explain what the detectors flagged and what they got wrong.", "explain")
    flags.add_argument("--root", type=Path, metavar="DIR", help="result root, or the raw logs to quote lines from")
    flags.add_argument("--output-dir", type=Path, metavar="DIR", help="result root (default demo/result/lo2)")
    flags.add_argument("--models", nargs="+", default=[], metavar="MODEL", help="by blanks or commas")
    flags.add_argument("--nn-source", metavar="NAME", help=f"a model to explain, or {' or '.join(SOURCES)}")
    flags.add_argument("--if-contamination", metavar="SHARE", help="accepted; the threshold is the one detect saved")
    known, others = flags.parse_known_args()
    raw, result = known.root, known.output_dir
    if raw and not result and home(raw).path("sequences").is_file():
        raw, result = None, raw
    arguments: list[object] = []
    if known.nn_source in SOURCES:
        arguments += ["--nn-source", known.nn_source]
    elif known.nn_source and known.nn_source != "if":
        known.models.append(known.nn_source)
    for flag, value in (("--root", raw), ("--output-dir", result), ("--models", listed(known.models))):
        arguments += [flag, value] if value else []
    lo2("explain", *arguments, *others)


if __name__ == "__main__":
    main()
