"""Phases C to E: features, Isolation Forest, registry models. The guide's name for ``lo2 detect``."""

import shutil
from pathlib import Path

import polars as pl
from flags import listed, lo2, parser

from lo2.artefacts.layout import home

BUNDLE = "lo2_if.joblib"
PHASES = {"full": "the forest and --models", "if": "the forest alone", "enhancers": "the forest and the feature cache"}


def main() -> None:
    """Translate the guide's flags and detect."""
    flags = parser("Train, threshold, score and evaluate on the loaded sequences.", "detect")
    flags.add_argument(
        "--phase", choices=PHASES, default="full", help="; ".join(f"{k}: {v}" for k, v in PHASES.items())
    )
    flags.add_argument("--models", nargs="+", default=[], metavar="MODEL", help="see --list-models")
    flags.add_argument("--if-numeric", nargs="+", default=[], metavar="COLUMN", help="by blanks or commas")
    flags.add_argument("--output-dir", type=Path, metavar="DIR", help="result root (default demo/result/lo2)")
    flags.add_argument("--models-dir", type=Path, metavar="DIR", help="model root (default models)")
    flags.add_argument("--variant", metavar="NAME", help="demo/result/NAME and models/NAME")
    flags.add_argument("--save-if", type=Path, metavar="FILE", help="copy the predictions there (.parquet, .csv)")
    flags.add_argument("--save-model", type=bundle_folder, metavar="PATH", help=f"a folder, or its {BUNDLE}")
    flags.add_argument("--save-enhancers", action="store_true", help="write enhanced/lo2_sequences_enhanced.parquet")
    flags.add_argument("--dump-metadata", action="store_true", help="accepted; model.yml always comes with a bundle")
    known, others = flags.parse_known_args()
    if known.save_model and known.models_dir and known.save_model != known.models_dir:
        flags.error(f"--save-model names {known.save_model}, --models-dir {known.models_dir}: give one of them")
    root = home(known.output_dir, known.save_model or known.models_dir, variant=known.variant)
    arguments: list[object] = ["--output-dir", root.result, "--models-dir", root.models]
    arguments += ["--models", listed(known.models)] if known.models and known.phase != "if" else []
    arguments += ["--if-numeric", listed(known.if_numeric)] if known.if_numeric else []
    arguments += ["--save-enhancers"] if known.save_enhancers or known.phase == "enhancers" else []
    arguments += ["--save-model"] if known.save_model else []
    lo2("detect", *arguments, *others)
    if known.save_if and known.save_if.absolute() != root.path("predictions").absolute():
        copy_table(root.path("predictions"), known.save_if)


def bundle_folder(text: str) -> Path:
    """Folder of the bundle; its name is fixed, so that scan, pack and every reader find it."""
    path = Path(text)
    if path.name == BUNDLE:
        return path.parent
    if path.suffix:
        raise ValueError(f"{path.name} is neither a folder nor {BUNDLE}")
    return path


def copy_table(source: Path, target: Path) -> None:
    """Copy a Parquet table, as CSV where the name says so."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".csv":
        pl.read_parquet(source).write_csv(target)
    else:
        shutil.copyfile(source, target)


if __name__ == "__main__":
    main()
