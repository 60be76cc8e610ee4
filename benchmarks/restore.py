"""Is every file that is deleted, or edited by one byte, found and made again with the same sha256?

    python benchmarks/restore.py --work /var/tmp/restore

Runs real phases on a small simulated tree in several ways (all tables, several models, models per service, a budget;
a loaded model on a given split; a stranger's sequences; scored logs and tables), then damages every file of the result
and model roots one after the other, on another day. Each must be named by ``lo2 scan --strict`` and come back with
``lo2 restore``. Prints a line per way; takes some minutes.
"""

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

import polars as pl

from lo2.artefacts.files import sha256
from lo2.artefacts.layout import Home
from lo2.artefacts.lock import lock
from lo2.artefacts.restore import restore_artefacts
from lo2.artefacts.scan import scan_artefacts, scan_problems
from lo2.cli.main import run as lo2
from lo2.errors import Lo2Error
from lo2.pipeline.phases import recreate_phase

DAY = 1_762_128_000
CASES = "get_token_404,register_client_404_no_user,update_password_401_wrong_password"
SMALL = ["--dataset", "v2", "--scale", "0.01", "--test-cases", CASES]
WAYS = {
    "run": (
        "run --root logs --models knn_words --per-service --alert-budget 400 --save-base-sequences --save-events",
        "detect --if-contamination 0.2 --if-item e_trigrams --save-enhancers --cross-fit 3",
        "detect --models knn_words --per-service --save-enhancers --save-model --overwrite-model",
        "explain --models knn_words",
        "report",
        "score --root fresh --profile tree",
        "score --sequences other.parquet --model models/knn_words.joblib",
    ),
    "given": (
        "load --root logs",
        "detect --load-model bundle/lo2_if.joblib --split-file split.json",
        "explain --load-model bundle/lo2_if.joblib",
        "report --report-rows 20",
    ),
    "stranger": ("detect --sequences other.parquet --save-model --skip-if --models knn_words",),
}


def call(arguments: list[str]) -> None:
    if lo2(arguments):
        raise SystemExit(f"failed: lo2 {' '.join(arguments)}")


def prepare() -> None:
    """Trees, a bundle, a split and a table of other sequences."""
    call(["simulate", "logs", "--runs", "12", "--seed", "3", *SMALL])
    call(["simulate", "fresh", "--runs", "2", "--seed", "4", *SMALL])
    elsewhere = ["--output-dir", "elsewhere", "--models-dir", "bundle"]
    call(["load", "--root", "logs", *elsewhere])
    call(["detect", "--save-model", "--save-split", "split.json", *elsewhere])
    table = pl.read_parquet("elsewhere/lo2_sequences_enhanced.parquet")
    table.filter(pl.col("service") != "oauth2-key").drop("e_event_sequence").write_parquet("other.parquet")


def damaged(home: Home, only: str) -> tuple[int, list[str]]:
    """Number of files that were deleted and edited, and what went wrong."""
    paths = [
        f.path
        for f in scan_artefacts(home, strict=True)
        if f.state == "present" and f.name not in ("run_log", "scan_summary")
    ]
    paths, wrong = [path for path in paths if only in path], []
    never = scan_problems(scan_artefacts(home))
    for path in paths:
        target = home.locate_artefact(path)
        before, digest = target.read_bytes(), sha256(target)
        for kind in ("deleted", "edited"):
            if kind == "deleted":
                target.unlink()
            else:
                place = len(before) // 2
                other = bytes([before[place] ^ 1]) if before else b"x"
                target.write_bytes(before[:place] + other + before[place + 1 :])
            found = [f.path for f in scan_problems(scan_artefacts(home, strict=True))]
            if path not in found and not (found and path.endswith("/SHA256SUMS")):  # or as the file whose hash it lists
                wrong.append(f"{path} {kind}: not found ({found})")
            started = time.perf_counter()
            try:
                with lock(home):
                    restore_artefacts(home, [], recreate=recreate_phase)
            except (
                OSError,
                ValueError,
                KeyError,
                TypeError,
                Lo2Error,
            ) as error:  # the proof goes on and lists them all
                wrong.append(f"{path} {kind}: {type(error).__name__} {error}")
            else:
                if not target.is_file() or sha256(target) != digest:
                    wrong.append(f"{path} {kind}: other bytes after restoring")
            print(f"{path} {kind} {time.perf_counter() - started:.1f} s, {len(wrong)} wrong {wrong[-1:]}", flush=True)
            target.write_bytes(before)
    if scan_problems(scan_artefacts(home, strict=True)) != never:
        wrong.append("problems are left")
    return len(paths), wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, help="folder for trees and results (default: a temporary one)")
    parser.add_argument("--only", default="", help="files whose path holds this text")
    parser.add_argument("--ways", default=",".join(WAYS), help="which of the ways")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lo2-restore-", dir=args.work))
    failed = []
    try:
        os.chdir(folder)
        os.environ["SOURCE_DATE_EPOCH"] = str(DAY)
        prepare()
        for way in args.ways.split(","):
            home = Home(Path("demo/result") / way, Path("models") / way)
            where = ["--output-dir", str(home.result), "--models-dir", str(home.models)]
            os.environ["SOURCE_DATE_EPOCH"] = str(DAY)
            for line in WAYS[way]:
                arguments = line.split()
                call([str(home.models / Path(a).name) if a.startswith("models/") else a for a in arguments] + where)
            os.environ["SOURCE_DATE_EPOCH"] = str(DAY + 3 * 86_400)
            count, wrong = damaged(home, args.only)
            print(f"{way}: {count} files deleted and edited one by one, {len(wrong)} went wrong")
            failed += wrong
    finally:
        shutil.rmtree(folder)
    print(*failed, sep="\n")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
