"""Unpacks a ZIP of ``lo2 pack`` and scores a sequence Parquet: zipfile, scikit-learn, joblib, polars, pyyaml; no lo2.

python score_as_colleague.py ARCHIVE SEQUENCES OUT
"""

import hashlib
import importlib.util
import sys
import zipfile
from pathlib import Path

import joblib
import polars as pl
import yaml

archive, sequences, out = map(Path, sys.argv[1:])
assert importlib.util.find_spec("lo2") is None, "this must run where lo2 is not installed"
folder = out.parent / "unpacked"
with zipfile.ZipFile(archive) as packed:
    packed.extractall(folder)
for line in (folder / "SHA256SUMS").read_text().splitlines():
    digest, name = line.split("  ", 1)
    assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name

model, vectorizer = joblib.load(folder / "models/lo2_if.joblib")
card = yaml.safe_load((folder / "models/model.yml").read_text())
table = pl.read_parquet(sequences).sort("seq_id")
scores = -model.score_samples(vectorizer.transform(table["e_words"].to_list()))
found = table.select("seq_id").with_columns(score_if=pl.Series(scores), flagged=pl.Series(scores >= card["threshold"]))
found.write_parquet(out)
