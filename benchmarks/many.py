"""Detect and explain on many sequences: ``python benchmarks/many.py RESULT [SEQUENCES] [--models A,B] [--distinct]``.

RESULT is a result root of ``lo2 load``, best of a few runs at full rate. Its runs are repeated under other names, a
month apart, up to SEQUENCES (657,000: all of v1); of trigrams and events, which these models do not read, a few stay,
for the disk's sake. ``--distinct`` counts words a little differently in each, so that no two have the same bag. Prints seconds and the peak PSS of ``lo2 detect`` and of ``lo2 explain``.
"""

import argparse
import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import polars as pl
from measure import measure

SHORTENED = ("e_trigrams", "e_trigrams_count", "e_event_sequence")


def repeated(table: pl.LazyFrame, i: int) -> pl.LazyFrame:
    run, later = pl.format(f"{i:05d}-{{}}", "run"), timedelta(days=30 * i)
    return table.with_columns(
        run=run,
        seq_id=run + "__" + pl.col("test_case") + "__" + pl.col("service"),
        start_time=pl.col("start_time") + later,
        end_time=pl.col("end_time") + later,
    )


def made_distinct(table: pl.LazyFrame) -> pl.LazyFrame:
    """The first words of each row counted once more where its number has a bit set."""
    number, counts, n = pl.int_range(pl.len()), pl.col("e_words_count"), 20
    bits = pl.concat_list([(number // 2**k % 2).cast(pl.UInt32) for k in range(n)])
    more = pl.concat_list([counts.list.head(n) + bits, counts.list.slice(n)])
    return table.with_columns(pl.when(pl.col("e_words_len") < n).then(counts).otherwise(more).alias("e_words_count"))


def build(result: Path, root: Path, sequences: int, *, distinct: bool = False) -> int:
    """Write the table; how many rows it has."""
    root.mkdir()
    shutil.copy(result / "lo2_templates.parquet", root)
    table = pl.read_parquet(result / "lo2_sequences_enhanced.parquet").sort("seq_id")
    table = table.with_columns(pl.col(SHORTENED).list.head(8))
    times = max(1, round(sequences / table.height))
    every = pl.concat([repeated(table.lazy(), i) for i in range(times)])
    every = made_distinct(every) if distinct else every
    every.sink_parquet(root / "lo2_sequences_enhanced.parquet", row_group_size=1_024)
    return times * table.height


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path)
    parser.add_argument("sequences", type=int, nargs="?", default=657_000)
    parser.add_argument("--models", default="knn_words,lr_words")
    parser.add_argument("--distinct", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "result"
        print(f"{build(options.result, root, options.sequences, distinct=options.distinct)} sequences", flush=True)
        places = ["--output-dir", str(root), "--models-dir", folder, "--accept-changed", "--quiet"]
        for name, more in (("detect", ["--models", options.models, "--save-model"]), ("explain", [])):
            found = measure([sys.executable, "-m", "lo2", name, *places, *more], interval=0.2)
            told = f"{found.seconds:.1f} s\t{found.cpu_seconds:.1f} CPU s\tpeak {found.peak_mb:.0f} MB"
            print(f"{name}\t{told}\texit {found.returncode}", flush=True)
            if found.returncode:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
