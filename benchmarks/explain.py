"""Time and memory of attributions: 60,000 word columns, 1,000 sequences, forest with 200 trees, linear, neighbours.

    python benchmarks/explain.py --columns 60000 --rows 1000

Every model is trained and explained in a process of its own; the peak is that of the whole process. Sequences are
random: 2,000 known rows of 2,000 draws each among words with Zipf frequencies.
"""

import argparse
import multiprocessing
import resource
import time

import numpy as np
import polars as pl

from lo2.explain.attributions import attributions
from lo2.explain.neighbours import neighbours
from lo2.models.training import train

MODELS = ("if_binary_words", "if", "lr_words", "lsvm_words", "knn_words", "rarity_words", "kmeans_words", "rf_words")


def table(rows: int, columns: int, *, seed: int, anomalies: float) -> pl.DataFrame:
    """Random sequences, a run each."""
    generator = np.random.default_rng(seed)
    weight = 1 / np.arange(1, columns + 1) ** 0.7
    weight /= weight.sum()
    names = np.array([f"w{i}" for i in range(columns)])
    words, counts = [], []
    for _ in range(rows):
        own = np.unique(generator.choice(columns, size=2000, p=weight))
        words.append(names[own].tolist())
        counts.append(generator.integers(1, 20, own.size).tolist())
    anomaly = generator.random(rows) < anomalies
    runs = [f"run{seed}_{i // 4:05}" for i in range(rows)]
    return pl.DataFrame(
        {
            "seq_id": [f"{run}__case{i % 4}__token" for i, run in enumerate(runs)], "run": runs, "service": ["token"] * rows,
            "anomaly": anomaly, "e_words": words, "e_words_count": counts,
        },
        schema_overrides={"e_words_count": pl.List(pl.UInt32)},
    )  # fmt: skip


def measure(name: str, columns: int, rows: int, answers: "multiprocessing.Queue") -> None:
    """Train ``name``, explain ``rows`` sequences, and report seconds and the peak."""
    known = table(2000, columns, seed=1, anomalies=0.3)
    normal = ~known["anomaly"]
    side = pl.Series("split", np.where(np.arange(2000) < 1600, "train", "holdout"))
    split = pl.select(pl.when(normal).then(side).otherwise(pl.lit("unused"))).to_series()
    fitted = train(name, known, split, seed=0)
    rest = table(rows, columns, seed=2, anomalies=0.3)
    reference = known.filter(split == "train")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, used = time.perf_counter(), time.process_time()
    found = attributions(fitted, rest, reference=reference)
    seconds, used = time.perf_counter() - started, time.process_time() - used
    started = time.perf_counter()
    if name == "knn_words":
        neighbours(rest, reference)
    nearest = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answers.put(
        (len(fitted.vectorizer.vocabulary_), found.frame.height, seconds, used, nearest, before / 1e3, peak / 1e3)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=int, default=60_000)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--models", default=",".join(MODELS))
    args = parser.parse_args()
    print(f"{args.rows} sequences, {args.columns} words")
    print("| model | columns | contributions | seconds | CPU seconds | peak before, MB | peak, MB |")
    print("|---|---|---|---|---|---|---|")
    context = multiprocessing.get_context("spawn")
    for name in args.models.split(","):
        answers = context.Queue()
        process = context.Process(target=measure, args=(name, args.columns, args.rows, answers))
        process.start()
        process.join()
        columns, cells, seconds, used, nearest, before, peak = answers.get(timeout=1)
        print(
            f"| {name} | {columns:,} | {cells:,} | {seconds:.1f} | {used:.1f} | {before:,.0f} | {peak:,.0f} |",
            flush=True,
        )
        if name == "knn_words":
            print(f"| nearest normals | {columns:,} | | {nearest:.1f} | | | |", flush=True)


if __name__ == "__main__":
    main()
