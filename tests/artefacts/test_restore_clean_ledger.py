import datetime as dt
import os
import shutil
import zipfile
from pathlib import Path

import polars as pl
import pytest

from artefacts.result_root import detect_phase, explain_phase, load_phase, record
from lo2.artefacts import clean, files, ledger, provenance
from lo2.artefacts.layout import Home
from lo2.artefacts.naming import RunName
from lo2.artefacts.restore import plan_restore, restore_artefacts
from lo2.artefacts.scan import scan_artefacts, scan_problems
from lo2.errors import CheckFailedError, InputNotFoundError, UsageError

NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def recreate(forest):
    """What the pipeline does: run one phase again elsewhere."""
    calls = []

    def again(phase, facts, workshop):
        calls.append((phase, facts["seed"]))
        steps = {"load": load_phase, "detect": lambda home: detect_phase(home, forest), "explain": explain_phase}
        steps[phase](workshop)

    again.calls = calls
    return again


def test_every_artefact_that_is_deleted_or_edited_comes_back_the_same(home, recreate):
    for path in [*provenance.load_provenance(home).artefacts, "provenance.json", "SHA256SUMS"]:
        target = home.locate_artefact(path)
        old = target.read_bytes()
        for damage in (None, old[:-1] + bytes([old[-1] ^ 1])):
            target.unlink() if damage is None else target.write_bytes(damage)
            assert [one.path for one in restore_artefacts(home, recreate=recreate)] == [path]
            assert target.read_bytes() == old
    assert scan_problems(scan_artefacts(home, strict=True)) == []
    assert restore_artefacts(home, recreate=recreate) == []


def test_what_a_lost_artefact_needs_is_restored_before_it(home, recreate):
    home.path("sequences").unlink()
    home.path("predictions").unlink()
    home.path("shap_bar").unlink()
    assert [step.phase for step in plan_restore(home, ["shap_bar"])] == ["load", "detect", "explain"]
    restore_artefacts(home, ["shap_bar"], recreate=recreate)
    assert recreate.calls == [("load", 0), ("detect", 0), ("explain", 0)]
    assert scan_problems(scan_artefacts(home, strict=True)) == []


def test_only_what_was_asked_for_is_restored(home, recreate):
    home.path("shap_bar").unlink()
    home.path("quality").unlink()
    restore_artefacts(home, ["quality"], recreate=recreate)
    assert [f.name for f in scan_problems(scan_artefacts(home))] == ["shap_bar"]


def test_every_path_that_a_scan_lists_may_be_named(home, recreate):
    for name in ("SHA256SUMS", "provenance.json"):
        (home.result / name).write_text("edited")
        assert name in [one.path for one in restore_artefacts(home, [name], recreate=recreate)]
        assert scan_problems(scan_artefacts(home, strict=True)) == []
    for finding in scan_artefacts(home, strict=True):
        assert restore_artefacts(home, [finding.path], recreate=recreate) == []
    assert recreate.calls == []


def test_what_comes_out_different_replaces_nothing(home):
    target = home.path("predictions")
    target.write_bytes(b"edited")

    def other(phase, facts, workshop):
        files.write_bytes(workshop.path("predictions"), b"other versions")
        record(workshop, "detect", [workshop.path("predictions")])

    with pytest.raises(CheckFailedError, match="came out different"):
        restore_artefacts(home, ["predictions"], recreate=other)
    assert target.read_bytes() == b"edited"
    assert not (home.result / ".restore").exists()


def test_what_was_never_made_or_does_not_exist_is_said_so(home, recreate):
    with pytest.raises(UsageError, match="no artefact 'nonsense'"):
        restore_artefacts(home, ["nonsense"], recreate=recreate)
    with pytest.raises(InputNotFoundError, match="run the phases again"):
        restore_artefacts(Home(home.result / "empty", home.models / "empty"), recreate=recreate)


def keep(home, date="2025-11-03", **facts):
    name = RunName(dt.date.fromisoformat(date), "words", 0.1)
    return ledger.keep_run(home, name, [home.path("metrics_json"), home.path("predictions")], facts)


def test_a_kept_run_is_checked_and_its_copies_restored(home, recreate):
    folder = keep(home, seed=0)
    assert folder.name == "run_2025-11-03_words_0.10"
    (folder / "if_metrics.json").write_text("edited")
    assert [f.path for f in scan_problems(scan_artefacts(home))] == [f"metrics/{folder.name}/if_metrics.json"]
    restore_artefacts(home, recreate=recreate)
    assert scan_problems(scan_artefacts(home)) == []
    assert recreate.calls == []


def test_the_same_run_again_is_the_same_folder_and_another_gets_a_number(home):
    assert keep(home, seed=0) == keep(home, seed=0)
    assert keep(home, seed=1).name == "run_2025-11-03_words_0.10.2"
    assert keep(home, seed=1).name == "run_2025-11-03_words_0.10.2"
    assert [run.name for run in ledger.kept_runs(home)] == ["2025-11-03_words_0.10", "2025-11-03_words_0.10.2"]


def test_a_run_whose_copying_was_interrupted_is_completed(home):
    folder = keep(home, seed=0)
    (folder / "SHA256SUMS").unlink()
    (folder / "run.json").unlink()
    assert keep(home, seed=0) == folder
    assert ledger.read_kept_run(folder).facts["seed"] == 0


def test_plain_date_folders_and_csv_metrics_are_read(home):
    folder = home.metrics / "run_2024-05-06"
    files.write_text(folder / "if_metrics.csv", "metric,value,low,high,n,why\nauc,0.75,,,12,\n")
    run = ledger.find_kept_run(home, "run_2024-05-06")
    assert run.date == dt.date(2024, 5, 6)
    assert run.metrics["if"]["auc"]["value"] == 0.75


def test_compare_shows_options_data_and_metrics_that_differ(home):
    a = ledger.read_kept_run(keep(home, seed=0, data_fingerprint="a", options={"if": {"n_estimators": 100}}))
    files.write_json(home.path("metrics_json"), {"metrics": {"auc": {"value": 0.7}, "ap": {"value": 0.5}}})
    b = ledger.read_kept_run(keep(home, seed=0, data_fingerprint="b", options={"if": {"n_estimators": 200}}))
    assert ledger.kept_run_differences(a, b) == [
        ledger.LedgerDifference("data_fingerprint", "a", "b"),
        ledger.LedgerDifference("options.if.n_estimators", 100, 200),
    ]
    assert ledger.kept_metric_differences(a, b) == [
        ledger.LedgerDifference("if.ap", None, 0.5),
        ledger.LedgerDifference("if.auc", 0.9, 0.7),
    ]
    assert a.kept_predictions("if") is not None
    assert a.kept_predictions("knn_words") is None


def test_an_unknown_run_is_answered_with_the_known_ones(home):
    with pytest.raises(InputNotFoundError):
        ledger.find_kept_run(home, "2025-11-03_words_0.10")
    keep(home)
    with pytest.raises(UsageError, match=r"2025-11-03_words_0\.10"):
        ledger.find_kept_run(home, "2025-11-04_words_0.10")


def test_a_result_root_stands_for_its_last_run_and_other_folders_for_none(home, monkeypatch):
    keep(home, "2025-11-03")
    folder = keep(home, "2025-11-04")
    root = f"{home.result.parent}/{home.result.name}"
    assert ledger.find_kept_run(home, root).name == f"{home.result.name}/2025-11-04_words_0.10"
    assert ledger.find_kept_run(home, str(folder)).name == "2025-11-04_words_0.10"
    monkeypatch.chdir(home.result.parent)  # where no slash says that it is a path
    assert ledger.find_kept_run(home, home.result.name).name == f"{home.result.name}/2025-11-04_words_0.10"
    (home.result.parent / "2025-11-03_words_0.10").mkdir()
    assert ledger.find_kept_run(home, "2025-11-03_words_0.10").folder == home.metrics / "run_2025-11-03_words_0.10"
    with pytest.raises(InputNotFoundError, match="neither a run's folder nor a result root"):
        ledger.find_kept_run(home, str(home.result.parent))


def aged(home, days: dict[str, int]):
    """Kept runs of different ages."""
    for date, age in days.items():
        folder = keep(home, date)
        for path in folder.iterdir():
            os.utime(path, (NOW.timestamp() - age * 86_400,) * 2)


def everything(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def names(plan_):
    return [(group.kind, group.name) for group in plan_.groups]


def test_a_plan_goes_by_age_count_and_size_and_touches_nothing(home):
    aged(home, {"2025-01-01": 90, "2025-02-01": 60, "2025-03-01": 30})
    before = everything(home.result)
    runs = ("runs",)
    old = clean.plan_cleaning(home, clean.CleanOptions(runs, older_than_days=45), now=NOW)
    assert names(old) == [("runs", "run_2025-01-01_words_0.10"), ("runs", "run_2025-02-01_words_0.10")]
    size = sum(len(data) for path, data in before.items() if path.startswith("metrics/run_2025-01"))
    assert old.bytes_to_clean == 2 * size
    assert names(clean.plan_cleaning(home, clean.CleanOptions(runs, keep=2), now=NOW)) == names(old)[:1]
    assert (
        names(clean.plan_cleaning(home, clean.CleanOptions(runs, max_mb=2.5 * size / 1e6), now=NOW)) == names(old)[:1]
    )
    assert len(names(clean.plan_cleaning(home, clean.CleanOptions(runs, max_mb=0), now=NOW))) == 3
    assert names(clean.plan_cleaning(home, now=NOW)) == []
    assert everything(home.result) == before


def test_applying_moves_to_the_trash_forgets_and_archives(home, tmp_path):
    aged(home, {"2025-01-01": 90})
    chosen = clean.plan_cleaning(home, clean.CleanOptions(keep=0), now=NOW)
    assert {kind for kind, _ in names(chosen)} == {"explainability", "runs"}
    before = everything(home.result)
    trash = clean.apply_cleaning(home, chosen, now=NOW, archive=tmp_path / "old.zip")
    moved = [path for group in chosen.groups for path in group.paths]
    assert everything(trash) == {path: before[path] for path in moved}
    with zipfile.ZipFile(tmp_path / "old.zip") as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == everything(trash)
    assert not (home.result / "explainability").exists()
    assert not list(home.metrics.glob("run_*"))
    assert home.path("metrics_json").exists()
    assert {f.state for f in scan_problems(scan_artefacts(home))} == {"missing"}
    assert home.path("sums").read_text().count("explainability") == 0
    clean.empty_trash(home)
    assert not trash.exists()


def test_only_what_the_table_and_the_sums_know_is_ever_in_a_plan(home, tmp_path):
    (home.result / "explainability/notes.txt").write_text("mine")
    home.path("top_tokens").write_text("edited by hand")
    files.write_text(home.metrics / "run_2020-01-01/if_metrics.csv", "metric,value\n")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "SHA256SUMS").write_text("")
    (outside / "if_metrics.csv").write_text("precious")
    (home.metrics / "run_2021-01-01").symlink_to(outside)
    home.path("shap_bar").unlink()
    (tmp_path / "precious.png").write_bytes(b"precious")
    home.path("shap_bar").symlink_to(tmp_path / "precious.png")
    chosen = clean.plan_cleaning(home, clean.CleanOptions(keep=0), now=NOW)
    assert chosen.skipped == {
        "explainability/if_shap_bar.png": "a link",
        "explainability/if_top_tokens.txt": "changed since it was written",
        "explainability/notes.txt": "no artefact of this program",
        "metrics/run_2020-01-01/if_metrics.csv": "no SHA256SUMS lists it",
        "metrics/run_2021-01-01": "a link",
    }
    clean.apply_cleaning(home, chosen, now=NOW)
    clean.empty_trash(home)
    assert (tmp_path / "precious.png").read_bytes() == b"precious"
    assert (outside / "if_metrics.csv").read_text() == "precious"
    assert (home.result / "explainability/notes.txt").exists()
    assert all(home.path(name).exists() for name in ("sequences", "predictions", "metrics_json", "bundle", "card"))


def test_keeping_one_keeps_all_that_the_last_explain_wrote(home):
    of_old = home.path("top_tokens", model="lof_words")
    others = [home.path("top_tokens", model=model) for model in ("if", "knn_words")]
    for path in (of_old, *others):
        files.write_text(path, "1\tERR\t0.5\n")
    written = [of_old, *others]
    for models in (["lof_words"], ["knn_words", "if"]):
        provenance.record_provenance(
            home, phase="explain", options={"models": models}, seed=0, input_fingerprint=None, written=written
        )
    chosen = clean.plan_cleaning(home, clean.CleanOptions(("explainability",), keep=1), now=NOW)
    assert [group.name for group in chosen.groups] == ["lof_words"]


def test_what_was_cleaned_away_can_be_made_again(home, recreate):
    clean.apply_cleaning(home, clean.plan_cleaning(home, clean.CleanOptions(keep=0), now=NOW), now=NOW)
    assert [one.how for one in restore_artefacts(home, ["top_tokens"], recreate=recreate)] == [
        "made again by explain, recorded anew"
    ]
    restore_artefacts(home, recreate=recreate)
    assert scan_problems(scan_artefacts(home, strict=True)) == []


def test_a_trash_that_is_a_link_is_refused(home, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/file").write_text("precious")
    (home.result / ".trash").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CheckFailedError, match="link"):
        clean.empty_trash(home)
    with pytest.raises(CheckFailedError, match="link"):
        clean.apply_cleaning(home, clean.plan_cleaning(home, clean.CleanOptions(keep=0), now=NOW), now=NOW)
    assert (tmp_path / "elsewhere/file").read_text() == "precious"
    assert home.path("shap_bar").exists()


def test_a_file_that_became_a_link_since_the_plan_stops_everything(home, tmp_path):
    chosen = clean.plan_cleaning(home, clean.CleanOptions(keep=0), now=NOW)
    home.path("shap_bar").rename(tmp_path / "moved.png")
    home.path("shap_bar").symlink_to(tmp_path / "moved.png")
    with pytest.raises(CheckFailedError, match="nothing was deleted"):
        clean.apply_cleaning(home, chosen, now=NOW)
    assert home.path("top_tokens").exists()


def test_scored_data_and_the_cache_are_groups_of_their_own(home):
    scored = home.path("scored", fingerprint="ab12ab12ab12ab12", folder="if")
    for phase, path in (("score", scored), ("detect", home.path("enhanced_cache"))):
        files.write_parquet(path, pl.DataFrame({"a": [1]}))
        record(home, phase, [path])
    chosen = clean.plan_cleaning(home, clean.CleanOptions(("scored", "enhanced"), keep=0), now=NOW)
    assert names(chosen) == [("enhanced", "cache"), ("scored", "ab12ab12ab12ab12")]


def test_what_differs_is_listed_at_the_end_and_all_else_is_restored(home, recreate):
    old = {name: home.path(name).read_bytes() for name in ("quality", "predictions", "metrics_json")}
    for name in (*old, "shap_bar"):
        home.path(name).unlink()
    told = []

    def other(phase, facts, workshop):
        recreate(phase, facts, workshop)
        if phase == "detect":
            files.write_bytes(workshop.path("predictions"), b"other versions")
            record(workshop, "detect", [workshop.path("predictions")])

    with pytest.raises(CheckFailedError) as caught:
        restore_artefacts(home, recreate=other, call=lambda phase: f"lo2 {phase} --as-then", tell=told.append)
    assert str(caught.value) == (
        "lo2_if_predictions.parquet came out different: made by another version of lo2, or from other input. "
        "Not tried, as it is made from what is not back: explainability/if_shap_bar.png. "
        "Make them anew with: lo2 detect --as-then, then lo2 explain --as-then"
    )
    assert [one.path for one in told] == [home.logical(home.path(name)) for name in ("quality", "metrics_json")]
    assert [home.path(name).read_bytes() for name in ("quality", "metrics_json")] == [
        old["quality"],
        old["metrics_json"],
    ]
    assert not home.path("predictions").exists()


def test_libraries_of_other_versions_are_named_where_what_they_made_differs(home):
    was = provenance.load_provenance(home)
    facts = {**was.phases["detect"], "versions": {**provenance.library_versions(), "numpy": "0.9"}}
    provenance.save_provenance(home, provenance.Provenance({**was.phases, "detect": facts}, was.artefacts))
    home.path("predictions").write_bytes(b"edited")

    def other(phase, facts, workshop):
        files.write_bytes(workshop.path("predictions"), b"other versions")
        record(workshop, "detect", [workshop.path("predictions")])

    with pytest.raises(CheckFailedError, match=r"made with numpy 0\.9 \(here \d.*What is there is untouched"):
        restore_artefacts(home, ["predictions"], recreate=other)


def test_kept_runs_come_before_the_report_that_names_them(home):
    folder = keep(home, seed=0)
    files.write_text(home.path("report"), "page")
    record(home, "report", [home.path("report")])
    (folder / "if_metrics.json").unlink()
    home.path("report").unlink()
    assert [step.phase for step in plan_restore(home)] == ["run", "report"]


def test_a_deleted_folder_of_metrics_comes_back_with_the_run_kept_in_it(home, recreate):
    folder = keep(home, seed=0)
    page = f"run {folder.name}"
    files.write_text(home.path("report"), page)
    record(home, "report", [home.path("report")])
    shutil.rmtree(home.metrics)
    home.path("report").unlink()

    def again(phase, facts, workshop):
        if phase == "report":
            files.write_text(workshop.path("report"), f"run {''.join(p.name for p in workshop.metrics.glob('run_*'))}")
            record(workshop, "report", [workshop.path("report")])
        else:
            recreate(phase, facts, workshop)
            keep(workshop, seed=0)

    restore_artefacts(home, recreate=again)
    assert home.path("report").read_text() == page
    assert (folder / "SHA256SUMS").is_file()
    assert scan_problems(scan_artefacts(home, strict=True)) == []
