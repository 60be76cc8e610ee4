"""The guide, sentence by sentence: each test quotes one as its docstring and holds the product to it."""

import datetime as dt
import json
import re
import shutil
import subprocess
import zipfile
from hashlib import sha256
from pathlib import Path

import joblib
import polars as pl
import pytest
import yaml
from sklearn.ensemble import IsolationForest
from sklearn.feature_extraction.text import CountVectorizer

from lo2.artefacts.layout import ARTEFACTS
from lo2.artefacts.naming import RunName

REPOSITORY = Path(__file__).parents[1]
LOADER = "demo/lo2_e2e/run_lo2_loader.py"
SAMPLES = "demo/lo2_e2e/LO2_samples.py"
EXPLAIN = "demo/lo2_e2e/lo2_phase_f_explainability.py"
SCAN = "tools/lo2_result_scan.py"
RESULT = Path("demo/result/lo2")
SEQUENCES = RESULT / "lo2_sequences_enhanced.parquet"
PREDICTIONS = RESULT / "lo2_if_predictions.parquet"
BUNDLE, CARD = Path("models/lo2_if.joblib"), Path("models/model.yml")
BASIC = re.compile(r"Basic ([A-Za-z0-9+/]{20,}={0,2})")


def hashes(folder: Path) -> dict[str, str]:
    """Hash of every file below ``folder``, by its relative name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def edit(path: Path) -> None:
    """Change the first row of a sequence Parquet, as a hand would."""
    frame = pl.read_parquet(path)
    frame.with_columns(pl.when(pl.int_range(pl.len()) == 0).then(1).otherwise("seq_len").alias("seq_len")).cast(
        {"seq_len": pl.UInt32}
    ).write_parquet(path)


def text_of(path: Path) -> str:
    """Everything a reader could find in an artefact: a table's cells, a bundle's strings, else its bytes."""
    if path.suffix == ".parquet":
        return json.dumps(pl.read_parquet(path).to_dicts(), default=str, ensure_ascii=False)
    if path.suffix == ".joblib":
        model, vectorizer = joblib.load(path)[:2]
        return f"{vars(model)} {vars(vectorizer)}"
    return path.read_bytes().decode("utf-8", "replace")


# --- what the guide is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["guide.de.md", "guide.md"])
def test_guide_of_the_product_covers_every_artefact(page):
    """Dieser Leitfaden erklärt, welche Dateien die LO2-Pipeline erzeugt, wann sie benötigt werden und wie sie gepflegt
    werden sollten.
    """
    text = (REPOSITORY / "docs" / page).read_text()
    assert [row.pattern for row in ARTEFACTS.values() if f"`{row.pattern}`" not in text] == []


# --- Standardausgabe (`demo/result/lo2/`) ---------------------------------------------------------------------------


def test_sequences_are_always_written_and_base_sequences_on_request(finished_workspace, tmp_path, script):
    """`lo2_sequences_enhanced.parquet` (immer), optional `lo2_sequences.parquet` via `--save-base-sequences`:
    Loader-Grundlage für alle weiteren Phasen.
    """
    script(LOADER, "--root", finished_workspace / "logs", cwd=tmp_path)
    assert (tmp_path / SEQUENCES).is_file()
    assert not (tmp_path / RESULT / "lo2_sequences.parquet").exists()
    base = pl.read_parquet(finished_workspace / RESULT / "lo2_sequences.parquet")
    assert base["seq_id"].to_list() == pl.read_parquet(tmp_path / SEQUENCES)["seq_id"].to_list()
    assert base["m_message"].str.len_chars().min() > 0
    script(SAMPLES, cwd=tmp_path)
    (tmp_path / SEQUENCES).unlink()
    missing = script(SAMPLES, cwd=tmp_path, expect=4)
    assert SEQUENCES.name in missing.stderr


@pytest.mark.parametrize("phase", [SAMPLES, EXPLAIN])
def test_edited_sequences_are_refused(workspace, script, phase):
    """Niemals manuell verändern."""
    edit(workspace / SEQUENCES)
    refused = script(phase, cwd=workspace, expect=3)
    assert SEQUENCES.name in refused.stderr
    assert "--accept-changed" in refused.stderr


def test_accepted_changes_are_recorded(workspace, script, lo2):
    """Niemals manuell verändern."""
    edit(workspace / SEQUENCES)
    script(SAMPLES, "--accept-changed", cwd=workspace)
    script(SAMPLES, cwd=workspace)


def test_events_are_written_on_request_only(finished_workspace, tmp_path, script):
    """(Event-Parquet nur bei Bedarf via `--save-events`.)"""
    script(LOADER, "--root", finished_workspace / "logs", "--save-parquet", cwd=tmp_path)
    assert not (tmp_path / RESULT / "lo2_events.parquet").exists()
    events = pl.read_parquet(finished_workspace / RESULT / "lo2_events.parquet")
    first = events.row(0, named=True)
    raw = (finished_workspace / "logs" / first["file"]).read_text().splitlines()[first["line"] - 1]
    assert first["m_message"].splitlines()[0] in raw


def test_predictions_hold_score_rank_and_flag(finished_workspace):
    """`lo2_if_predictions.parquet`: Enthält Score, Rang und Threshold-Markierung (`pred_if_threshold`)."""
    predictions = pl.read_parquet(finished_workspace / PREDICTIONS)
    assert predictions["seq_id"].to_list() == pl.read_parquet(finished_workspace / SEQUENCES)["seq_id"].to_list()
    assert predictions.filter(pl.col("rank_if") == 1)["score_if"][0] == predictions["score_if"].max()
    threshold = yaml.safe_load((finished_workspace / CARD).read_text())["threshold"]
    assert predictions["pred_if_threshold"].to_list() == (predictions["score_if"] >= threshold).to_list()
    assert predictions["pred_if_threshold"].any()


def test_metrics_are_written_where_asked(workspace, script):
    """`metrics/*.json|csv`: Kennzahlen zu Precision@k, FP-Rate@α, PSI – Pfad via `--metrics-dir` steuerbar."""
    flags = ("--report-precision-at", 5, "--report-fp-alpha", 0.1, "--report-psi", "--metrics-dir", "figures")
    script(SAMPLES, *flags, cwd=workspace)
    metrics = json.loads((workspace / "figures" / "if_metrics.json").read_text())["metrics"]
    wanted = {"precision_at_5", "fp_rate_at_0.1", "psi_train_vs_holdout"}
    assert wanted <= set(metrics)
    assert wanted <= set(pl.read_csv(workspace / "figures" / "if_metrics.csv")["metric"])
    assert 0 <= metrics["precision_at_5"]["value"] <= 1


def test_explanations_are_written(finished_workspace):
    """`explainability/`: NN-Mapping (`if_nn_mapping.csv`), False-Positive-Liste, SHAP-Plots (`*.png`), Token-Rankings
    (`*_top_tokens.txt`).
    """
    folder = finished_workspace / RESULT / "explainability"
    mapping = pl.read_csv(folder / "if_nn_mapping.csv")
    labels = dict(pl.read_parquet(finished_workspace / PREDICTIONS).select("seq_id", "anomaly").iter_rows())
    assert mapping.height > 0
    assert not any(labels[normal] for normal in mapping["normal_seq_id"])
    assert (folder / "if_false_positives.txt").is_file()
    assert {path.name for path in folder.glob("*.png")} >= {"if_shap_summary.png", "if_shap_bar.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in folder.glob("*.png"))
    ranking = [line.split("\t") for line in (folder / "if_top_tokens.txt").read_text().splitlines()]
    assert [int(rank) for rank, _, _ in ranking] == list(range(1, len(ranking) + 1))
    assert len(ranking) > 3


# --- Modelle & Metadaten (`models/`) --------------------------------------------------------------------------------


def test_bundle_is_a_tuple_of_forest_and_vectorizer(finished_workspace):
    """`lo2_if.joblib`: Tuple aus IsolationForest und CountVectorizer."""
    bundle = joblib.load(finished_workspace / BUNDLE)
    assert isinstance(bundle, tuple)
    assert [type(part) for part in bundle] == [IsolationForest, CountVectorizer]


def test_card_is_a_snapshot_of_the_training(finished_workspace):
    """`model.yml`: Snapshot (Parameter, Trainingsgrößen, Threshold, Git-Commit)."""
    card = yaml.safe_load((finished_workspace / CARD).read_text())
    forest, _ = joblib.load(finished_workspace / BUNDLE)
    assert card["if_params"]["n_estimators"] == forest.n_estimators
    split = pl.read_parquet(finished_workspace / PREDICTIONS)["split"]
    assert (card["training_rows"], card["holdout_rows"]) == ((split == "train").sum(), (split == "holdout").sum())
    assert -forest.offset_ <= card["threshold"]
    assert card["git_commit"] or card["git_commit_why"]


def test_card_serves_phase_f_and_other_programs(workspace, script):
    """Wird von Phase F und externen Anwendungen genutzt."""
    card = yaml.safe_load((workspace / CARD).read_text())
    model, vectorizer = joblib.load(workspace / BUNDLE)
    sequences = pl.read_parquet(workspace / SEQUENCES)
    scores = -model.score_samples(vectorizer.transform(sequences["e_words"].to_list()))
    flagged = pl.read_parquet(workspace / PREDICTIONS)["pred_if_threshold"]
    assert (scores >= card["threshold"]).tolist() == flagged.to_list()
    (workspace / CARD).write_text(yaml.safe_dump({**card, "bundle_sha256": "0" * 64}))
    assert "sha256" in script(EXPLAIN, "--load-model", BUNDLE, cwd=workspace, expect=6).stderr


def test_registry_models_have_their_own_dumps(finished_workspace):
    """Weitere Registry-Modelle können optional eigene Dumps erhalten; Pfad bei Bedarf ergänzen."""
    assert (finished_workspace / "models/knn_words.joblib").is_file()
    card = yaml.safe_load((finished_workspace / "models/knn_words.yml").read_text())
    dump = (finished_workspace / "models/knn_words.joblib").read_bytes()
    assert card["bundle_sha256"] == sha256(dump).hexdigest()


# --- Enhanced-Parquets ----------------------------------------------------------------------------------------------

CACHE = RESULT / "enhanced" / "lo2_sequences_enhanced.parquet"


def test_enhancers_are_saved_on_request(workspace, script):
    """Wenn `LO2_samples.py` mit `--save-enhancers` läuft, entsteht:

    - `enhanced/lo2_sequences_enhanced.parquet`
    """
    assert not (workspace / CACHE).exists()
    script(SAMPLES, "--save-enhancers", cwd=workspace)
    assert (workspace / CACHE).is_file()


def test_cache_holds_every_feature_ready_to_read(workspace, script, python):
    """**Nutzen:** Beschleunigt Notebook-Analysen, weil Feature-Spalten nicht erneut berechnet werden müssen."""
    script(SAMPLES, "--save-enhancers", cwd=workspace)
    features = {"seq_id", "e_words", "e_words_count", "e_trigrams", "seq_len", "e_if_novel", "split"}
    assert features <= set(pl.read_parquet_schema(workspace / CACHE))
    notebook = json.loads((REPOSITORY / "demo/lo2_e2e/enhanced_cache.ipynb").read_text())
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    done = python("-c", "\n".join(code), cwd=workspace)
    assert re.fullmatch(r"cache [\d.]+ s, from the logs [\d.]+ s: \d+ times as long\n", done.stdout)


def test_no_phase_reads_the_cache(workspace, script):
    """**Einschränkungen:** Die Skripte berechnen Features bei Bedarf neu; nutze den Cache nur für explorative Arbeiten."""
    script(SAMPLES, "--save-enhancers", cwd=workspace)
    before = hashes(workspace / RESULT)
    (workspace / CACHE).write_bytes(b"broken")
    script(SAMPLES, cwd=workspace)
    after = hashes(workspace / RESULT)
    tables = [name for name in before if name.startswith(("lo2_", "metrics/if", "explainability/"))]
    assert tables
    assert [name for name in tables if before[name] != after.get(name)] == []


# --- Dateibenennung & Speicherorte ----------------------------------------------------------------------------------


def test_a_result_root_belongs_to_one_data_state(workspace, script):
    """Alles unterhalb von `demo/result/lo2/` bezieht sich auf einen konkreten Datensatzstand."""
    before = hashes(workspace / RESULT)
    refused = script(LOADER, "--root", "fresh", cwd=workspace, expect=1)
    assert "--variant" in refused.stderr
    assert hashes(workspace / RESULT) == before


def test_variants_live_side_by_side(workspace, script, lo2):
    """Für Varianten eigene Unterordner anlegen (z. B. `demo/result/lo2_drain/`)."""
    before = hashes(workspace / RESULT)
    script(LOADER, "--root", "fresh", "--variant", "lo2_drain", cwd=workspace)
    script(
        SAMPLES,
        "--variant",
        "lo2_drain",
        "--if-item",
        "e_event_drain_id",
        "--save-model",
        "models/lo2_drain",
        cwd=workspace,
    )
    assert (workspace / "demo/result/lo2_drain/lo2_if_predictions.parquet").is_file()
    assert (workspace / "models/lo2_drain/lo2_if.joblib").is_file()
    assert hashes(workspace / RESULT) == before


def test_models_are_not_overwritten_by_accident(workspace, script):
    """Modelle gehören unter `models/`; Vorsicht bei `--overwrite-model`, um versehentliches Überschreiben zu vermeiden."""
    before = hashes(workspace / "models")
    other = ("--save-model", BUNDLE, "--if-n-estimators", 20)
    refused = script(SAMPLES, *other, cwd=workspace, expect=1)
    assert "--overwrite-model" in refused.stderr
    assert hashes(workspace / "models") == before
    script(SAMPLES, *other, "--overwrite-model", cwd=workspace)
    assert joblib.load(workspace / BUNDLE)[0].n_estimators == 20


def test_sizes_of_explanations_are_shown(finished_workspace, lo2):
    """Explainability-Ausgaben können groß werden (SHAP-PNGs)."""
    findings = json.loads(lo2("scan", "--json", "--all", cwd=finished_workspace, expect=0).stdout)
    sizes = {finding["path"]: finding["bytes"] for finding in findings}
    for name in ("if_shap_bar.png", "if_shap_summary.png"):
        file = finished_workspace / RESULT / "explainability" / name
        assert sizes[f"explainability/{name}"] == file.stat().st_size > 0


def test_old_artefacts_can_be_archived(workspace, lo2):
    """Bei Serienläufen alte Artefakte bereinigen oder separat archivieren."""
    kept = hashes(workspace / RESULT / "explainability")
    lo2("clean", "--older-than-days", 0, "--archive", "old.zip", "--apply", cwd=workspace)
    with zipfile.ZipFile(workspace / "old.zip") as archive:
        archived = {Path(name).name: sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    assert archived["if_shap_bar.png"] == kept["if_shap_bar.png"]
    assert not (workspace / RESULT / "explainability" / "if_shap_bar.png").exists()


# --- Wiederverwendung -----------------------------------------------------------------------------------------------

SNIPPET = """\
import joblib
from loglead import AnomalyDetector

model, vectorizer = joblib.load("models/lo2_if.joblib")
sad = AnomalyDetector()
sad.item_list_col = "e_words"
sad.filter_anos = True
sad.prepare_train_test_data(vectorizer_class=vectorizer)
sad.model = model
predictions = sad.predict()
"""


def test_reuse_lines_run_as_they_stand(finished_workspace, tmp_path, python):
    """import joblib
    from loglead import AnomalyDetector

    model, vectorizer = joblib.load("models/lo2_if.joblib")
    sad = AnomalyDetector()
    sad.item_list_col = "e_words"
    sad.filter_anos = True
    sad.prepare_train_test_data(vectorizer_class=vectorizer)
    sad.model = model
    predictions = sad.predict()
    """
    target = tmp_path / "predictions.parquet"
    code = f"{SNIPPET}\npredictions.write_parquet({str(target)!r})"
    python("-c", code, cwd=finished_workspace)
    expected = pl.read_parquet(finished_workspace / PREDICTIONS)
    found = pl.read_parquet(target)
    assert found["seq_id"].to_list() == expected["seq_id"].to_list()
    assert found["pred_ano"].cast(pl.Int64).to_list() == expected["pred_ano"].cast(pl.Int64).to_list()


def test_threshold_of_the_card_applies_to_scored_data(workspace, lo2):
    """Hold-out-Threshold aus `model.yml` entnehmen und im Score-Dataset anwenden."""
    lo2("score", "--root", "fresh", "--model", BUNDLE, cwd=workspace)
    scored = pl.read_parquet(next((workspace / RESULT / "scored").rglob("lo2_if_predictions.parquet")))
    threshold = yaml.safe_load((workspace / CARD).read_text())["threshold"]
    assert (scored["score_if"] >= threshold).to_list() == scored["pred_if_threshold"].to_list()
    assert scored.height > 0


def test_new_logs_are_loaded_and_scored_without_training(workspace, script):
    """Bei neuen Logs zuerst den Loader erneut ausführen; Modell kann anschließend direkt auf den neuen Events scoren."""
    script(LOADER, "--root", "fresh", "--output-dir", "scored_here", cwd=workspace)
    script(SAMPLES, "--output-dir", "scored_here", "--load-model", BUNDLE, cwd=workspace)
    model, vectorizer = joblib.load(workspace / BUNDLE)
    fresh = pl.read_parquet(workspace / "scored_here/lo2_sequences_enhanced.parquet")
    expected = -model.score_samples(vectorizer.transform(fresh["e_words"].to_list()))
    found = pl.read_parquet(workspace / "scored_here/lo2_if_predictions.parquet")["score_if"]
    assert found.to_list() == pytest.approx(expected.tolist(), abs=1e-9)


# --- Qualitätssicherung ---------------------------------------------------------------------------------------------


def test_result_scan_lists_expected_artefacts_and_reports_missing_ones(workspace, script):
    """`python tools/lo2_result_scan.py --dry-run` listet erwartete Artefakte und meldet fehlende Dateien."""
    complete = script(SCAN, "--dry-run", cwd=workspace)
    for name in ("lo2_sequences_enhanced.parquet", "if_metrics.json", "if_nn_mapping.csv", "model.yml"):
        assert name in complete.stdout
    assert not (workspace / RESULT / "lo2_result_scan.md").exists()
    (workspace / RESULT / "explainability/if_top_tokens.txt").unlink()
    incomplete = script(SCAN, "--dry-run", cwd=workspace, expect=3)
    assert re.search(r"missing.*if_top_tokens\.txt", incomplete.stdout)


def test_metrics_are_kept_per_run_and_compared(workspace, script, lo2):
    """Metriken regelmäßig versionieren (z. B. `metrics/run_2025-11-03/`), um Vergleiche zwischen Konfigurationen zu
    erhalten.
    """
    script(SAMPLES, "--if-contamination", 0.2, cwd=workspace)
    metrics = workspace / RESULT / "metrics"
    assert {"run_2025-11-03_words_0.05", "run_2025-11-03_words_0.20"} <= {path.name for path in metrics.glob("run_*")}
    shutil.copytree(metrics / "run_2025-11-03_words_0.20", metrics / "run_2025-11-03")
    ledger = lo2("ledger", cwd=workspace).stdout
    assert "2025-11-03_words_0.05" in ledger
    assert re.search(r"\b2025-11-03\s", ledger)
    difference = lo2("compare", "2025-11-03_words_0.05", "2025-11-03_words_0.20", cwd=workspace).stdout
    assert "contamination" in difference


@pytest.mark.parametrize("backend", ["Agg", "TkAgg"])
def test_plots_need_no_display(workspace, python, backend):
    """Für SHAP-Läufe `MPLBACKEND=Agg` setzen, damit Plots auch ohne Display entstehen."""
    folder = workspace / RESULT / "explainability"
    before = {name: digest for name, digest in hashes(folder).items() if name.endswith(".png")}
    shutil.rmtree(folder)
    python(REPOSITORY / EXPLAIN, cwd=workspace, MPLBACKEND=backend, DISPLAY="")
    assert {name: digest for name, digest in hashes(folder).items() if name.endswith(".png")} == before


# --- Dateiaustausch -------------------------------------------------------------------------------------------------


def test_raw_data_stays_out_of_repository_and_exchange(workspace, lo2):
    """Rohdaten nie mit Projektrepository teilen – stattdessen Parquet-Exports bereitstellen."""
    ignored = [
        "demo/logs/run/correct/token.log",
        "token.log.gz",
        "demo/result/lo2/x.csv",
        "models/lo2_if.joblib",
        "a.parquet",
    ]
    check = subprocess.run(["git", "check-ignore", *ignored], cwd=REPOSITORY, capture_output=True, text=True)
    assert check.stdout.split() == ignored
    lo2("pack", "--include-parquet", "--out", "shared.zip", cwd=workspace)
    with zipfile.ZipFile(workspace / "shared.zip") as archive:
        names = archive.namelist()
    assert any(name.endswith("lo2_sequences_enhanced.parquet") for name in names)
    assert [name for name in names if name.endswith((".log", ".gz")) or "events" in name] == []


def test_models_and_explanations_travel_as_zip(workspace, lo2):
    """Modelle/Explainability als ZIP austauschen (`models/`, `metrics/`, `explainability/`)."""
    lo2("pack", "--out", "shared.zip", cwd=workspace)
    with zipfile.ZipFile(workspace / "shared.zip") as archive:
        names = archive.namelist()
    assert {"models", "metrics", "explainability"} <= {name.split("/")[0] for name in names}
    # The reference is the part of a bundle that explains new logs: templates and merged words, no rows of the data.
    assert [name for name in names if name.endswith(".parquet") and not name.endswith("_reference.parquet")] == []
    lo2("unpack", "shared.zip", "--into", "colleague", cwd=workspace)
    assert sorted(hashes(workspace / "colleague")) == sorted(names)


def test_no_secret_is_in_any_default_artefact_or_zip(workspace, lo2):
    """Sensible Daten (Tokens, Secrets) anonymisieren; das Skript erzeugt keine, aber bei eigenen Erweiterungen darauf
    achten.
    """
    logs = "".join(path.read_text(errors="replace") for path in sorted((workspace / "logs").rglob("*.log")))
    secrets = sorted(set(BASIC.findall(logs)))
    assert secrets
    raw = {"lo2_events.parquet", "lo2_sequences.parquet"}
    paths = [*(workspace / "models").iterdir(), *(workspace / RESULT).rglob("*.*")]
    for path in (path for path in paths if path.is_file() and path.name not in raw and ".parts" not in path.parts):
        text = text_of(path)
        assert [secret for secret in secrets if secret in text] == [], path
    lo2("pack", "--out", "shared.zip", cwd=workspace)
    with zipfile.ZipFile(workspace / "shared.zip") as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist()).decode("latin-1")
    assert [secret for secret in secrets if secret in everything] == []


# --- Offene Aufgaben ------------------------------------------------------------------------------------------------


def test_old_explanations_are_cleaned_up(workspace, lo2):
    """TODO: Automatisches Aufräumskript für alte Explainability-Ausgaben bereitstellen."""
    before = hashes(workspace / RESULT)
    plan = lo2("clean", "--older-than-days", 0, cwd=workspace)
    assert re.search(r"explainability +if\b", plan.stdout)
    assert hashes(workspace / RESULT) == before
    lo2("clean", "--older-than-days", 0, "--apply", cwd=workspace)
    left = {name for name in hashes(workspace / RESULT) if not name.startswith(".trash/")}
    assert [name for name in left if name.startswith("explainability/")] == []
    assert {"lo2_sequences_enhanced.parquet", "lo2_if_predictions.parquet"} <= left


def test_benchmark_runs_have_one_naming_scheme(finished_workspace):
    """TODO: Einheitliches Namensschema für Benchmark-Runs definieren (z. B. `<datum>_<feature_set>_<contamination>`)."""
    (folder,) = (finished_workspace / RESULT / "metrics").glob("run_*")
    assert RunName.parse_run_name(folder.name) == RunName(dt.date(2025, 11, 3), "words", 0.05)
    assert f"run_{RunName.parse_run_name(folder.name)}" == folder.name
