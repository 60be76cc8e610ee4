"""lo2 against ``wc -l`` and ``pl.scan_lines`` over growing sizes: ``python benchmarks/scale.py ROOT [RUNS ...]``.

ROOT is a tree of ``lo2 simulate ROOT --runs N --dataset v1`` (full rate, about 190 MB a run). Every size is timed
three times in turn, medians count, whole processes from start to exit; memory is sampled in a run of its own. Writes ``scale.csv`` and a log-log plot next to
the tree, and prints the exponent of a straight line through the logarithms.
"""

import csv
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import Measured, measure

REPEATS = 3
SCAN_LINES = (
    "import sys, polars as pl; files = open(sys.argv[1]).read().split(chr(10));"
    "print(sum(pl.scan_lines(f).select(pl.len()).collect(engine='streaming').item() for f in files))"
)


def commands(root: Path, runs: int, folder: Path) -> tuple[dict[str, list[str]], int]:
    chosen = sorted(path for path in root.iterdir() if path.is_dir())[:runs]
    logs = [log for run in chosen for log in sorted(run.glob("*/*.log")) if not log.name.startswith("locust")]
    listed = folder / f"{runs}.txt"
    listed.write_text("\n".join(map(str, logs)))
    load = [sys.executable, "-m", "lo2", "load", "--root", str(root), "--runs", str(runs), "--quiet", "--jobs", "2"]
    return {
        "wc -l": ["sh", "-c", f"tr '\\n' '\\0' < {listed} | xargs -0 wc -l"],
        "pl.scan_lines": [sys.executable, "-c", SCAN_LINES, str(listed)],
        "lo2 load": [*load, "--output-dir", str(folder / "result"), "--models-dir", str(folder)],
    }, sum(log.stat().st_size for log in logs)


def repeat(name: str, command: list[str], folder: Path) -> list[Measured]:
    """Times without sampling, then one run for its memory."""
    found = []
    for interval in (*[0.0] * REPEATS, 0.05):
        if name == "lo2 load":
            measure(["rm", "-rf", str(folder / "result")])
        found.append(measure(command, interval=interval))
        if found[-1].returncode:
            raise SystemExit(f"{name} failed")
    return found


def main(root: Path, sizes: list[int]) -> None:
    rows = []
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        for runs in sizes:
            chosen, size = commands(root, runs, folder)
            for name, command in chosen.items():
                *found, sampled = repeat(name, command, folder)
                seconds = statistics.median(one.seconds for one in found)
                cpu = statistics.median(one.cpu_seconds for one in found)
                rows.append({"what": name, "mb": round(size / 1e6, 1), "seconds": round(seconds, 3)}
                    | {"mb_per_second": round(size / 1e6 / seconds, 1), "cpu_seconds": round(cpu, 3), "peak_mb": round(sampled.peak_mb, 1)})  # fmt: skip
                print(*rows[-1].values(), sep="\t", flush=True)
    target = root.parent / "scale.csv"
    with target.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    own = [row for row in rows if row["what"] == "lo2 load"]
    if len(own) > 1:
        for column in ("seconds", "cpu_seconds"):
            print(f"exponent of {column}: {exponent(own, column):.3f}")
        plot(rows, target.with_suffix(".png"))


def exponent(rows: list[dict[str, object]], column: str) -> float:
    """Slope of the logarithms; the constant start of the program makes it smaller than the slope of the work."""
    x, y = (np.log([float(str(row[name])) for row in rows]) for name in ("mb", column))
    return float(np.polyfit(x, y, 1)[0])


def plot(rows: list[dict[str, object]], target: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="MB of logs", ylabel="seconds, whole process", xscale="log", yscale="log")
    for name in dict.fromkeys(str(row["what"]) for row in rows):
        own = [row for row in rows if row["what"] == name]
        label = f"{name} (exponent {exponent(own, 'seconds'):.2f})"
        axes.plot([row["mb"] for row in own], [row["seconds"] for row in own], marker="o", label=label)
    axes.legend()
    FigureCanvasAgg(figure).print_png(str(target))


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), [int(n) for n in sys.argv[2:]] or [1, 3, 6, 16])
