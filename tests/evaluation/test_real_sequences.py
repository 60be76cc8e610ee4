"""Real tables of sequences, where they are at hand next to the repository; the benchmark has the figures."""

from pathlib import Path

import polars as pl
import pytest

from lo2.evaluation.merging import merged_score
from lo2.metrics.ranking import auc
from lo2.pipeline.fitting import fit_models
from lo2.pipeline.options import DetectOptions
from lo2.pipeline.sequences import read_sequences

FOLDER = Path(__file__).parents[2].parent / "shared/own-logs/sequences"


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the real tables are not here")
@pytest.mark.parametrize(("name", "least"), [("bgl_hours", 0.995), ("hdfs_events", 0.999)])
def test_the_recommended_detector_finds_what_is_odd_in_real_logs(name, least):
    found = fit_models(("knn_words",), read_sequences(FOLDER / f"{name}.parquet"), DetectOptions())
    frame = found.predictions["knn_words"]
    rows = frame.with_columns(merged=merged_score(frame, model="knn_words"))
    rows = rows.filter((pl.col("split") == "test") | pl.col("anomaly"))
    assert auc(rows["merged"], rows["anomaly"]) >= least
    assert rows.filter("anomaly")["flagged_knn_words"].mean() > 0.95
