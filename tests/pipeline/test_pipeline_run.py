import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import polars as pl
import pytest
import yaml
from sklearn.ensemble import IsolationForest
from sklearn.feature_extraction.text import CountVectorizer

import lo2
from lo2.artefacts.files import sha256
from lo2.artefacts.layout import Home
from lo2.artefacts.scan import scan_artefacts, scan_problems
from lo2.cli.closing import closing_found_lines
from lo2.cli.findings import fail_on_flagged
from lo2.cli.tables import panel_table
from lo2.engine import EngineOptions
from lo2.errors import (
    ArtefactExistsError,
    CheckFailedError,
    InputError,
    InputNotFoundError,
    SchemaError,
    UnreachableBudgetError,
    UsageError,
)
from lo2.evaluation.options import DriftLimits
from lo2.loading.inventory import LoadOptions
from lo2.models.options import ForestOptions, SplitOptions
from lo2.pipeline.detect import detect_run
from lo2.pipeline.explain import explain_run
from lo2.pipeline.load import load_run
from lo2.pipeline.options import DetectOptions, ExplainRunOptions, RunOptions, ScoreRunOptions
from lo2.pipeline.run import run_all_phases
from lo2.pipeline.score import refuse_score, score_run
from lo2.pipeline.sequences import read_sequences, sequences_fingerprint
from lo2.schema import RUNS, check_schema, predictions_table
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

CASES = ("delete_client_404_no_client", "update_password_401_wrong_password")


def home(folder: Path) -> Home:
    return Home(folder / "result", folder / "models")


@pytest.fixture(scope="session")
def tree(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("run-tree")
    simulate(root, SimulateOptions(runs=10, test_cases=CASES, scale=0.01, seed=5, dataset="v2"))
    return root


@pytest.fixture(scope="session")
def done(tree, tmp_path_factory) -> Home:
    where = home(tmp_path_factory.mktemp("run-home"))
    run_all_phases(tree, where, engine=EngineOptions(jobs=2))
    return where


@pytest.fixture
def copy(done, tmp_path) -> Home:
    shutil.copytree(done.result, tmp_path / "result")
    shutil.copytree(done.models, tmp_path / "models")
    return home(tmp_path)


def test_a_run_leaves_every_required_artefact(done):
    assert scan_problems(scan_artefacts(done, strict=True)) == []
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=done.result, check=True)


def test_one_or_two_jobs_give_the_same_sums_and_a_repeated_run_changes_nothing(tree, done, tmp_path):
    where = home(tmp_path)
    run_all_phases(tree, where, engine=EngineOptions(jobs=1))
    assert where.path("sums").read_text() == done.path("sums").read_text()
    assert sha256(where.path("bundle")) == sha256(done.path("bundle"))
    run_all_phases(tree, where, engine=EngineOptions(jobs=1))
    assert where.path("sums").read_text() == done.path("sums").read_text()


def test_predictions_have_their_columns_and_rows_of_training_have_no_p_value(done):
    frame = pl.read_parquet(done.path("predictions"))
    check_schema(frame, predictions_table("if"), what="predictions")
    assert list(frame.columns) == list(predictions_table("if"))
    assert frame.filter(pl.col("split") == "train")["p_value_if"].null_count() == (frame["split"] == "train").sum()
    assert (frame["pred_ano"].cast(pl.Boolean) == frame["pred_if_threshold"]).all()
    sides = frame.filter(pl.col("split") != "unused").group_by("run").agg(pl.col("split").n_unique())
    assert sides["split"].max() == 1


def test_the_plain_tuple_gives_the_same_scores_without_lo2(done):
    script = (
        "import sys, joblib, polars as pl, yaml\n"
        "model, vectorizer = joblib.load(sys.argv[1])\n"
        "frame = pl.read_parquet(sys.argv[2], columns=['seq_id', 'e_words']).sort('seq_id')\n"
        "score = -model.score_samples(vectorizer.transform(frame['e_words'].to_list()))\n"
        "known = pl.read_parquet(sys.argv[3]).sort('seq_id')\n"
        "assert abs(score - known['score_if'].to_numpy()).max() < 1e-9\n"
        "card = yaml.safe_load(open(sys.argv[4]))\n"
        "assert ((score >= card['threshold']) == known['pred_if_threshold'].to_numpy()).all()\n"
        "assert ((model.predict(vectorizer.transform(frame['e_words'].to_list())) < 0) == known['pred_if_threshold'].to_numpy()).all()\n"
        "assert not any(name.split('.')[0] in ('lo2', 'loglead') for name in sys.modules)\n"
    )
    paths = [done.path(name) for name in ("bundle", "sequences", "predictions", "card")]
    subprocess.run([sys.executable, "-W", "error", "-c", script, *map(str, paths)], check=True, cwd="/")


def test_the_card_has_every_key_of_the_contract(done):
    card = yaml.safe_load(done.path("card").read_text())
    keys = [
        "format",
        "generated_at",
        "lo2_version",
        "git_commit",
        "versions",
        "bundle_sha256",
        "data_fingerprint",
        "feature_set",
        "item_list_col",
        "if_params",
        "training_rows",
        "holdout_rows",
        "threshold",
        "threshold_percentile",
        "thresholds_by_service",
        "score",
        "inputs",
        "outputs",
        "self_test",
        "metrics",
    ]
    assert set(keys) <= set(card)
    assert {"n_estimators", "max_samples", "contamination", "seed", "buckets"} <= set(card["if_params"])
    assert len(card["self_test"]) == 8
    assert card["bundle_sha256"] == sha256(done.path("bundle"))


def test_scoring_after_a_run_writes_beside_the_data_states_own_predictions(copy, tree):
    before = sha256(copy.path("predictions"))
    scored = score_run(copy, ScoreRunOptions())
    assert scored.path.is_relative_to(copy.result / "scored")
    assert sha256(copy.path("predictions")) == before
    assert any("trained on" in note for note in scored.notes)
    again = score_run(copy, ScoreRunOptions(root=tree))
    assert scored.model == "knn_words"
    assert again.predictions["score_knn_words"].to_list() == scored.predictions["score_knn_words"].to_list()
    assert scan_problems(scan_artefacts(copy)) == []
    check_schema(pl.read_parquet(next(copy.result.glob("scored/*/knn_words/lo2_runs.parquet"))), RUNS, what="runs")
    forest = score_run(copy, ScoreRunOptions(model=copy.path("bundle")))
    assert forest.model == "if"


def test_fail_on_flagged_ends_with_exit_3_and_too_few_runs_are_no_pass(copy):
    scored = score_run(copy, ScoreRunOptions())
    assert scored.flagged
    found = scored.found.findings
    with pytest.raises(CheckFailedError, match="flagged cannot be told: too few normal runs, a p-value of 0.05 takes"):
        fail_on_flagged(found, "flagged")
    fail_on_flagged(found, "never")
    assert any("too few to tell (10 normal ones" in text for text in scored.warnings)


def test_fail_on_flagged_judges_runs_where_there_are_enough(copy):
    found = score_run(copy, ScoreRunOptions()).found.findings
    judged = tuple(replace(one, flagged=False) for one in found.runs)
    fail_on_flagged(replace(found, runs=judged), "flagged")
    odd = (replace(judged[0], flagged=True, p_value=0.01), *judged[1:])
    with pytest.raises(CheckFailedError, match=r"1 of 30 runs are flagged, .* first \(p 0.010; look first at"):
        fail_on_flagged(replace(found, runs=odd), "flagged")


def test_sequences_above_the_threshold_fail_where_no_normal_run_is_known(copy):
    scored = score_run(copy, ScoreRunOptions())
    refuse_score(scored, fail_on="flagged")
    unknown = replace(scored, found=replace(scored.found, runs=replace(scored.runs, n=0)))
    with pytest.raises(CheckFailedError, match="of 210 sequences are flagged by the threshold"):
        refuse_score(unknown, fail_on="flagged")
    refuse_score(unknown, fail_on="never")


def test_new_logs_without_a_normal_case_can_be_scored(copy, tree, tmp_path):
    root = tmp_path / "new"
    shutil.copytree(tree, root)
    for folder in root.glob("*/correct"):
        shutil.rmtree(folder)
    assert score_run(copy, ScoreRunOptions(root=root)).predictions.height == 10 * 2 * 7


def test_an_edited_sequence_parquet_is_refused_until_accepted(copy):
    path = copy.path("sequences")
    pl.read_parquet(path).head(100).write_parquet(path)
    for phase in (detect_run, explain_run):
        with pytest.raises(CheckFailedError, match="--accept-changed"):
            phase(copy)
    with pytest.raises(CheckFailedError, match="--accept-changed"):
        score_run(copy, ScoreRunOptions())
    assert score_run(copy, ScoreRunOptions(accept_changed=True)).predictions.height == 100


def test_a_model_that_would_change_is_refused_before_any_work(copy):
    before = sha256(copy.path("bundle"))
    options = DetectOptions(save_model=True, seed=9)
    with pytest.raises(ArtefactExistsError, match=r"if_params.*--overwrite-model"):
        detect_run(copy, options)
    assert sha256(copy.path("bundle")) == before
    detect_run(copy, DetectOptions(save_model=True, seed=9, overwrite_model=True))
    assert sha256(copy.path("bundle")) != before


def test_a_run_on_other_data_is_refused_before_it_loads(done, tmp_path, tree):
    where = Home(tmp_path / "result", done.models)
    other = tmp_path / "other"
    shutil.copytree(tree, other)
    with pytest.raises(ArtefactExistsError, match="--variant lo2_other"):
        run_all_phases(other, where)
    assert not where.path("sequences").exists()


def test_variants_live_side_by_side(tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        where = Home(Path("demo/result") / name, Path("models") / name)
        load_run(tree, where, LoadOptions(service_types=("client",)), engine=EngineOptions(jobs=1))
        detect_run(where, DetectOptions(save_model=True))
    assert {p.name for p in Path("models").iterdir()} >= {"a", "b"}


def test_explaining_again_from_the_bundle_gives_the_same_bytes(copy, tree):
    before = {p.name: sha256(p) for p in (copy.result / "explainability").iterdir()}
    shutil.rmtree(copy.result / "explainability")
    explain_run(copy)
    assert {p.name: sha256(p) for p in (copy.result / "explainability").iterdir()} == before
    copy.path("bundle").unlink()
    copy.path("card").unlink()
    explain_run(copy)  # fitted again from the record
    assert {p.name: sha256(p) for p in (copy.result / "explainability").iterdir()} == before


def test_a_bundle_of_other_sequences_is_refused(copy, tmp_path, tree):
    other = home(tmp_path / "other")
    load_run(tree, other, LoadOptions(runs=6), engine=EngineOptions(jobs=1))
    detect_run(other, DetectOptions(save_model=True))
    with pytest.raises(CheckFailedError, match="trained on other sequences"):
        explain_run(copy, ExplainRunOptions(load_model=other.path("bundle")))


def test_detecting_with_a_bundle_says_where_its_figures_may_be_flattered(copy, tmp_path, tree):
    bundle = copy.path("bundle")
    same = detect_run(copy, DetectOptions(load_model=bundle))
    assert not any("flatter" in note for note in same.notes)
    wider = detect_run(copy, DetectOptions(load_model=bundle, split=SplitOptions(holdout_fraction=0.4)))
    assert any("another split of these sequences" in note for note in wider.notes)
    fewer = home(tmp_path / "fewer")
    load_run(tree, fewer, LoadOptions(runs=6), engine=EngineOptions(jobs=1))
    other = detect_run(fewer, DetectOptions(load_model=bundle))
    assert any("trained on other sequences than these" in note for note in other.notes)


def test_the_card_of_a_loaded_bundle_keeps_the_data_it_was_trained_on(copy, tmp_path, tree):
    before = yaml.safe_load(copy.path("card").read_text())
    fewer = home(tmp_path / "fewer")
    load_run(tree, fewer, LoadOptions(service_types=("token",)))
    detected = detect_run(fewer, DetectOptions(load_model=copy.path("bundle"), save_model=True))
    card = yaml.safe_load(fewer.path("card").read_text())
    assert card["data_fingerprint"] == before["data_fingerprint"]
    assert card["measured_on"] == detected.sequences.fingerprint != before["data_fingerprint"]
    assert card["reference_sha256"] == before["reference_sha256"]
    assert {"if", "knn_words"} <= set(explain_run(fewer, ExplainRunOptions(root=tree)).explanations)
    detect_run(fewer, DetectOptions(load_model=copy.path("bundle"), save_model=True))


def test_an_edited_parquet_of_another_data_state_is_refused_too(copy, tmp_path):
    path = copy.path("sequences")
    pl.read_parquet(path).head(9).write_parquet(path)
    elsewhere = home(tmp_path / "elsewhere")
    with pytest.raises(CheckFailedError, match="is not what was written there"):
        score_run(elsewhere, ScoreRunOptions(model=copy.path("bundle"), sequences=path))


def test_a_bundle_that_did_not_make_the_predictions_is_never_used_to_explain_them(copy):
    asked = "knn_words", "if"
    made = detect_run(copy, DetectOptions(models=("knn_words",), forest=ForestOptions(threshold_percentile=50.0)))
    explained = explain_run(copy)
    found = explained.explanations
    assert [note.split(" did not make ")[0] for note in explained.notes] == [
        str(copy.path("model_bundle", model="knn_words")),
        str(copy.path("bundle")),
    ]
    for name in asked:
        predictions = pl.read_parquet(copy.path("predictions", model=name))
        rows = found[name].attributions.rows.join(predictions, on="seq_id")
        np.testing.assert_allclose(rows["score"], rows[f"score_{name}"], atol=1e-9)
    assert f"threshold: {made.fitted['if'].thresholds.overall:.9g}\n" in found["if"].false_positives
    with pytest.raises(CheckFailedError, match="did not make"):
        explain_run(copy, ExplainRunOptions(load_model=copy.path("bundle")))


def test_lines_come_without_a_place_where_the_raw_logs_are_gone(copy, tmp_path):
    log = copy.path("run_log")
    noted = json.loads(log.read_text())
    log.write_text(json.dumps(noted | {"runs": [run | {"root": str(tmp_path / "gone")} for run in noted["runs"]]}))
    explained = explain_run(copy)
    assert any("--root" in note for note in explained.notes)
    lines = pl.read_csv(copy.path("line_attribution"))
    assert lines.height
    assert lines["file"].null_count() == lines.height


def test_any_parquet_with_ids_and_words_is_enough(tmp_path, capsys):
    rows = [{"seq_id": f"{i:03d}", "e_words": ["a", "b", "c", f"w{i % 4}"], "run": f"r{i // 5}"} for i in range(60)]
    pl.DataFrame(rows).write_parquet(tmp_path / "mine.parquet")
    detection = detect_run(home(tmp_path), DetectOptions(sequences=tmp_path / "mine.parquet"))
    assert detection.predictions["if"].height == 60
    metrics = json.loads(home(tmp_path).path("metrics_json").read_text())["metrics"]
    assert metrics["auc"]["value"] is None
    assert metrics["auc"]["why"]
    assert any("anomaly" in note for note in detection.notes)
    panel_table(detection.evaluation)
    printed = capsys.readouterr().out
    assert "not measured" in printed
    assert "clear" not in printed


def test_sequences_are_read_in_slices_as_codes_and_orders_only_where_wanted(done, monkeypatch):
    path = done.path("sequences")
    whole = pl.read_parquet(path)
    monkeypatch.setattr("lo2.pipeline.sequences._SLICE", 7)
    wanted = whole["seq_id"].gather([0, 8, whole.height - 1])
    found = read_sequences(path, heavy=["e_event_sequence", "e_trigrams"], order_of=wanted)
    assert found.fingerprint == read_sequences(path).fingerprint == sequences_fingerprint(whole)
    assert found.frame.schema["e_words"] == found.frame.schema["e_trigrams"] == pl.List(pl.Categorical)
    text = found.frame.with_columns(pl.col("e_words", "e_trigrams").cast(pl.List(pl.String)))
    order = pl.when(pl.col("seq_id").is_in(wanted.implode())).then("e_event_sequence")
    assert text.equals(whole.with_columns(order).select(text.columns))


@pytest.mark.parametrize(
    ("frame", "error", "words"),
    [
        (pl.DataFrame({"seq_id": ["a"]}), SchemaError, "'e_words' .* is missing"),
        (pl.DataFrame({"seq_id": [1], "e_words": [["a"]]}), SchemaError, "'seq_id' is Int64, expected String"),
        (
            pl.DataFrame({"seq_id": ["a"], "e_words": ["a b"]}),
            SchemaError,
            r"'e_words' is String, expected List\(String\)",
        ),
        (pl.DataFrame({"seq_id": ["a", "a"], "e_words": [["a"], ["b"]]}), InputError, "occurs twice"),
        (pl.DataFrame({"seq_id": ["a", "b"], "e_words": [["a"], None]}), InputError, "1 nulls"),
        (pl.DataFrame(schema={"seq_id": pl.String, "e_words": pl.List(pl.String)}), InputError, "holds no sequence"),
        (pl.DataFrame({"seq_id": ["a", "b"], "e_words": [["a"], ["b"]]}), InputError, "2 of 2 runs"),
    ],
)
def test_a_parquet_that_does_not_fit_is_named_with_what_is_expected(tmp_path, frame, error, words):
    frame.write_parquet(tmp_path / "odd.parquet")
    with pytest.raises(error, match=words):
        detect_run(home(tmp_path), DetectOptions(sequences=tmp_path / "odd.parquet"))


def test_what_is_no_parquet_is_named(tmp_path):
    (tmp_path / "x.parquet").write_text("no")
    with pytest.raises(InputError, match="is not a Parquet file"):
        detect_run(home(tmp_path), DetectOptions(sequences=tmp_path / "x.parquet"))
    with pytest.raises(InputNotFoundError, match="lo2 load"):
        detect_run(home(tmp_path))


def test_too_few_runs_end_with_the_counts(tree, tmp_path):
    where = home(tmp_path)
    load_run(tree, where, LoadOptions(runs=2), engine=EngineOptions(jobs=1))
    with pytest.raises(InputError, match="2 of 2 runs hold normal.*load more$"):
        detect_run(where)


def test_a_strange_bundle_with_plain_words_scores(copy):
    words = pl.read_parquet(copy.path("sequences"))["e_words"].to_list()
    vectorizer = CountVectorizer(analyzer=list).fit(words)
    model = IsolationForest(n_estimators=10, random_state=0).fit(vectorizer.transform(words))
    path = copy.models / "elsewhere.joblib"
    joblib.dump((model, vectorizer), path)
    scored = score_run(copy, ScoreRunOptions(model=path))
    expected = -model.score_samples(vectorizer.transform(words))
    assert abs(scored.predictions["score_if"].to_numpy() - expected).max() < 1e-9


def test_unknown_models_and_contradicting_options_are_named(copy):
    with pytest.raises(UsageError, match="Did you mean 'knn_words'"):
        detect_run(copy, DetectOptions(models=("knn_word",)))
    with pytest.raises(UsageError, match="leave no model"):
        detect_run(copy, DetectOptions(skip_if=True, skip_knn=True))
    with pytest.raises(UsageError, match="two inputs"):
        score_run(copy, ScoreRunOptions(root=Path("a"), sequences=Path("b")))


def test_a_split_can_be_saved_and_reused(copy, tmp_path):
    saved = tmp_path / "split.json"
    first = detect_run(copy, DetectOptions(save_split=saved, seed=1))
    second = detect_run(copy, DetectOptions(split_file=saved, seed=1))
    assert first.split.to_list() == second.split.to_list()
    assert first.predictions["if"].equals(second.predictions["if"])


def test_the_enhanced_cache_is_optional_and_changes_nothing(copy):
    before = copy.path("predictions").read_bytes()
    detect_run(copy, DetectOptions(save_enhancers=True))
    cache = pl.read_parquet(copy.path("enhanced_cache"))
    assert {"e_if_novel", "e_if_common", "split"} <= set(cache.columns)
    assert copy.path("predictions").read_bytes() == before


@pytest.fixture(scope="session")
def shop(tmp_path_factory) -> Path:
    """Logs of quite different services: ISO times, three services, a case `baseline`, one planted error."""
    root = tmp_path_factory.mktemp("shop")
    for run in range(8):
        for case in ("baseline", "checkout"):
            for service in ("cart", "payment", "stock"):
                lines = [
                    f"2025-03-0{1 + run}T10:00:{i % 60:02d}.{i % 1000:03d}Z INFO  [worker-{i % 3}] {service}.Api - handled order {1000 + i} in {i % 90} ms"
                    for i in range(120 + 7 * run)
                ]
                if case == "checkout" and service == "payment":
                    lines.insert(
                        40, "2025-03-01T10:00:40.500Z ERROR [worker-1] payment.Gateway - card declined: GATEWAY_TIMEOUT"
                    )
                path = root / f"night-{run}" / case / f"{service}.log"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("\n".join(lines) + "\n")
    return root


def test_a_foreign_tree_goes_through_and_the_planted_line_is_named(shop, tmp_path):
    options = RunOptions(load=LoadOptions(profile="tree", normal="baseline"))
    result = run_all_phases(shop, home(tmp_path), options, engine=EngineOptions(jobs=2))
    lines = list(closing_found_lines(result.summary))
    assert " logs flagged" in lines[0]
    assert "too few to tell (7 normal ones" in lines[2]
    first = lines.index(next(line for line in lines if line.startswith("1. ")))
    assert first < 6
    assert lines[first].startswith("1. checkout, log of payment, ")
    assert "GATEWAY_TIMEOUT" in lines[first + 1]
    assert "checkout/payment.log:41 " in lines[first + 2]


def test_the_public_names_work_together(tree, done, tmp_path):
    loaded = lo2.load(tree, service_types=("client",))
    detection = lo2.detect(loaded, seed=1)
    assert detection.predictions["if"].height == loaded.n_sequences
    assert lo2.explain(detection, top=3)["if"].tokens.height
    scores = lo2.open_bundle(done.path("bundle")).score(done.path("sequences"))
    assert scores["score_if"].to_list() == pl.read_parquet(done.path("predictions"))["score_if"].to_list()
    with pytest.raises(UsageError, match="no option"):
        lo2.detect(loaded, colour="red")


def test_an_alert_budget_sets_the_threshold_and_states_its_n(copy):
    detection = detect_run(copy, DetectOptions(alert_budget=400))
    table = pl.read_csv(copy.path("alert_budget"))
    assert set(table["service"].fill_null("")) == {"", *detection.sequences.frame["service"].unique()}
    assert detection.fitted["if"].thresholds.overall == detection.budgets["if"][""].threshold
    with pytest.raises(UnreachableBudgetError, match=r"cannot be promised from 14 normal .* it takes 199"):
        detect_run(copy, DetectOptions(alert_budget=5))


def test_models_per_service_are_saved_and_measured_beside_the_pooled_one(copy):
    options = DetectOptions(models=("knn_words",), skip_if=True, per_service=True, save_model=True)
    detection = detect_run(copy, options)
    assert set(detection.predictions) == {"knn_words", "knn_words_per_service"}
    assert (copy.models / "knn_words__client.joblib").is_file()
    assert copy.path("metrics_json", model="knn_words_per_service").is_file()
    scored = score_run(copy, ScoreRunOptions(model=copy.models / "knn_words__client.joblib"))
    assert scored.predictions.height == detection.sequences.frame.height


def test_cross_fitting_scores_every_run_out_of_sample(copy):
    detection = detect_run(copy, DetectOptions(cross_fit=5))
    frame = detection.predictions["if_cross_fit"]
    assert set(frame["split"]) == {"test"}
    assert "auc" in detection.evaluation.headline["if_cross_fit"]


def test_drift_beyond_a_limit_is_a_finding(copy):
    detection = detect_run(copy, limits=DriftLimits(volume=0.0))
    assert {"scores", "templates", "volume", "unseen_tokens"} <= set(detection.drift.frame["signal"])
    quiet = detect_run(copy)
    quiet.drift.refuse_drift()


def test_several_models_are_evaluated_bundled_and_explained(copy):
    detection = detect_run(copy, DetectOptions(models=("knn_words", "lr_words"), save_model=True))
    panel = detection.evaluation.panel["detector"].to_list()
    assert panel[:4] == ["knn_words", "if", "lr_words", "if_binary_words"]
    explained = explain_run(copy)
    assert list(explained.explanations) == ["knn_words", "if", "lr_words"]
    for name in ("knn_words", "lr_words"):
        assert lo2.open_bundle(copy.models / f"{name}.joblib").fitted.spec.name == name
        for artefact in ("nn_mapping", "top_tokens", "line_attribution", "shap_bar", "shap_summary", "false_positives"):
            assert copy.path(artefact, model=name).is_file()


@pytest.mark.parametrize(
    "changed", [{"load": LoadOptions(runs=8)}, {"detect": DetectOptions(save_model=True, seed=3)}], ids=["load", "seed"]
)
def test_a_run_with_other_options_is_refused_before_it_loads(copy, tree, changed):
    before = sha256(copy.path("sequences"))
    with pytest.raises(ArtefactExistsError, match="--overwrite-model"):
        run_all_phases(tree, copy, RunOptions(**changed))
    assert sha256(copy.path("sequences")) == before


def test_a_table_of_quite_another_system_is_used_as_far_as_it_goes(tmp_path):
    start = pl.datetime_range(pl.datetime(2025, 1, 1), pl.datetime(2025, 1, 4), "1h", eager=True)
    rows = [
        {
            "seq_id": f"block-{i:03d}",
            "run": f"day-{i // 12}",
            "e_words": ["receiving", "block", "ok", *(["EXCEPTION", "writing"] if i % 12 == 5 else [])],
            "e_words_count": [3 + i % 2, 3, 2, *([1, 1] if i % 12 == 5 else [])],
            "anomaly": i % 12 == 5,
            "start_time": start[i % len(start)],
        }
        for i in range(72)
    ]
    frame = pl.DataFrame(rows).cast({"e_words_count": pl.List(pl.UInt32), "start_time": pl.Datetime("ms")})
    frame.write_parquet(tmp_path / "blocks.parquet")
    options = DetectOptions(models=("knn_words",), sequences=tmp_path / "blocks.parquet")
    detection = detect_run(home(tmp_path), options)
    assert detection.evaluation.headline["if"]["auc"].value == 1.0
    assert detection.evaluation.headline["knn_words"]["auc"].value == 1.0
    assert any("service" in note for note in detection.notes)
    assert not any("anomaly" in note for note in detection.notes)
