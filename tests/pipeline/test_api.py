"""The phases from Python: what a program sees at a glance, and what it is told when it errs."""

import inspect

import polars as pl
import pytest

import lo2
from lo2.errors import UsageError


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


def test_signatures_show_the_options():
    assert {"profile", "normal", "group_by"} <= set(inspect.signature(lo2.load).parameters)
    assert {"contamination", "holdout_fraction", "seed"} <= set(inspect.signature(lo2.detect).parameters)
    assert {"top", "nn_top_k"} <= set(inspect.signature(lo2.explain).parameters)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda logs, d: lo2.detect(logs, "knnwords"), "no model 'knnwords'.*mean 'knn_words'.*Choices: dt_"),
        (lambda logs, d: lo2.detect(logs, contaminaton=0.1), "no option of detect.* mean 'contamination'.*Choices"),
        (lambda logs, d: lo2.load(logs, profil="tree"), "no option of load.* mean 'profile'"),
        (lambda logs, d: lo2.explain(d, nn_topk=2), "no option of explain.* mean 'nn_top_k'"),
    ],
)
def test_a_wrong_name_is_answered_with_the_choices(logs, detection, wrong, said):
    with pytest.raises(UsageError, match=said):
        wrong(logs, detection)


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
