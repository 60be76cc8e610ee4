"""New logs and last week's model: what is odd, where and why; one folder per data and model; what is refused."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

import lo2
from lo2.artefacts.layout import Home
from lo2.artefacts.provenance import load_provenance as provenance
from lo2.errors import InputError
from lo2.loading.inventory import LoadOptions
from lo2.pipeline.detect import detect_run
from lo2.pipeline.load import load_run
from lo2.pipeline.options import DetectOptions, ScoreRunOptions
from lo2.pipeline.phases import recreate_phase
from lo2.pipeline.preprocessing import preprocessing_options
from lo2.pipeline.reference import reference_formats
from lo2.pipeline.score import Scored, score_run
from lo2.pipeline.shards import shard_given_formats
from shop import night


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Home:
    folder = tmp_path_factory.mktemp("shop")
    for number in range(30):
        night(folder / "logs", number)
    home = Home(folder / "out", folder / "models")
    load_run(folder / "logs", home, LoadOptions(unlabelled=True))
    detect_run(home, DetectOptions(skip_if=True, models=("knn_words",), save_model=True))
    return home


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("fresh") / "new"
    night(root, 40)
    night(root, 41, broken=True)
    night(root, 42)
    return root


@pytest.fixture(scope="module")
def scored(trained, fresh) -> Scored:
    return score_run(trained, ScoreRunOptions(root=fresh))


def test_the_bad_night_is_flagged_and_its_lines_are_found_with_their_place_and_trace(scored):
    found = scored.found.findings
    assert [(one.path, one.flagged, one.first) for one in found.runs if one.flagged] == [("night-41", True, "pay")]
    assert found.targets[0][0] == "night-41"
    assert [(one.file, one.kind) for one in found.findings] == [
        ("night-41/pay.log", "new"),
        ("night-41/shop.log", "new"),
    ]
    one = found.findings[0]
    assert (one.end_line - one.line, one.count) == (2, 2)
    assert "never in 18 training runs; nearest: order <*> paid by card" in one.reason
    assert "refused by the bank password=<*>" in one.text
    assert "Hunter2xyz" not in json.dumps(one.finding_document())


def test_people_whose_names_training_saw_at_that_place_are_no_finding(scored, trained, tmp_path):
    night(tmp_path / "new", 50, broken=True)
    log = tmp_path / "new" / "night-50" / "shop.log"
    log.write_text(log.read_text().replace("opened by anna", "opened by zoe"))
    found = score_run(trained, ScoreRunOptions(root=tmp_path / "new")).found.findings
    assert len(found.findings) == 2
    assert not any("zoe" in str(one.text) for one in found.findings)


def test_a_folder_per_data_and_model_holds_predictions_runs_explanations_findings_and_the_page(scored):
    folder = scored.path.parent
    assert folder.name == "knn_words"
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        "explainability/knn_words_line_attribution.csv",
        "explainability/knn_words_nn_mapping.csv",
        "explainability/knn_words_top_tokens.txt",
        "findings.json",
        "lo2_knn_words_predictions.parquet",
        "lo2_runs.parquet",
        "report.html",
    ]
    lines = pl.read_csv(folder / "explainability" / "knn_words_line_attribution.csv")
    bad = lines.filter(pl.col("seq_id") == "night-41__all__pay").row(0, named=True)
    assert bad["file"] == "night-41/pay.log"
    assert bad["line"] in (11, 12, 13, 14, 15)
    nearest = pl.read_csv(folder / "explainability" / "knn_words_nn_mapping.csv")
    assert nearest.filter(pl.col("seq_id") == "night-41__all__pay")["normal_seq_id"][0].endswith("__all__pay")
    assert "refused" in nearest.filter(pl.col("seq_id") == "night-41__all__pay")["extra"][0]
    page = (folder / "report.html").read_text()
    assert "night-41/pay.log:" in page
    assert "Hunter2xyz" not in page
    assert json.loads((folder / "findings.json").read_text())["format"] == 1


def test_scores_only_leaves_the_rest_out(trained, fresh, tmp_path):
    night(tmp_path / "other", 60, broken=True)
    found = score_run(trained, ScoreRunOptions(root=tmp_path / "other", no_explain=True))
    assert sorted(path.name for path in found.path.parent.iterdir()) == [
        "lo2_knn_words_predictions.parquet",
        "lo2_runs.parquet",
    ]
    assert found.report is None


def test_another_model_goes_to_a_folder_of_its_own(trained, fresh, scored, tmp_path):
    for path in trained.models.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    same = score_run(trained, ScoreRunOptions(root=fresh, model=tmp_path / "knn_words.joblib"))
    assert same.path == scored.path
    other = Home(trained.result, tmp_path / "elsewhere")
    found = score_run(other, ScoreRunOptions(root=fresh, model=trained.models / "knn_words.joblib"))
    assert found.path.parent.name.startswith("knn_words-")
    assert found.path.parent.parent == scored.path.parent.parent


def test_equal_input_gives_equal_bytes_and_the_record_makes_them_again(trained, fresh, scored, tmp_path):
    before = {path: path.read_bytes() for path in scored.path.parent.rglob("*") if path.is_file()}
    recreate_phase("score", provenance(trained).phases["score"], trained)
    assert {path: path.read_bytes() for path in scored.path.parent.rglob("*") if path.is_file()} == before
    recorded = provenance(trained).artefacts
    assert trained.logical(scored.path.with_name("report.html")) in recorded


def test_without_a_reference_there_are_scores_only_said_once(trained, fresh, tmp_path):
    for name in ("knn_words.joblib", "knn_words.yml"):
        (tmp_path / name).write_bytes((trained.models / name).read_bytes())
    found = score_run(trained, ScoreRunOptions(root=fresh, model=tmp_path / "knn_words.joblib"))
    assert found.found.explanation is None
    assert sum("no reference" in note for note in found.notes) == 1
    assert found.predictions.height == 6


def test_a_bundle_whose_masks_this_version_does_not_have_is_refused(trained, fresh, tmp_path):
    with pytest.raises(InputError, match="Train again"):
        score_run(trained, ScoreRunOptions(root=fresh, model=_with_preprocessing(trained, tmp_path, values="0000")))


def test_other_rules_for_secrets_are_said_and_change_no_score(trained, fresh, tmp_path):
    today = score_run(trained, ScoreRunOptions(root=fresh))
    old = score_run(trained, ScoreRunOptions(root=fresh, model=_with_preprocessing(trained, tmp_path, masks="0000")))
    earlier = score_run(
        trained, ScoreRunOptions(root=fresh, model=_with_preprocessing(trained, tmp_path, masks="0000", values=None))
    )
    assert old.predictions["score_knn_words"].equals(today.predictions["score_knn_words"])
    for found, said in ((today, 0), (old, 1), (earlier, 1)):
        assert sum("other rules for secrets" in note for note in found.notes) == said


def _with_preprocessing(trained, folder, **changes):
    """A copy of the bundle whose card says otherwise how its logs were read; None leaves out."""
    for path in trained.models.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    card = yaml.safe_load((folder / "knn_words.yml").read_text())
    card["door"] = {name: value for name, value in (card["door"] | changes).items() if value is not None}
    (folder / "knn_words.yml").write_text(yaml.safe_dump(card))
    return folder / "knn_words.joblib"


def test_new_logs_are_tried_for_the_formats_of_the_training_logs(trained, tmp_path):
    bundle = lo2.open_bundle(trained.path("model_bundle", model="knn_words"))
    formats = reference_formats(bundle.reference)
    assert formats["pay"]
    options = preprocessing_options(bundle.card["door"], LoadOptions(), formats)
    assert f"pay={formats['pay'][0]}" in options.expected_format
    assert preprocessing_options(
        bundle.card["door"], LoadOptions(expected_format=("pay=access (clf)",)), formats
    ).expected_format == ("pay=access (clf)",)
    assert shard_given_formats(options)("pay").expected == tuple(formats["pay"])


def test_in_python_a_bundle_scores_and_explains_a_path_and_what_load_returns(trained, fresh, scored):
    bundle = lo2.open_bundle(trained.models / "knn_words.joblib")
    assert bundle.score(fresh).equals(scored.predictions)
    loaded = lo2.load(fresh, unlabelled=True)
    assert bundle.score(loaded).equals(scored.predictions)
    explained = bundle.explain(fresh)
    assert explained.findings.findings == scored.found.findings.findings
    assert explained.explanation.lines.equals(scored.found.explanation.lines)
    assert bundle.explain(loaded).findings.findings == scored.found.findings.findings
    from_table = bundle.explain(loaded.sequences)
    assert from_table.explanation is not None
    assert from_table.findings.why == "the raw logs are not at hand"
