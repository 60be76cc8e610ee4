"""A small result root made by hand: real Parquets, a real forest, every required artefact recorded."""

import struct
import zlib
from pathlib import Path

import polars as pl

from lo2.artefacts import files, provenance
from lo2.artefacts.bundle import save_bundle
from lo2.artefacts.layout import ARTEFACTS, Home

CARD = {
    "generated_at": "2025-11-03T00:00:00Z",
    "lo2_version": "0",
    "git_commit": None,
    "git_commit_why": "a test",
    "versions": provenance.library_versions(),
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


def fill(home: Home, phase: str, text: str = "metric,value\nauc,0.9\n") -> list[Path]:
    """Write what the table requires of a phase and is not there yet; all required paths of the phase."""
    rows = [row for row in ARTEFACTS.values() if row.required and row.phase == phase]
    for path in [home.path(row.name) for row in rows]:
        if not path.exists():
            if path.suffix == ".parquet":
                files.write_parquet(path, pl.DataFrame({"text": ["path = <*>"]}))
            elif path.suffix == ".json":
                files.write_json(path, {})
            else:
                files.write_bytes(path, png() if path.suffix == ".png" else text.encode())
    return [home.path(row.name) for row in rows]


def load_phase(home: Home, words: tuple[str, ...] = ("path", "=", "code")) -> None:
    """What ``lo2 load`` leaves behind."""
    names = ["seq_id", "run", "test_case", "service"]
    frame = pl.DataFrame([("r__correct__token", "r", "correct", "token")], schema=names, orient="row")
    files.write_parquet(home.path("sequences"), frame.with_columns(e_words=pl.lit(pl.Series([list(words)]))))
    record(home, "load", fill(home, "load"))


def detect_phase(home: Home, forest) -> None:
    """What ``lo2 detect --save-model`` leaves behind."""
    files.write_parquet(home.path("predictions"), pl.DataFrame({"seq_id": ["r__correct__token"], "score_if": [0.4]}))
    auc = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 9, "why": None}
    files.write_json(home.path("metrics_json"), {"metrics": {"auc": auc}})
    save_bundle(home.path("bundle"), forest, CARD)
    record(home, "detect", fill(home, "detect"), home.path("sequences"))


def explain_phase(home: Home, text: str = "rank\ttoken\n") -> None:
    """What ``lo2 explain`` leaves behind; the top tokens hold ``text``."""
    files.write_text(home.path("top_tokens"), text)
    record(home, "explain", fill(home, "explain"), home.path("predictions"), home.path("sequences"))


def record(home: Home, phase: str, written: list[Path], *sources: Path) -> None:
    """Record ``written`` as made from all ``sources``."""
    made_from = dict.fromkeys(written, sources)
    options = {"phase": phase}
    provenance.record_provenance(
        home, phase=phase, options=options, seed=0, input_fingerprint="f" * 64, written=written, made_from=made_from
    )
