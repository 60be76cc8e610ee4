import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from artefacts.result_root import detect_phase, explain_phase, load_phase
from lo2.artefacts import files, provenance
from lo2.artefacts.layout import ARTEFACTS, Home
from lo2.artefacts.scan import scan_artefacts, scan_problems
from lo2.errors import CheckFailedError, InputNotFoundError


def states(home, **options):
    return {finding.path: finding.state for finding in scan_artefacts(home, **options) if finding.state != "missing"}


def recorded(home):
    """Every file that a check answers for."""
    return [*provenance.load_provenance(home).artefacts, "provenance.json", "SHA256SUMS"]


def test_a_finished_root_is_present_throughout_and_sha256sum_agrees(home):
    assert set(states(home).values()) == {"present"}
    assert scan_problems(scan_artefacts(home, strict=True)) == []
    done = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=home.result, capture_output=True, text=True, check=True
    )
    assert len(done.stdout.splitlines()) == len([p for p in recorded(home) if not p.startswith("models/")]) - 1


def test_every_file_that_is_deleted_or_edited_is_found(home):
    for path in recorded(home):
        target = home.locate_artefact(path)
        old = target.read_bytes()
        target.unlink()
        assert [(f.path, f.state) for f in scan_problems(scan_artefacts(home))] == [(path, "missing")]
        target.write_bytes(old[:-1] + bytes([old[-1] ^ 1]))
        assert [(f.path, f.state) for f in scan_problems(scan_artefacts(home))] == [(path, "changed")]
        target.write_bytes(old)
        assert scan_problems(scan_artefacts(home)) == []


def test_an_edit_that_keeps_size_and_time_is_found_by_a_strict_scan_alone(home):
    path = home.path("predictions")
    old = path.stat()
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert scan_problems(scan_artefacts(home)) == []
    assert [f.state for f in scan_problems(scan_artefacts(home, strict=True))] == ["changed"]


def test_what_was_made_from_older_input_is_stale_all_the_way_down(home):
    load_phase(home, words=("other",))
    stale = {path for path, state in states(home).items() if state == "stale"}
    assert {"lo2_if_predictions.parquet", "models/model.yml", "explainability/if_shap_bar.png"} <= stale
    assert "lo2_sequences_enhanced.parquet" not in stale


def test_files_of_nobody_are_foreign_and_no_problem(home):
    (home.result / "notes.txt").write_text("mine")
    files.write_bytes(home.path("model_bundle", model="knn_words"), b"from elsewhere")
    assert {p for p, s in states(home).items() if s == "foreign"} == {"notes.txt", "models/knn_words.joblib"}
    assert scan_problems(scan_artefacts(home)) == []


def test_a_link_in_place_of_an_artefact_is_a_change(home, tmp_path):
    path = home.path("report")
    target = home.path("predictions")
    shutil.move(target, tmp_path / "elsewhere")
    target.symlink_to(tmp_path / "elsewhere")
    assert [f.state for f in scan_problems(scan_artefacts(home))] == ["changed"]
    assert not path.exists()


def test_an_empty_root_misses_all_that_is_required(tmp_path):
    missing = {f.name for f in scan_problems(scan_artefacts(Home(tmp_path / "r", tmp_path / "m")))}
    assert missing == {row.name for row in ARTEFACTS.values() if row.required}


def test_two_variants_side_by_side_are_both_clean(tmp_path, forest):
    for name in ("lo2", "lo2_drain"):
        place = Home(tmp_path / "result" / name, tmp_path / "models" / ("" if name == "lo2" else name))
        load_phase(place)
        detect_phase(place, forest)
        explain_phase(place)
    for name in ("", "lo2_drain"):
        place = Home(tmp_path / "result" / (name or "lo2"), tmp_path / "models" / name)
        assert set(states(place).values()) == {"present"}


def test_equal_runs_give_equal_records_wherever_they_write(tmp_path, forest):
    texts = []
    for name in ("a", "b"):
        place = Home(tmp_path / name, tmp_path / f"{name}-models")
        load_phase(place)
        detect_phase(place, forest)
        explain_phase(place)
        texts.append((place.path("sums").read_text(), place.path("provenance").read_text()))
    assert texts[0] == texts[1]


def test_options_that_do_not_determine_bytes_are_not_recorded(home):
    options = {"jobs": 2, "root": "/raw", "runs": 5}
    provenance.record_provenance(home, phase="load", options=options, seed=1, input_fingerprint="f" * 64, written=[])
    assert provenance.load_provenance(home).phases["load"]["options"] == {"runs": 5}


def test_reading_a_changed_file_is_refused_until_the_change_is_accepted(home, tmp_path):
    path = home.path("sequences")
    assert provenance.check_recorded_hash(home, path) == files.sha256(path)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(CheckFailedError, match="--accept-changed"):
        provenance.check_recorded_hash(home, path)
    provenance.check_recorded_hash(home, path, accept_changed=True)
    assert provenance.check_recorded_hash(home, path) == files.sha256(path)
    path.unlink()
    with pytest.raises(InputNotFoundError):
        provenance.check_recorded_hash(home, path)
    (tmp_path / "outside.parquet").write_bytes(b"x")
    assert provenance.check_recorded_hash(home, tmp_path / "outside.parquet") == files.sha256_bytes(b"x")


def test_a_damaged_record_says_how_to_repair_it(home):
    home.path("provenance").write_text('{"format": 1}')
    with pytest.raises(CheckFailedError, match="lo2 restore provenance"):
        provenance.load_provenance(home)
    home.path("provenance").write_text(json.dumps({"format": 9}))
    with pytest.raises(CheckFailedError, match="update lo2"):
        provenance.load_provenance(home)


def test_times_and_paths_stay_in_the_run_log(home, tmp_path):
    provenance.append_run_log(home, phase="load", root=tmp_path, seconds=1.5)
    assert provenance.recorded_raw_root(home) == tmp_path
    assert str(tmp_path) not in home.path("provenance").read_text() + home.path("sums").read_text()
    home.path("run_log").write_text("damaged")
    assert provenance.recorded_raw_root(home) is None
    assert scan_problems(scan_artefacts(home)) == []


def test_the_guides_tool_lists_all_and_writes_its_page_only_without_dry_run(home):
    tool = Path(__file__).parents[2] / "tools" / "lo2_result_scan.py"
    arguments = [sys.executable, str(tool), "--output-dir", str(home.result), "--models-dir", str(home.models)]
    dry = subprocess.run([*arguments, "--dry-run"], capture_output=True, text=True)
    assert dry.returncode == 0, dry.stderr
    assert "explainability/if_nn_mapping.csv" in dry.stdout
    assert not home.path("scan_summary").exists()
    home.path("bundle").unlink()
    wet = subprocess.run(arguments, capture_output=True, text=True)
    assert wet.returncode == 3
    assert "models/lo2_if.joblib: missing" in wet.stdout
    page = home.path("scan_summary").read_text()
    assert "| `models/lo2_if.joblib` | missing |" in page
    assert "present" in page.splitlines()[2]


def test_scan_clean_and_pack_import_no_machine_learning(home, tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/shop.txt").write_text("up\n")
    code = (
        "import sys, datetime; from pathlib import Path; from lo2.artefacts.layout import Home\n"
        "from lo2.artefacts import clean, scan; from lo2.pipeline.pack import pack\n"
        "home = Home(Path(sys.argv[1]), Path(sys.argv[2])); scan.scan_artefacts(home, strict=True)\n"
        "clean.plan_cleaning(home, clean.CleanOptions(keep=0), now=datetime.datetime.now(datetime.UTC))\n"
        "pack(home, Path(sys.argv[3]), raw_root=Path(sys.argv[4]), include_parquet=True)\n"
        "print({'sklearn', 'scipy', 'shap', 'matplotlib'} & {name.partition('.')[0] for name in sys.modules})"
    )
    arguments = [str(home.result), str(home.models), str(tmp_path / "a.zip"), str(tmp_path / "raw")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


def test_what_was_made_from_something_stale_is_stale_itself_at_any_distance():
    """`c` fits the `b` that it was made from, and `b` no longer the `a`."""
    from lo2.artefacts.provenance import Entry, Provenance
    from lo2.artefacts.scan import _why_stale

    chain = [Entry("a", "new", 1, "load"), Entry("b", "b1", 1, "detect", {"a": "old"})]
    chain += [Entry("c", "c1", 1, "explain", {"b": "b1"}), Entry("d", "d1", 1, "report", {"c": "c1"})]
    trusted = Provenance({}, {entry.path: entry for entry in chain})
    said = [_why_stale(entry, trusted, set()) for entry in chain]
    assert said == ["", "older than a", "b is stale", "c is stale"]
