"""50,000 sequences x 60,000 words: time and memory of training and scoring, one detector per process.

python benchmarks/wide.py --models if,knn_words,oov_words,rarity_words,kmeans_words,ocsvm_words,lof_words,ngram_events
"""

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
import polars as pl

from lo2.models.split import split_runs
from lo2.models.training import predict, train


def sequences(rows: int, words: int, per_row: int) -> pl.DataFrame:
    """Random sequences: every word equally likely, counts from 1 to 3, a run per 50 rows, one in five anomalous."""
    rng = np.random.default_rng(0)
    flat = pl.DataFrame({"row": np.repeat(np.arange(rows), per_row), "word": rng.integers(0, words, rows * per_row)})
    names = pl.Series([f"word{i:06d}" for i in range(words)])
    flat = flat.unique(maintain_order=True)
    flat = flat.with_columns(names.gather(flat["word"]).alias("e_words"), pl.col("word").cast(pl.UInt32))
    frame = flat.group_by("row", maintain_order=True).agg(
        "e_words", pl.col("word").clip(1, 3).alias("e_words_count"), pl.col("word").alias("e_event_sequence")
    )
    return frame.with_columns(
        pl.format("r{}", pl.col("row").cast(pl.String).str.zfill(6)).alias("seq_id"),
        pl.format("run{}", pl.col("row") // 50).alias("run"),
        pl.lit("s").alias("service"),
        pl.Series("anomaly", rng.random(rows) < 0.2),
    )


def measure(name: str, args: argparse.Namespace) -> None:
    frame = sequences(args.rows, args.words, args.per_row)
    sides = split_runs(frame)
    start = time.perf_counter()
    fitted = train(name, frame, sides)
    trained = time.perf_counter()
    predict(fitted, frame, sides)
    scored = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{name:<16} train {trained - start:6.1f} s   score {scored - trained:6.1f} s   peak {peak:.2f} GB", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", default="if,knn_words,oov_words,rarity_words,kmeans_words,ocsvm_words,lof_words")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--words", type=int, default=60_000)
    parser.add_argument("--per-row", type=int, default=100)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        measure(args.one, args)
        return
    sizes = ["--rows", str(args.rows), "--words", str(args.words), "--per-row", str(args.per_row)]
    for name in args.models.split(","):
        subprocess.run([sys.executable, __file__, "--one", name, *sizes], check=True)


if __name__ == "__main__":
    main()
