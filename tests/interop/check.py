"""Does a bundle give the same numbers without lo2? In environments of their own, with only what a stranger has.

    python tests/interop/check.py [colleague] [loglead] --work FOLDER

Trains on a small simulated tree and loads another. ``colleague`` gets the ZIP of ``lo2 pack`` and has scikit-learn,
joblib, Polars and PyYAML; ``loglead`` has upstream LogLead and gets the bundle. Both score the other tree; every row
must have the score of ``lo2 score`` to 1e-9 and its flag. Environments are kept in FOLDER and reused.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl

from lo2.cli.main import run as lo2

HERE = Path(__file__).parent
FILES = {
    "colleague": ("colleague.txt", "score_as_colleague.py", "shared.zip"),
    "loglead": ("requirements.txt", "score_with_loglead.py", "models/lo2_if.joblib"),
}
SMALL = ["--scale", "0.02", "--service-types", "token,client", "--errors-per-run", "4"]


def call(*arguments: str) -> None:
    if lo2(list(arguments)):
        raise SystemExit(f"failed: lo2 {' '.join(arguments)}")


def prepare() -> pl.DataFrame:
    """A bundle, its ZIP, new sequences, and what lo2 says of them."""
    for name in ("demo", "models", "new", "logs", "fresh"):
        shutil.rmtree(name, ignore_errors=True)
    call("simulate", "logs", "--runs", "8", "--seed", "1", *SMALL)
    call("simulate", "fresh", "--runs", "3", "--seed", "2", *SMALL)
    call("run", "--root", "logs")
    call("pack", "--out", "shared.zip", "--overwrite")
    call("load", "--root", "fresh", "--output-dir", "new")
    call("score", "--sequences", "new/lo2_sequences_enhanced.parquet", "--output-dir", "new")
    return pl.read_parquet(next(Path("new/scored").rglob("*.parquet"))).sort("seq_id")


def environment(name: str) -> Path:
    """Python of the environment, made with uv where that is there, else with venv and pip."""
    folder = Path("environments", name).absolute()
    python, requirements = folder / "bin" / "python", HERE / FILES[name][0]
    if not python.exists():
        uv = shutil.which("uv")
        install = [uv, "pip", "install", "-q", "--python", str(python)] if uv else [str(python), "-m", "pip", "install"]
        make = [uv, "venv", "-q", "-p", sys.executable] if uv else [sys.executable, "-m", "venv"]
        subprocess.run([*make, str(folder)], check=True)
        subprocess.run([*install, "-r", str(requirements)], check=True)
    return python


def check(name: str, expected: pl.DataFrame) -> None:
    """Score elsewhere and compare row by row."""
    _, script, given = FILES[name]
    place = Path("elsewhere", name).absolute()
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    paths = [Path(given).absolute(), Path("new/lo2_sequences_enhanced.parquet").absolute(), place / "scores.parquet"]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [str(environment(name)), str(HERE / script), *map(str, paths)]
    subprocess.run(command, cwd=place, env=clean, check=True)
    found = pl.read_parquet(paths[-1]).join(expected, on="seq_id", suffix="_lo2", validate="1:1")
    worst = (found["score_if"] - found["score_if_lo2"]).abs().max()
    other = found.filter(pl.col("flagged") != pl.col("pred_if_threshold")).height
    sys.stdout.write(
        f"{name}: {found.height} of {expected.height} rows, scores differ by at most {worst}, {other} other flags\n"
    )
    if found.height != expected.height or not worst <= 1e-9 or other:
        raise SystemExit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", default=list(FILES), metavar="NAME", help=", ".join(FILES))
    parser.add_argument("--work", type=Path, required=True, help="folder for environments and results")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    os.chdir(args.work)
    expected = prepare()
    for name in args.names:
        check(name, expected)


if __name__ == "__main__":
    main()
