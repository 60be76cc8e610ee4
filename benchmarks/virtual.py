"""One 30 MB shard presented as 2,000 runs by hard links under different names: does memory grow with the runs?

``python benchmarks/virtual.py [RUNS] [--small]`` (small: 2 MB a shard, as many files). Equal content must not be recognised as equal: the last two runs are
copies that differ from the rest in one line, and both must come out right. Prints PSS of all processes when a tenth of
the runs and when all of them are done.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import polars as pl
from measure import measure

from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

FIRST = 1_700_000_000
PLANTED = b"23:59:59.999 [XNIO-1 task-1]   ERROR com.example.Planted plant - planted in this run alone\n"


def main(runs: int = 2_000, *, scale: float = 1.0) -> int:
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        root, result = Path(folder) / "logs", Path(folder) / "result"
        made = simulate(Path(folder) / "made", SimulateOptions(runs=1, errors_per_run=8, scale=scale, seed=1))
        shard = next(path for path in (Path(folder) / "made").iterdir() if path.is_dir())
        print(
            f"shard: {made.size_bytes / 1e6:.1f} MB, shown as {runs} runs: {runs * made.size_bytes / 1e9:.1f} GB",
            flush=True,
        )
        for i in range(runs):
            present(shard, root / f"light-oauth2-data-{FIRST + 10_000 * i}", own=i >= runs - 2, planted=i == runs - 1)
        command = [
            sys.executable,
            "-m",
            "lo2",
            "load",
            "--root",
            str(root),
            "--output-dir",
            str(result),
            "--models-dir",
            folder,
            "--quiet",
        ]
        command += ["--jobs", "2"]
        found = measure(command, interval=0.5)
        if found.returncode:
            return 1
        busy = [mb for _, mb in found.samples[len(found.samples) // 50 : -4]]
        tenth, last = max(busy[len(busy) // 20 : len(busy) // 10 + 2]), max(busy[-len(busy) // 10 :])
        rate = runs * made.size_bytes / found.seconds / 1e6
        print(f"{found.seconds:.0f} s, {rate:.0f} MB/s, {found.cpu_seconds:.0f} CPU s")
        print(f"PSS about run {runs // 10}: {tenth:.0f} MB, about run {runs}: {last:.0f} MB ({last / tenth - 1:+.1%})")
        print(f"peak, merging included: {found.peak_mb:.0f} MB ({found.peak_mb / tenth - 1:+.1%})")
        return check(result / "lo2_sequences_enhanced.parquet", runs)


def present(shard: Path, run: Path, *, own: bool, planted: bool) -> None:
    """The shard under another name: hard links, or files of its own, with one line more."""
    for log in sorted(shard.glob("*/*.log")):
        target = run / log.parent.name / log.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if own:
            shutil.copyfile(log, target)
        else:
            target.hardlink_to(log)
    if planted:
        with min(run.glob("correct/*token*")).open("ab") as handle:
            handle.write(PLANTED)


def check(path: Path, runs: int) -> int:
    """Whether every run has its rows and the planted line is where it was planted, and nowhere else."""
    frame = pl.scan_parquet(path)
    per_run = frame.group_by("run").agg(pl.len(), pl.col("n_error").sum()).sort("run").collect()
    errors = per_run["n_error"].to_list()
    good = per_run.height == runs and per_run["len"].n_unique() == 1
    good &= len(set(errors[:-1])) == 1 and errors[-1] == errors[-2] + 1
    print(f"{per_run.height} runs of {per_run['len'][0]} sequences; planted line found where it is: {good}")
    return 0 if good else 1


if __name__ == "__main__":
    arguments = [a for a in sys.argv[1:] if a != "--small"]
    sys.exit(main(*map(int, arguments), scale=0.05 if "--small" in sys.argv else 1.0))
