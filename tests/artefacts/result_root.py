"""A small result root made by hand: real Parquets, a real forest, every required artefact recorded."""

import struct
import zlib

import polars as pl

from lo2.artefacts import files, provenance
from lo2.artefacts.bundle import save_bundle
from lo2.artefacts.layout import Home

CARD = {
    "generated_at": "2025-11-03T00:00:00Z",
    "lo2_version": "0",
    "git_commit": None,
    "git_commit_why": "a test",
    "versions": provenance.versions(),
    "data_fingerprint": "f" * 64,
    "feature_set": "words",
    "item_list_col": "e_words",
    "if_params": {"n_estimators": 5},
    "training_rows": 40,
    "holdout_rows": 10,
    "threshold": 0.5,
    "threshold_percentile": 95.0,
    "thresholds_by_service": {},
    "score": "-score_samples",
    "inputs": [],
    "outputs": [],
    "self_test": [],
    "metrics": {},
}
ROWS = [["path", "=", "code"], ["path", "validate("], ["rare", "path"], ["path", "=", "code", "normalised"]] * 10


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """One grey pixel, with further chunks."""
    pixel = [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), *chunks, (b"IDAT", zlib.compress(b"\0\0"))]
    parts = [
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in [*pixel, (b"IEND", b"")]
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def load_phase(home: Home, words: tuple[str, ...] = ("path", "=", "code")) -> None:
    """What ``lo2 load`` leaves behind."""
    names = ["seq_id", "run", "test_case", "service"]
    frame = pl.DataFrame([("r__correct__token", "r", "correct", "token")], schema=names, orient="row")
    files.write_parquet(home.path("sequences"), frame.with_columns(e_words=pl.lit(pl.Series([list(words)]))))
    files.write_parquet(home.path("templates"), pl.DataFrame({"template_id": ["00000001"], "text": ["path = <*>"]}))
    files.write_json(home.path("quality"), {"files": 1})
    made = [home.path(name) for name in ("sequences", "templates", "quality")]
    provenance.record(home, phase="load", options={"runs": 1}, seed=0, input_fingerprint="f" * 64, written=made)


def detect_phase(home: Home, forest) -> None:
    """What ``lo2 detect --save-model`` leaves behind."""
    files.write_parquet(home.path("predictions"), pl.DataFrame({"seq_id": ["r__correct__token"], "score_if": [0.4]}))
    files.write_json(
        home.path("metrics_json"), {"metrics": {"auc": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 9, "why": None}}}
    )
    for name in ("metrics_csv", "shortcuts_csv", "detection_card", "signals"):
        files.write_text(home.path(name), "metric,value\nauc,0.9\n")
    files.write_json(home.path("shortcuts_json"), {"panel": []})
    written = [
        home.path(name) for name in ("predictions", "metrics_json", "metrics_csv", "shortcuts_csv", "detection_card")
    ]
    written += [home.path("shortcuts_json"), home.path("signals")]
    written += save_bundle(home.path("bundle"), forest, CARD)
    source = {path: [home.path("sequences")] for path in written}
    provenance.record(
        home, phase="detect", options={}, seed=0, input_fingerprint="f" * 64, written=written, made_from=source
    )


def explain_phase(home: Home, text: str = "rank\ttoken\n") -> None:
    """What ``lo2 explain`` leaves behind."""
    names = ("false_positives", "top_tokens", "nn_mapping", "line_attribution")
    for name in names:
        files.write_text(home.path(name), text)
    for name in ("shap_summary", "shap_bar"):
        files.write_bytes(home.path(name), png())
    written = [home.path(name) for name in (*names, "shap_summary", "shap_bar")]
    source = {path: [home.path("predictions"), home.path("sequences")] for path in written}
    provenance.record(
        home, phase="explain", options={}, seed=0, input_fingerprint="f" * 64, written=written, made_from=source
    )
