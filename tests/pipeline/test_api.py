"""The phases from Python: what a program sees at a glance, and what it is told when it errs."""

import inspect
import shutil

import polars as pl
import pytest

import lo2
from lo2.artefacts.layout import Home
from lo2.engine import EngineOptions
from lo2.errors import InputError, SchemaError, UsageError
from lo2.pipeline.detect import detect_run
from lo2.pipeline.load import load_run
from lo2.pipeline.options import DetectOptions


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Four unlabelled runs of two services."""
    folder = tmp_path_factory.mktemp("logs")
    for run in "abcd":
        for service in ("web", "db"):
            (folder / run).mkdir(exist_ok=True)
            lines = [f"2024-01-01 10:00:{10 + i % 50} INFO {service} request {i} served\n" for i in range(40)]
            (folder / run / f"{service}.log").write_text("".join(lines))
    return folder


@pytest.fixture(scope="module")
def detection(logs):
    return lo2.detect(lo2.load(logs), "knn_words")


def test_loaded_logs_and_detections_are_told_in_a_line(logs, detection):
    assert repr(lo2.load(logs)) == "LoadedLogs(8 sequences of 4 runs, 320 lines, in memory)"
    assert repr(detection) == "Detection(knn_words; 8 sequences, 2 for testing; auc -)"


def test_parts_of_a_detection_are_told_in_a_line(detection):
    assert repr(detection.sequences) == "Sequences(8 rows, 28 columns)"
    assert repr(detection.evaluation) == "Evaluation(knn_words)"
    assert repr(detection.drift) == "DriftReport(3 services: nothing beyond its limit or chance)"
    assert repr(detection.fitted).startswith("{'knn_words': Fitted(knn_words, trained on 4 sequences, threshold ")
    assert repr(lo2.AnomalyDetector()) == "AnomalyDetector(no model on e_words)"
    assert all(len(repr(getattr(detection, name))) < 200 for name in ("sequences", "evaluation", "drift", "fitted"))


def test_what_a_table_lacks_is_said_once(logs):
    frame = lo2.load(logs).sequences.drop("e_words_count")
    notes = lo2.detect(frame, ["knn_words", "rarity_words"]).notes
    assert [note for note in notes if "e_words_count" in note] == [
        "no column 'e_words_count': tokens count as present or absent"
    ]


def test_scores_and_metrics_are_at_hand(detection):
    assert detection.scores.columns == [
        "seq_id", "run", "test_case", "service", "split", "anomaly", "score_knn_words",
    ]  # fmt: skip
    assert detection.scores.height == 8
    assert detection.metrics["knn_words"]["auc"].value is None
    assert detection.metrics["knn_words"]["auc"].why


def test_a_detection_explains_itself(detection):
    found = detection.explain(top=1)
    assert list(found) == ["knn_words"]
    assert lo2.explain(detection, top=1)["knn_words"].neighbours.equals(found["knn_words"].neighbours)


@pytest.fixture
def odd(logs, tmp_path):
    """The same logs, one of which says what no other does."""
    odd = shutil.copytree(logs, tmp_path / "odd")
    with (odd / "d/web.log").open("a") as log:
        log.write("2024-01-01 10:01:10 ERROR web the bank refused the card\n")
    return odd


def test_explanations_have_file_and_number_where_the_logs_were_loaded(odd):
    table = lo2.load(odd).sequences.clone()  # a table alone has no lines
    found = lo2.detect(lo2.load(odd), "rarity_words").explain(top=1)["rarity_words"]
    assert repr(found).startswith("Explanation(rarity_words: ")
    assert found.lines.select("file", "line").rows() == [("d/web.log", 41)]
    assert lo2.detect(table, "rarity_words").explain(top=1)["rarity_words"].lines["line"].drop_nulls().is_empty()


def test_explanations_of_a_file_have_file_and_number_while_it_is_what_the_load_wrote(odd, tmp_path):
    home = Home(tmp_path / "result", tmp_path / "models")
    loaded = load_run(odd, home, engine=EngineOptions(jobs=1))
    for given in (loaded.sequences_path, loaded):
        found = lo2.detect(given, "rarity_words").explain(top=1)["rarity_words"]
        assert found.lines.height > 0
        assert found.lines.select("file", "line").row(0) == ("d/web.log", 41)
    bundle = tmp_path / "models/knn_words.joblib"
    detect_run(home, DetectOptions(skip_if=True, save_model=True))
    scored = lo2.open_bundle(bundle).explain(loaded.sequences_path).explanation
    assert scored.lines["line"].to_list() == [41]
    pl.read_parquet(loaded.sequences_path).write_parquet(loaded.sequences_path, compression="lz4")
    edited = lo2.detect(loaded.sequences_path, "rarity_words").explain(top=1)["rarity_words"]
    assert edited.lines["line"].drop_nulls().is_empty()


def test_several_detectors_at_once_and_estimators_of_ones_own(logs):
    from sklearn.ensemble import IsolationForest

    loaded = lo2.load(logs)
    both = lo2.detect(loaded, ["rarity_words", "knn_words"])
    assert both.scores.columns[-2:] == ["score_rarity_words", "score_knn_words"]
    own = lo2.detect(loaded, IsolationForest(n_estimators=5, random_state=0))
    (found,) = own.explain(top=1).values()
    assert "does not say what each word adds" in found.attributions.unit
    assert found.attributions.rows["base"].equals(found.attributions.rows["score"], check_names=False)
    assert found.neighbours.height > 0


def test_several_values_may_be_named_in_one_text(logs):
    assert lo2.load(logs, test_cases="all").n_sequences == 8


def test_a_matrix_of_logs_without_labels_has_none(logs):
    frame = lo2.load(logs).sequences
    X, y, groups, names = lo2.matrix(frame.with_columns(anomaly=pl.lit(None, pl.Boolean)))
    assert X.shape == (8, len(names))
    assert y is None
    assert lo2.matrix(frame)[1].tolist() == [False] * 8
    assert sorted(set(groups)) == [*"abcd"]


def test_signatures_show_the_options():
    assert {"profile", "normal", "group_by"} <= set(inspect.signature(lo2.load).parameters)
    assert {"contamination", "holdout_fraction", "seed"} <= set(inspect.signature(lo2.detect).parameters)
    for explain in (lo2.explain, lo2.Detection.explain):
        assert {"top", "nn_top_k"} <= set(inspect.signature(explain).parameters)
    assert {"context", "service_types", "since"} <= set(inspect.signature(lo2.diff).parameters)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda logs, d: lo2.detect(logs, "knnwords"), "no model 'knnwords'.*mean 'knn_words'.*Choices: dt_"),
        (lambda logs, d: lo2.detect(logs, contaminaton=0.1), "no option of detect.* mean 'contamination'.*Choices"),
        (lambda logs, d: lo2.load(logs, profil="tree"), "no option of load.* mean 'profile'"),
        (lambda logs, d: lo2.explain(d, nn_topk=2), "no option of explain.* mean 'nn_top_k'"),
        (lambda logs, d: lo2.detect(logs, "if", sed=3), "no option of detect.*mean 'seed'.*Choices.* seed,"),
        (lambda logs, d: lo2.diff(logs, logs, top=3), "no option of diff.*Choices: context"),
        (lambda logs, d: lo2.detect(logs, "if", n_estimators=-1), "^n_estimators=-1 is out of range"),
        (lambda logs, d: lo2.explain(d, nn_source="x"), "^nn_source='x': choose one of train, normal"),
        (lambda logs, d: lo2.load(logs, profile="x"), "^profile='x' does not exist"),
        (lambda logs, d: lo2.load(logs, normal="up", unlabelled=True), "^unlabelled and normal='up' contradict"),
        (lambda logs, d: lo2.diff(logs, logs, context=-1), "^context=-1 is out of range"),
        (lambda logs, d: d.predictions["if"], "no detector 'if'. Choices: knn_words"),
        (lambda logs, d: d.fitted["if"], "no detector 'if'. Choices: knn_words"),
        (lambda logs, d: d.runs["knnwords"], "no detector 'knnwords'. Did you mean 'knn_words'"),
        (lambda logs, d: d.metrics["if"], "no detector 'if'. Choices: knn_words"),
        (lambda logs, d: d.metrics["knn_words"]["aucs"], "no metric 'aucs'. Did you mean 'auc'"),
        (lambda logs, d: d.explain(top=1)["knnwords"], "no detector 'knnwords'. Did you mean 'knn_words'"),
        (lambda logs, d: lo2.explain(lo2.load(logs)), "takes what lo2.detect returns, not a LoadedLogs"),
        (lambda logs, d: lo2.load(logs, "tree"), "takes options by name, not 'tree'"),
        (lambda logs, d: lo2.detect([1, 2]), "sequences are a list: expected what lo2.load returns"),
        (lambda logs, d: lo2.detect(logs, type(d)), "model=Detection is a class"),
    ],
)
def test_a_wrong_name_is_answered_with_the_choices(logs, detection, wrong, said):
    with pytest.raises(UsageError, match=said):
        wrong(logs, detection)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.drop("e_words"), "column 'e_words' .* is missing"),
        (lambda frame: frame.with_columns(e_words=pl.col("e_words").list.join(" ")), "'e_words' is String, expected"),
        (lambda frame: frame.clear(), "holds no sequence"),
        (lambda frame: pl.concat([frame, frame]), "occurs twice"),
        (lambda frame: frame.with_columns(pl.col("anomaly").cast(pl.Int64)), "'anomaly' is Int64, expected Boolean"),
        (lambda frame: frame.with_columns(pl.col("anomaly").cast(pl.Int64)).to_pandas(), "'anomaly' is Int64, expect"),
        (lambda frame: frame.with_columns(pl.col("start_time").cast(pl.String)), "'start_time' is String, expected"),
        (lambda frame: frame.with_columns(n_error=pl.lit("many")), "'n_error' is String, expected UInt32"),
    ],
)
def test_a_table_is_checked_in_memory_and_in_a_file(logs, change, said, tmp_path):
    frame = change(lo2.load(logs).sequences)
    with pytest.raises((SchemaError, InputError), match=said):
        lo2.detect(frame, "knn_words")
    if isinstance(frame, pl.DataFrame):
        frame.write_parquet(tmp_path / "a.parquet")
        with pytest.raises((SchemaError, InputError), match=said):
            lo2.detect(tmp_path / "a.parquet", "knn_words")


def test_integers_and_times_of_other_types_are_taken(logs, tmp_path):
    frame = lo2.load(logs).sequences
    wide = frame.with_columns(
        pl.col("n_error").cast(pl.Float64),
        pl.col("e_words_count").cast(pl.List(pl.Int64)),
        pl.col("start_time").cast(pl.Datetime("us")),
        pl.col("service").cast(pl.Categorical),
        test_case=pl.lit(None),
    )
    wide.write_parquet(tmp_path / "wide.parquet")
    expected = lo2.detect(frame.with_columns(test_case=pl.lit(None, pl.String)), "knn_words").predictions["knn_words"]
    for table in (wide, tmp_path / "wide.parquet"):
        assert lo2.detect(table, "knn_words").predictions["knn_words"].equals(expected)


def test_negative_counts_and_mixed_columns_are_named(logs):
    pandas = pytest.importorskip("pandas")
    frame = lo2.load(logs).sequences
    with pytest.raises(SchemaError, match="sequence table: .*'n_error'"):
        lo2.detect(frame.with_columns(n_error=pl.lit(-1)), "knn_words")
    mixed = pandas.DataFrame({"seq_id": ["a", "b"], "e_words": [["x", 1], ["y"]]})
    with pytest.raises(SchemaError, match="column 'e_words' cannot be read"):
        lo2.detect(mixed, "knn_words")


def test_frames_of_pandas_are_taken(logs, detection):
    pandas = pytest.importorskip("pandas")
    frame = lo2.load(logs).sequences.select("seq_id", "run", "anomaly", "service", "e_words", "e_words_count")
    columns = {name: frame[name].to_list() for name in frame.columns}
    table = pandas.DataFrame(columns)
    assert lo2.detect(table, "rarity_words").scores["score_rarity_words"].to_list() == pytest.approx(
        lo2.detect(frame, "rarity_words").scores["score_rarity_words"].to_list()
    )


def test_a_bundle_scores_what_was_loaded_and_a_folder(logs, tmp_path):
    from lo2.cli.main import run

    where = ["--output-dir", str(tmp_path / "result"), "--models-dir", str(tmp_path / "models")]
    assert run(["load", str(logs), *where, "--jobs", "1", "-q"]) == 0
    assert run(["detect", *where, "--save-model", "--skip-if"]) == 0
    bundle = lo2.open_bundle(tmp_path / "models/knn_words.joblib")
    assert repr(bundle).startswith("OpenBundle(knn_words, trained on ")
    scored = bundle.score(lo2.load(logs))
    assert scored.equals(bundle.score(logs))
    assert isinstance(scored, pl.DataFrame)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda logs: lo2.load(3), r"root of load\(\) is 3, which is of type int. Expected a path"),
        (lambda logs: lo2.load(logs, since=3), r"option since of load\(\) is 3, which is of type int. Expected str"),
        (lambda logs: lo2.load(logs, seed=True), "which is of type bool. Expected int"),
        (lambda logs: lo2.detect(lo2.load(logs), n_estimators="many"), "n_estimators of detect.*Expected int"),
        (lambda logs: lo2.open_bundle(3), "bundle of open_bundle.*Expected a path"),
        (lambda logs: lo2.diff(3, logs), r"good log of diff\(\) is 3"),
        (lambda logs: lo2.diff(logs, [logs, None]), r"bad log of diff\(\) is None"),
        (lambda logs: lo2.templates(3), "takes messages, one text each, not a int"),
        (lambda logs: lo2.templates("up"), "takes messages, one text each, not a str"),
    ],
)
def test_a_value_of_another_type_is_named_with_what_is_expected(logs, call, told):
    with pytest.raises(UsageError, match=told):
        call(logs)


def test_estimators_that_take_no_sparse_matrix_are_given_a_dense_one(logs):
    from sklearn.neighbors import KernelDensity

    assert lo2.detect(lo2.load(logs), KernelDensity()).scores.height == 8


def test_a_class_with_fit_and_a_score_alone_is_a_detector(logs):
    class Length:
        def fit(self, X):
            self.mean = X.sum(axis=1).mean()
            return self

        def score_samples(self, X):
            return -abs(X.sum(axis=1) - self.mean)

    own = Length()
    found = lo2.detect(lo2.load(logs), own)
    assert found.scores["score_Length"].null_count() == 0
    assert not hasattr(own, "mean")
    assert found.explain(top=1)["Length"].neighbours.height > 0


def test_models_that_are_none_are_answered_with_the_names(logs):
    loaded = lo2.load(logs)
    with pytest.raises(UsageError, match=r"model=\[\] is no estimator.*Names: .*knn_words"):
        lo2.detect(loaded, [])
    with pytest.raises(UsageError, match="several models are names"):
        lo2.detect(loaded, ["if", object()])
    with pytest.raises(UsageError, match=r"is a folder, of raw logs perhaps: lo2.load\("):
        lo2.detect(logs)
    with pytest.raises(UsageError, match="option seed of detect.. is 'x'"):
        lo2.detect(loaded, seed="x")


def test_runs_are_told_in_a_line(detection):
    assert (
        repr(detection.runs["knn_words"])
        == "Runs(4 runs and cases, too few normal ones to flag any; 3 normal ones known)"
    )


def test_values_come_as_programs_hold_them(logs, tmp_path):
    import numpy as np

    (tmp_path / "labels.csv").write_text("run,label\na,0\nb,0\nc,0\nd,1\n")
    labelled = lo2.load(logs, labels=tmp_path / "labels.csv", seed=np.int64(3))
    assert labelled.sequences["anomaly"].sum() == 2
    hidden = lo2.load(logs, variable=r"request [0-9]+, or served")
    assert hidden.inventory.options.variable == (r"request [0-9]+, or served",)
    assert lo2.detect(labelled, "knn_words", contamination=np.float32(0.5)).scores.height == 8
