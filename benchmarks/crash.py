"""Does ``lo2 run``, killed at any moment, leave only whole artefacts, and does the next run complete?

    python benchmarks/crash.py --kills 50 --work /var/tmp/crash

Runs once to the end for reference. Then kills (SIGKILL) runs at random moments, every fourth on an empty result root,
the others where the last one left it. After every kill each file under a final name must be a whole file of its kind, and no
other than the reference's; the next run must complete with the reference's SHA256SUMS.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
import yaml

from lo2.artefacts.bundle import load_bundle
from lo2.artefacts.files import sha256
from lo2.models.bundles import EXTRA_ALLOWED
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

RECORDS = ("provenance.json", "SHA256SUMS", "run.log.json")


def command(root: Path, place: Path) -> list[str]:
    where = ["--output-dir", str(place / "result"), "--models-dir", str(place / "models")]
    return [sys.executable, "-m", "lo2", "run", "--root", str(root), "--models", "knn_words", "--jobs", "2", *where]


def files(place: Path) -> dict[str, Path]:
    """Files under final names: no hidden ones, nothing below hidden folders."""
    found = {path.relative_to(place).as_posix(): path for path in sorted(place.rglob("*")) if path.is_file()}
    return {name: path for name, path in found.items() if not any(part.startswith(".") for part in Path(name).parts)}


def whole(place: Path) -> dict[str, str]:
    """Hashes of what a run that was not killed leaves, without the log of times."""
    return {name: sha256(path) for name, path in files(place).items() if path.name != "run.log.json"}


def fault(path: Path) -> str:
    """Why a file is not whole, or nothing."""
    try:
        if path.suffix == ".parquet":
            pl.read_parquet(path)
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".yml":
            yaml.safe_load(path.read_text())
        elif path.suffix == ".csv":
            pl.read_csv(path)
        elif path.suffix == ".joblib":
            load_bundle(path, extra_allowed=EXTRA_ALLOWED)
        elif path.suffix == ".png" and not path.read_bytes().endswith(b"IEND\xaeB`\x82"):
            return "cut off"
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def damage(place: Path, reference: dict[str, str]) -> list[str]:
    """Files that are not whole, or not those of the reference."""
    wrong = []
    for name, path in files(place).items():
        why = fault(path)
        if not why and Path(name).name not in RECORDS and sha256(path) != reference.get(name):
            why = "other bytes than without a kill"
        if why:
            wrong.append(f"{name}: {why}")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--complete", type=int, default=1, help="let every N-th killed run be followed by a whole one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help="folder for trees and results (default: a temporary one)")
    args = parser.parse_args()
    os.environ["SOURCE_DATE_EPOCH"] = "1762128000"
    folder = Path(tempfile.mkdtemp(prefix="lo2-crash-", dir=args.work))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    failed: list[str] = []
    try:
        root, place = folder / "logs", folder / "place"
        simulate(root, SimulateOptions(runs=6, errors_per_run=2, service_types=("token", "code"), scale=0.01, seed=1))
        started = time.perf_counter()
        subprocess.run(command(root, place), check=True, **quiet)
        seconds = time.perf_counter() - started
        reference = whole(place)
        chance = random.Random(args.seed)
        for kill in range(args.kills):
            if kill % 4 == 0:
                shutil.rmtree(place, ignore_errors=True)
            moment = chance.uniform(0.1 * seconds, seconds)
            with subprocess.Popen(command(root, place), **quiet) as run:
                try:
                    run.wait(moment)
                except subprocess.TimeoutExpired:
                    run.kill()
            wrong, left = damage(place, reference), len(files(place))
            if kill % args.complete == args.complete - 1:
                again = subprocess.run(command(root, place), capture_output=True, text=True)
                if again.returncode:
                    wrong.append(f"the next run ended with {again.returncode}: {again.stderr[-300:]}")
                elif whole(place) != reference:
                    wrong.append("the next run gave other files")
            print(f"{kill + 1}: killed after {moment:.1f} s, {left} files, {'; '.join(wrong) or 'fine'}", flush=True)
            failed += wrong
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # workers of a killed run may still be ending
    print(f"{args.kills} kills, {len(failed)} went wrong")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
