"""Scores a sequence Parquet with a bundle of lo2 through upstream LogLead; lo2 is not installed where this runs.

python score_with_loglead.py BUNDLE SEQUENCES OUT
"""

import sys
from pathlib import Path

import joblib
import polars as pl
from loglead import AnomalyDetector

bundle, sequences, out = map(Path, sys.argv[1:])
table = pl.read_parquet(sequences).sort("seq_id")
model, vectorizer = joblib.load(bundle)
sad = AnomalyDetector(print_scores=False)
sad.item_list_col = "e_words"
sad.filter_anos = True
sad.train_df, sad.test_df = table.head(0), table
sad.prepare_train_test_data(vectorizer_class=vectorizer)
sad.model = model
predictions = sad.predict()
assert predictions["seq_id"].to_list() == table["seq_id"].to_list()
scores = -sad.model.score_samples(sad.X_test)
flagged = predictions["pred_ano"].cast(pl.Boolean)
predictions.select("seq_id").with_columns(score_if=pl.Series(scores), flagged=flagged).write_parquet(out)
