"""Memory of detect and explain on many sequences: ``python benchmarks/many.py RESULT [TIMES]``.

RESULT is a result root of ``lo2 load``. Its sequences are repeated TIMES (20) under other run names, a month apart;
prints seconds and the peak PSS of ``lo2 detect --models knn_words,lr_words`` and of ``lo2 explain``.
"""

import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import polars as pl
from measure import measure


def repeated(table: pl.LazyFrame, i: int) -> pl.LazyFrame:
    run, later = pl.col("run") + f"-{i:04d}", timedelta(days=30 * i)
    return table.with_columns(
        run=run,
        seq_id=run + "__" + pl.col("test_case") + "__" + pl.col("service"),
        start_time=pl.col("start_time") + later,
        end_time=pl.col("end_time") + later,
    )


def main(result: Path, times: int = 20) -> int:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "result"
        root.mkdir()
        shutil.copy(result / "lo2_templates.parquet", root)
        table = pl.scan_parquet(result / "lo2_sequences_enhanced.parquet")
        every = pl.concat([repeated(table, i) for i in range(times)]).sort("seq_id")
        every.sink_parquet(root / "lo2_sequences_enhanced.parquet", row_group_size=1_024)
        places = ["--output-dir", str(root), "--models-dir", folder, "--accept-changed", "--quiet"]
        for name, more in (("detect", ["--models", "knn_words,lr_words", "--save-model"]), ("explain", [])):
            found = measure([sys.executable, "-m", "lo2", name, *places, *more], interval=0.2)
            print(f"{name}\t{found.seconds:.1f} s\tpeak {found.peak_mb:.0f} MB\texit {found.returncode}", flush=True)
            if found.returncode:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:])))
