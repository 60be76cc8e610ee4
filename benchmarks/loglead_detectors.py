"""Scores of LogLead's own detectors, where lo2 is not installed: ``loglead_detectors.py TRAIN TEST OUT``.

TRAIN and TEST are sequence Parquets with ``e_words`` repeated as often as they occur, ``e_words_len`` and ``anomaly``; OUT
gets ``seq_id`` and a column per detector, higher is more anomalous.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from loglead import AnomalyDetector

train, test, out = map(Path, sys.argv[1:])
detector = AnomalyDetector(item_list_col="e_words", print_scores=False, auc_roc=True)
detector.train_df, detector.test_df = pl.read_parquet(train), pl.read_parquet(test)
detector.prepare_train_test_data()
found = detector.test_df.select("seq_id")
for name in ("IsolationForest", "KMeans", "LOF", "OOVDetector", "RarityModel"):
    np.random.seed(0)
    getattr(detector, f"train_{name}")(filter_anos=True)
    scores = detector.predict()["pred_ano_proba"]
    found = found.with_columns(scores.cast(pl.Float64).alias(f"LogLead {name}"))
found.write_parquet(out)
