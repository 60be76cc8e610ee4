"""A small data state, written file by file as the contract says, without the phases that usually make it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from lo2 import schema
from lo2.artefacts import provenance
from lo2.artefacts.files import write_csv, write_json, write_parquet, write_text
from lo2.artefacts.layout import Home
from lo2.document import document_values
from lo2.evaluation.card import detection_card
from lo2.evaluation.document import document_panels, evaluation_document
from lo2.evaluation.headline import headline
from lo2.evaluation.options import ScoreOptions
from lo2.evaluation.shortcuts import service_shortcut_panels, shortcut_panel
from lo2.evaluation.signals import detectable_rows
from lo2.explain.contrast import Difference
from lo2.explain.document import DetectorExplanations, Explained, ExplanationDocument, Line, Neighbour

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)> \u202egnp.exe\x07"
CASES = ("correct", "get_token_404", "authorization_code_invalid_password_401", "too_short_400")
SERVICES = ("client", "token")
QUICK = ScoreOptions(report_precision_at=(5,), report_fp_alpha=(0.25,), resamples=100)


def sequences(runs: int, *, leak: bool = False, seed: int = 0) -> pl.DataFrame:
    """Scalar columns of ``runs`` runs; with ``leak`` the length is the label, as in v1."""
    rng = np.random.default_rng(seed)
    rows = []
    for run in range(runs):
        start = datetime(2025, 2, 1) + timedelta(hours=run)
        for case in CASES:
            for service in SERVICES:
                length = int(rng.integers(90, 110)) // (6 if leak and case != "correct" else 1)
                name = f"LO2_run_{1738368000 + 3600 * run}"
                rows.append(
                    {
                        "seq_id": f"{name}__{case}__{service}", "run": name, "test_case": case, "service": service,
                        "normal": case == "correct", "anomaly": case != "correct", "start_time": start,
                        "end_time": start + timedelta(seconds=length), "duration_sec": float(length), "seq_len": length,
                        "continuation_lines": 0, "startup_lines": 0, "replaced_bytes": 0, "n_error": 1, "n_warn": 0,
                        "n_exceptions": 0,
                    }
                )  # fmt: skip
    frame = pl.DataFrame(rows)
    return frame.cast({n: c.dtype for n, c in schema.SEQUENCES.items() if n in frame.columns}).sort("seq_id")


def predictions(frame: pl.DataFrame, model: str, *, strength: float, seed: int = 1) -> pl.DataFrame:
    """Predictions whose anomalies, but for the traceless case, score ``strength`` higher."""
    rng = np.random.default_rng(seed)
    runs = frame["run"].unique().sort().to_list()
    sides = {
        run: "train" if i < len(runs) / 2 else "holdout" if i < len(runs) * 3 / 4 else "test"
        for i, run in enumerate(runs)
    }
    split = [
        "unused" if row["anomaly"] and sides[row["run"]] != "test" else sides[row["run"]]
        for row in frame.iter_rows(named=True)
    ]
    detectable = (frame["anomaly"] & (frame["test_case"] != "too_short_400")).to_numpy()
    score = pl.Series(rng.normal(size=frame.height) + strength * detectable)
    threshold = 1.6
    table = frame.select(*schema.IDENTITY, pl.Series("split", split), "anomaly").with_columns(
        score.alias(f"score_{model}"),
        score.rank("min", descending=True).cast(pl.UInt32).alias(f"rank_{model}"),
        (score >= threshold).cast(pl.UInt8).alias("pred_ano"),
        (score >= threshold).alias(f"pred_{model}_threshold"),
        pl.when(pl.Series(split) == "train").then(None).otherwise(1 / (1 + score.exp())).alias(f"p_value_{model}"),
        pl.lit(0.01).alias("oov_share"),
        pl.when(pl.Series(split) == "train").then(None).otherwise(score >= threshold).alias(f"flagged_{model}"),
    )
    return table.select(list(schema.predictions_table(model)))


def write_state(home: Home, runs: int = 12, *, leak: bool = False, explained: int = 6, strength: float = 3.0) -> None:
    """Everything a report reads, for two detectors: ``if`` without and ``knn_words`` with a signal."""
    frame = sequences(runs, leak=leak)
    found = {
        "knn_words": predictions(frame, "knn_words", strength=strength, seed=2),
        "if": predictions(frame, "if", strength=0.2),
    }
    write_parquet(home.path("sequences"), frame)
    traces = (
        frame.filter("anomaly")
        .select("test_case", "service")
        .unique()
        .with_columns(
            signal_in_data=pl.col("test_case") != "too_short_400", p_adjusted=pl.lit(0.01), token_auc=pl.lit(0.9)
        )
    )
    for model, table in found.items():
        write_parquet(home.path("predictions", model=model), table)
    touched = {model: detectable_rows(table, traces) for model, table in found.items()}
    panel, detectable = (shortcut_panel(frame, rows, options=QUICK) for rows in (found, touched))
    panels = document_panels(panel, detectable, service_shortcut_panels(frame, touched, options=QUICK), detectors=found)
    document = evaluation_document(
        found,
        metrics={model: headline(table, model=model, options=QUICK) for model, table in found.items()},
        run_metrics={},
        panels=panels,
        cards={
            model: detection_card(table, model=model, signals=traces, options=QUICK) for model, table in found.items()
        },
        signals=traces,
        thresholds=dict.fromkeys(found, 1.6),
        runs={},
        warnings=["drift of scores is beyond 0.25"],
    )
    write_json(home.path("evaluation"), document_values(document))
    why = tuple(explanations(model, table, explained) for model, table in found.items())
    write_json(home.path("explanation"), document_values(ExplanationDocument(1, why, ())))
    write_json(home.path("findings"), findings())
    write_csv(home.path("shortcuts_csv"), panel)
    _write_facts(home, frame)


def findings() -> dict[str, Any]:
    """Forty lines that no training run explains."""
    one = {
        "kind": "new",
        "reason": "never in 12 training runs",
        "text": HOSTILE,
        "template_text": HOSTILE,
        "time": None,
    }
    one |= {"template": "0a", "service": "token"}
    lines = [one | {"file": "run/case/token.log", "line": n, "end_line": n} for n in range(1, 41)]
    return {"findings": lines, "target": {"path": "night", "lines": 900}, "runs": [], "why": None}


def explanations(model: str, table: pl.DataFrame, explained: int) -> DetectorExplanations:
    """Explanations of all flagged rows, and of the first ``explained`` ones."""
    ranked = table.sort(f"rank_{model}", "seq_id").with_row_index("place")
    chosen = ranked.filter(pl.col(f"flagged_{model}") | (pl.col("place") < explained))["seq_id"].to_list()
    normal = table.filter(~pl.col("anomaly"))["seq_id"][0]
    differences = (Difference("up | ERR", 0.5, 0.0), Difference(HOSTILE, 0.1, 0.01), Difference("gone", 0.0, 0.25))
    common = Line("INFO up and running", 0.5, 3, "", "run/case/token.log", 7, 0)
    new = Line(f"=ERROR {HOSTILE}", 0.75, 9, "2025-02-01 00:00:01", "run/case/token.log", 42, 2)
    tokens = (("ERR12014", 0.5), ("at", 0.4), (HOSTILE, -0.25), ("-", 0.1))
    near = Neighbour(normal, 0.9, "", "17: a | normal: b", differences)
    one = Explained((new, common), tokens, near)
    return DetectorExplanations(model, "score", (("ERR12014", 0.5), (HOSTILE, 0.25)), dict.fromkeys(chosen, one))


def _write_facts(home: Home, frame: pl.DataFrame) -> None:
    quality = {
        "runs": 12, "files": frame.height + 1, "sequences": frame.height, "bytes": 1_234_567,
        "lines": 9_876, "left_out": {"locust.log": 3},
        "bad_files": [["a/b/token.log", "EOFError: cut"]], "replaced_bytes": {"a/c/token.log": 7},
        "truncated_bytes": {}, "empty_files": [],
        "unknown_headers": {"files": 1, "first": {"file": "a/c/key.log", "line": HOSTILE}}, "undated_runs": 0,
    }  # fmt: skip
    write_json(home.path("quality"), quality)
    card = {
        "format": 1,
        "training_rows": 12,
        "holdout_rows": 6,
        "threshold": 1.6,
        "feature_set": "words",
        "source": "detect",
    }
    write_text(home.path("card"), yaml.safe_dump(card))
    written = [home.path("sequences"), home.path("quality"), home.path("predictions")]
    provenance.record_provenance(
        home, phase="load", options={"profile": "lo2"}, seed=0, input_fingerprint="f" * 64, written=written
    )


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A complete small data state; tests only read it."""
    return build(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def make_home() -> Callable[..., Home]:
    """Function from a folder (and the parameters of ``write_state``) to a data state of the test's own."""
    return build


def build(folder: Path, **kinds: Any) -> Home:
    """Data state below ``folder``."""
    home = Home(folder / "lo2", folder / "models")
    write_state(home, **kinds)
    return home
