"""The life of real artefacts: phases run in several ways, then files are lost, edited, restored and compared."""

import gzip
import json
import re
import shutil
import subprocess
import sys
import zipfile
from base64 import b64decode, b64encode, urlsafe_b64encode
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
import yaml

from lo2.artefacts.bundle import load_bundle
from lo2.artefacts.layout import Home
from lo2.artefacts.scan import scan_artefacts, scan_problems
from lo2.models.bundles import EXTRA_ALLOWED

REAL = Path(__file__).parents[3] / "shared/lo2/real/light-oauth2-data-1719592986/correct"
BUNDLE = Path("models/lo2_if.joblib")


@pytest.fixture(scope="module")
def lived(finished_workspace, tmp_path_factory, lo2) -> Path:
    """A workspace in which phases ran more than once, with other options."""
    folder = tmp_path_factory.mktemp("lived") / "workspace"
    shutil.copytree(finished_workspace, folder)
    lo2("score", "--root", "fresh", cwd=folder)
    runs = sorted(path.name for path in (folder / "logs").iterdir() if path.is_dir())
    sides = dict(zip(runs, ("train", "train", "holdout", "test", "test"), strict=True))
    (folder / "split.json").write_text(json.dumps({"runs": sides}))
    lo2("detect", "--if-contamination", 0.1, "--split-file", "split.json", cwd=folder)
    lo2("detect", "--if-contamination", 0.4, "--split-file", "split.json", "--save-enhancers", cwd=folder)
    lo2("explain", cwd=folder)
    lo2("report", cwd=folder)
    lo2("score", "--root", "logs", "--service-types", "client", cwd=folder)
    return folder


@pytest.fixture
def home(lived, tmp_path) -> Home:
    """Result and model root of a copy that a test may damage; the raw logs stay where they are."""
    shutil.copytree(lived / "demo", tmp_path / "demo")
    shutil.copytree(lived / "models", tmp_path / "models")
    return Home(tmp_path / "demo/result/lo2", tmp_path / "models")


def flipped(data: bytes) -> bytes:
    """The same with one bit of its middle byte turned."""
    place = len(data) // 2
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :] if data else b"x"


def restore(home: Home, lo2, *arguments: str):
    where = ("--output-dir", home.result, "--models-dir", home.models)
    return lo2("restore", *arguments, *where, cwd=home.result)


def written(home: Home) -> list[str]:
    """Every file that a phase answers for."""
    return [f.path for f in scan_artefacts(home) if f.state == "present" and f.name not in ("run_log", "scan_summary")]


def test_every_file_that_is_deleted_or_edited_is_found_and_restored_on_another_day(home, lo2, monkeypatch):
    whole = {path: home.locate_artefact(path).read_bytes() for path in written(home)}
    assert len(whole) > 50
    assert scan_problems(scan_artefacts(home, strict=True)) == []
    for path, data in whole.items():
        target = home.locate_artefact(path)
        for damage in (b"", flipped(data)):
            target.write_bytes(damage) if damage else target.unlink()
            found = {finding.path: finding.state for finding in scan_problems(scan_artefacts(home))}
            assert path in found or (found and path.endswith("/SHA256SUMS")), path
        target.write_bytes(data)
    lost = [path for path in whole if not path.startswith("metrics/run_")]
    kept = [path for path in whole if path.startswith("metrics/run_") and path.endswith(("run.json", "if_metrics.csv"))]
    for i, path in enumerate([*lost, *kept]):
        home.locate_artefact(path).write_bytes(flipped(whole[path])) if i % 2 else home.locate_artefact(path).unlink()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1900000000")
    restore(home, lo2, "--all")
    assert [path for path, data in whole.items() if home.locate_artefact(path).read_bytes() != data] == []
    assert scan_problems(scan_artefacts(home, strict=True)) == []
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=home.result, check=True)


@pytest.mark.parametrize("damage", ["deleted", "a hash", "a name", "a separator"])
def test_the_sums_of_a_kept_run_come_back_from_its_detection(home, lo2, damage):
    sums = next(home.metrics.glob("run_*_0.40")) / "SHA256SUMS"
    text = sums.read_text()
    edits = {
        "a hash": text.replace(text[0], "x", 1),
        "a name": text.replace("drift", "drifT"),
        "a separator": text.replace("  ", " ", 1),
    }
    sums.unlink() if damage == "deleted" else sums.write_text(edits[damage])
    assert scan_problems(scan_artefacts(home))
    restore(home, lo2, "run")
    assert sums.read_text() == text
    assert scan_problems(scan_artefacts(home, strict=True)) == []


def test_a_file_that_the_inputs_no_longer_give_is_said_so_and_left(home, lo2, lived, tmp_path):
    target = home.path("sequences")
    target.write_bytes(flipped(target.read_bytes()))
    damaged = target.read_bytes()
    other = shutil.copytree(lived / "fresh", tmp_path / "moved")
    where = ("--output-dir", home.result, "--models-dir", home.models)
    refused = lo2("restore", "sequences", "--root", other, *where, cwd=tmp_path, expect=3)
    assert "came out different" in refused.stderr
    assert target.read_bytes() == damaged
    moved = shutil.copytree(lived / "logs", tmp_path / "logs_moved")
    lo2("restore", "sequences", "--root", moved, *where, cwd=tmp_path)
    assert scan_problems(scan_artefacts(home, strict=True)) == []


def test_ledger_and_compare_show_what_two_real_runs_differ_in(lived, lo2):
    names = ("2025-11-03_words_0.05", "2025-11-03_words_0.10", "2025-11-03_words_0.40")
    listed = json.loads(lo2("ledger", "--json", cwd=lived).stdout)
    assert [run["name"] for run in listed] == list(names)
    assert set(listed[0]["metrics"]) == {"if", "knn_words", "if_binary_words"}
    assert listed[1]["metrics"]["if"]["auc"]["value"] == listed[2]["metrics"]["if"]["auc"]["value"]
    found = json.loads(lo2("compare", *names[1:], "--json", cwd=lived).stdout)
    facts = {row["what"]: (row["a"], row["b"]) for row in found["facts"]}
    assert facts == {"options.if.contamination": (0.1, 0.4), "options.save_enhancers": (False, True)}
    flagged = next(row for row in found["metrics"] if row["what"] == "if.recall_at_threshold")
    paired = {row["metric"]: row for row in found["paired"]}
    recall = paired["if.recall_at_threshold"]
    assert recall["difference"] == pytest.approx(flagged["b"] - flagged["a"])
    assert recall["low"] <= recall["difference"] <= recall["high"]
    assert (paired["if.auc"]["difference"], paired["if.auc"]["low"], paired["if.auc"]["high"]) == (0, 0, 0)
    text = lo2("compare", *names[::2], cwd=lived).stdout
    assert re.search(r"options\.if\.contamination +0\.05 +0\.4\b", text)
    assert re.search(r"options\.models +\['knn_words'\] +\[\]", text)


def test_a_plain_date_folder_without_predictions_is_compared_by_its_metrics(home, lo2):
    old = home.metrics / "run_2024-05-06"
    old.mkdir()
    (old / "if_metrics.csv").write_text("metric,value,low,high,n,why\nauc,0.25,0.2,0.3,12,\n")
    where = ("--output-dir", home.result, "--models-dir", home.models)
    found = json.loads(lo2("compare", "2024-05-06", "2025-11-03_words_0.40", "--json", *where, cwd=home.result).stdout)
    assert {row["what"]: row["a"] for row in found["metrics"]}["if.auc"] == 0.25
    assert found["paired"] == []


def test_a_damaged_or_deleted_cache_changes_no_other_artefact(home, lo2):
    where = ("--output-dir", home.result, "--models-dir", home.models)
    before = home.path("sums").read_text()
    for damage in (b"broken", None):
        cache = home.path("enhanced_cache")
        cache.write_bytes(damage) if damage else cache.unlink()
        lo2("explain", *where, cwd=home.result)
        lo2("report", *where, cwd=home.result)
        assert home.path("sums").read_text() == before


# --- secrets ---------------------------------------------------------------------------------------------------------


def spellings(value: str) -> set[str]:
    """``value`` as it may stand in a file: plain, URL-encoded, in hexadecimal, inside base64 at three alignments."""
    raw = value.encode()
    found = {value, quote(value, safe=""), raw.hex(), raw.hex().upper()}
    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):
            text = encode(b"\0" * before + raw + b"\0" * (-(before + len(raw)) % 3)).decode()
            found.add(text[-(-before * 4 // 3) : (before + len(raw)) * 4 // 3])
    return found


def readable(name: str, data: bytes) -> str:
    """Bytes of a file, and the text in its compressed parts."""
    text = data.decode("latin-1")
    if name.endswith(".parquet"):
        text += pl.read_parquet(data).select(pl.col(pl.String, pl.List(pl.String))).write_ndjson()
    if name.endswith(".joblib"):
        import io

        import joblib

        text += " ".join(str(vars(part)) for part in joblib.load(io.BytesIO(data)) if hasattr(part, "__dict__"))
    return text


def real_secrets(text: str) -> list[str]:
    """Headers, codes, tokens and ids of the real log, found without any rule of the product."""
    headers = set(re.findall(r"Basic ([A-Za-z0-9+/]{20,}={0,2})", text))
    assert len(headers) == 276
    pairs = [b64decode(header).decode("utf-8", "replace").split(":") for header in headers]
    names = r"(?:\bcode|redirect_?[uU]ri|refresh_?[tT]oken|client_?[iI]d|user_?[iI]d|csrf|codeVerifier) ?= ?"
    found = headers | {part for pair in pairs for part in pair} | set(re.findall(names + r"([\w-]{8,})", text))
    found |= set(re.findall(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{8,12}\b", text))
    return sorted(value for value in found if len(value) >= 12)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real token log is not here")
def test_no_secret_of_the_real_log_is_in_an_artefact_of_run_or_in_a_zip(tmp_path, lo2):
    lo2(
        "simulate",
        "logs",
        "--runs",
        4,
        "--scale",
        0.01,
        "--service-types",
        "token",
        "--errors-per-run",
        1,
        cwd=tmp_path,
    )
    target = tmp_path / "logs" / REAL.parent.name / REAL.name
    shutil.copytree(REAL, target)
    lo2("run", "--root", "logs", cwd=tmp_path)
    text = gzip.decompress((REAL / "light-oauth2-oauth2-token-1.log.gz").read_bytes()).decode()
    secrets = real_secrets(text)
    assert len(secrets) > 500
    patterns = pl.Series([sorted({form for secret in secrets for form in spellings(secret) if len(form) > 11})])

    def found_in(name: str, data: bytes) -> set[str]:
        return set(pl.Series([readable(name, data)]).str.extract_many(patterns)[0].to_list())

    assert found_in("raw", text.encode())
    files = [path for top in ("demo", "models") for path in (tmp_path / top).rglob("*") if path.is_file()]
    assert {"lo2_quality.json", "run.log.json", "report.html", "lo2_if.joblib"} <= {path.name for path in files}
    assert {str(path): hits for path in files if (hits := found_in(path.name, path.read_bytes()))} == {}
    for flags in ((), ("--include-parquet",)):
        lo2("pack", "--out", "a.zip", "--overwrite", *flags, cwd=tmp_path)
        with zipfile.ZipFile(tmp_path / "a.zip") as packed:
            members = {name: packed.read(name) for name in packed.namelist()}
        rows = [name for name in members if name.endswith(".parquet") and not name.endswith("_reference.parquet")]
        assert bool(rows) == bool(flags)
        assert {name: hits for name, data in members.items() if (hits := found_in(name, data))} == {}


def test_edited_templates_are_refused_by_every_phase_that_reads_them(home, lo2):
    where = ("--output-dir", home.result, "--models-dir", home.models)
    path = home.path("templates")
    pl.read_parquet(path).with_columns(pl.col("text") + " ").write_parquet(path)
    for command in ("detect", "explain", "score"):
        lo2(command, *where, cwd=home.result, expect=3)


# --- kill ------------------------------------------------------------------------------------------------------------

_RUNS = """
import os, signal, sys, time
from pathlib import Path
from lo2.artefacts.layout import Home
from lo2.engine import EngineOptions
from lo2.pipeline.run import run_all_phases
import lo2.report.html, lo2.models.table, shap, sklearn.ensemble, scipy.stats
for seconds in map(float, sys.argv[2:]):
    child = os.fork()
    if child == 0:
        run_all_phases(Path(sys.argv[1]), Home(Path("result"), Path("models")), engine=EngineOptions(jobs=1))
        os._exit(0)
    if seconds:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    print(os.waitpid(child, 0)[1], flush=True)
    sys.stdin.readline()
"""


def test_a_run_killed_at_any_moment_leaves_whole_files_and_the_next_one_completes(finished_workspace, tmp_path):
    logs = tmp_path / "logs"
    for run in sorted((finished_workspace / "logs").glob("light*"))[:3]:
        shutil.copytree(run / "correct", logs / run.name / "correct")
    moments = ("0.1", "0.3", "0.9", "0")
    command = [sys.executable, "-c", _RUNS, str(logs), *moments]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runs:
        assert runs.stdin is not None
        assert runs.stdout is not None
        ended = []
        for moment in moments:
            ended.append(runs.stdout.readline())
            assert ended[-1] in (("0\n",) if moment == "0" else ("9\n", "0\n"))  # a fast machine may be done before
            for path in (path for top in ("result", "models") for path in (tmp_path / top).glob("**/[!.]*")):
                if path.suffix == ".parquet" and ".parts" not in path.parts:
                    pl.read_parquet(path)
                elif path.suffix in (".json", ".yml"):
                    assert isinstance(yaml.safe_load(path.read_text()), dict)
                elif path.suffix == ".joblib":
                    load_bundle(path, extra_allowed=EXTRA_ALLOWED)
            runs.stdin.write("\n")
            runs.stdin.flush()
    assert "9\n" in ended
    assert scan_problems(scan_artefacts(Home(tmp_path / "result", tmp_path / "models"), strict=True)) == []
