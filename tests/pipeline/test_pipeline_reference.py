"""The reference beside a bundle: what new logs are compared with, without any word of a learnt position."""

from pathlib import Path

import polars as pl
import pytest

from lo2.artefacts.bundle import bundle_strings
from lo2.artefacts.card import FORMAT, card_reference_path, read_card
from lo2.artefacts.layout import Home
from lo2.errors import UntrustedBundleError
from lo2.models.learnt_words import LEARNT
from lo2.models.options import SplitOptions
from lo2.models.split import split_runs
from lo2.pipeline.cards import read_fitted_with_card
from lo2.pipeline.detect import detect_run
from lo2.pipeline.learnt_variables import learn_table_variables
from lo2.pipeline.load import load_run
from lo2.pipeline.options import DetectOptions, ScoreRunOptions
from lo2.pipeline.reference import NORMALS, SHOWN_RUNS, make_reference, read_reference
from lo2.pipeline.score import score_run
from lo2.pipeline.sequences import Sequences

NAMES = ("amber", "birch", "cedar", "dahlia", "elder", "fern")


def log(run: int, *, user: str, bad: bool = False) -> str:
    lines = [f"2024-05-{run + 1:02d} 08:00:{i:02d} INFO shop.Auth session opened for {user} today" for i in range(3)]
    lines += [f"2024-05-{run + 1:02d} 08:01:{i:02d} INFO shop.Cart basket stored" for i in range(5 + run % 2)]
    if bad:
        lines.append(f"2024-05-{run + 1:02d} 08:02:00 ERROR shop.Cart basket lost")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    folder = tmp_path_factory.mktemp("shop")
    for run in range(30):
        for case in ("correct", "broken"):
            path = folder / "logs" / f"night-{run:02d}" / case / "web.log"
            path.parent.mkdir(parents=True)
            path.write_text(log(run, user=NAMES[run % 5], bad=case == "broken"))
    where = Home(folder / "result", folder / "models")
    load_run(folder / "logs", where)
    detect_run(where, DetectOptions(save_model=True, skip_if=True))
    return where


@pytest.fixture
def bundle(home) -> Path:
    return home.path("model_bundle", model="knn_words")


def test_no_word_of_a_learnt_position_is_in_bundle_card_or_reference(home, bundle):
    found = read_reference(bundle, read_card(bundle))
    assert found.variables.templates == (("session opened for <*> today", (6,)),)
    texts = [*bundle_strings(bundle.read_bytes()), bundle.with_suffix(".yml").read_text(), str(found.table.to_dicts())]
    assert "today" in texts
    assert not [name for name in NAMES for text in texts if name in text]


def test_lines_have_their_counts_per_training_run(home, bundle):
    found = read_reference(bundle, read_card(bundle))
    lines = {row["text"]: row for row in found.templates.iter_rows(named=True)}
    assert sorted(lines) == ["basket stored", "session opened for <*> today"]
    stored = lines["basket stored"]
    assert (stored["runs"], stored["count"], stored["counts"]) == (18, 99, [5, 6] * 9)
    assert stored["rate"] == pytest.approx(99 / 153)
    service = found.services.row(0, named=True)
    assert (service["service"], service["runs"], service["sequences"]) == ("web", 18, 18)
    assert service["events"] == [8, 9] * 9
    assert service["formats"]


def test_normals_are_distinct_in_what_the_detector_reads(bundle):
    found = read_reference(bundle, read_card(bundle))
    assert found.normals.height == 2
    assert found.normals[LEARNT].to_list() == found.normals["e_words"].to_list()
    assert set(found.normals["e_event_drain_id"].explode()) == set(found.templates["template_id"])


def test_a_new_name_is_not_odd_with_the_reference_and_odd_without_it(home, bundle, tmp_path):
    for user, case in ((NAMES[5], "new"), (NAMES[0], "old")):
        path = tmp_path / "logs" / "night-99" / case / "web.log"
        path.parent.mkdir(parents=True)
        path.write_text(log(0, user=user))
    options = ScoreRunOptions(model=bundle, root=tmp_path / "logs")
    scores = score_run(Home(tmp_path / "a", tmp_path / "models"), options).predictions["score_knn_words"]
    assert scores[0] == scores[1]
    alone = tmp_path / "alone" / bundle.name
    alone.parent.mkdir()
    for path in (bundle, bundle.with_suffix(".yml")):
        (alone.parent / path.name).write_bytes(path.read_bytes())
    options = ScoreRunOptions(model=alone, root=tmp_path / "logs")
    found = score_run(Home(tmp_path / "b", tmp_path / "models"), options)
    assert any("is not there" in note for note in found.notes)
    assert found.predictions["score_knn_words"].min() > scores.max()


def test_a_changed_reference_is_refused(bundle, tmp_path):
    for path in (bundle, bundle.with_suffix(".yml"), card_reference_path(bundle)):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    copy = tmp_path / bundle.name
    fitted, _ = read_fitted_with_card(copy)
    assert fitted.variables.templates
    card_reference_path(copy).write_bytes(card_reference_path(copy).read_bytes() + b"\0")
    with pytest.raises(UntrustedBundleError, match="its card says"):
        read_fitted_with_card(copy)


def test_a_reference_of_another_shape_is_refused(bundle, tmp_path):
    from lo2.artefacts.files import sha256

    for frame in (pl.DataFrame({"kind": ["variable"]}), pl.DataFrame({"a": [1]})):
        path = card_reference_path(tmp_path / "m.joblib")
        frame.write_parquet(path)
        with pytest.raises(UntrustedBundleError, match="is no reference"):
            read_reference(tmp_path / "m.joblib", {"reference_sha256": sha256(path)})


def test_the_card_has_its_format_and_the_old_one_is_read():
    assert FORMAT == 2
    golden = Path(__file__).parents[1] / "golden" / "bundle-knn-format1" / "knn_words.joblib"
    fitted, bundle = read_fitted_with_card(golden)
    assert bundle.card["format"] == 1
    assert not fitted.spec.learnt
    assert read_reference(golden, bundle.card) is None


def test_many_runs_and_normals_are_thinned_evenly_and_a_bare_table_has_what_it_has():
    n = 400
    frame = pl.DataFrame(
        {"seq_id": [f"r{i:03d}" for i in range(n)], "e_words": [[f"w{i}", "up"] for i in range(n)], "anomaly": False}
    )
    split = split_runs(frame, SplitOptions())
    table, variables = learn_table_variables(Sequences(frame, ""), split)
    found = make_reference(table.frame, split, table.texts, variables)
    assert found.normals.height <= NORMALS
    assert found.templates.height == 0
    assert len(found.services["events"][0]) == SHOWN_RUNS
    assert found.data == make_reference(table.frame.reverse(), split.reverse(), None, variables).data
