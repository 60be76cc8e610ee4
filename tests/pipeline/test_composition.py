"""Every root that a command left, tried on every command that reads one: it works, or says in a sentence why not."""

import json
import re
import shutil
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
import yaml

from lo2.artefacts.layout import Home
from lo2.artefacts.lock import lock
from lo2.cli.main import run

SMALL = ("--if-n-estimators", "10", "--no-save-model")
EXPLAIN = ("--nn-top-k", "1", "--shap-sample", "20")
COMMANDS = {
    "explain": ["explain", *EXPLAIN],
    "report": ["report"],
    "pack": ["pack", "--out", "{folder}/out.zip"],
    "scan": ["scan"],
    "restore": ["restore", "--all"],
    "score": ["score"],
    "compare": ["compare", "{result}/", "{result}/"],
    "clean": ["clean", "--keep", "0"],
}


@dataclass(frozen=True)
class Made:
    """How a root came to be, and what a command that cannot work there must say, with its exit code."""

    calls: tuple[tuple[str, ...], ...]
    says: dict[str, tuple[int, str]] = field(default_factory=dict)
    where: tuple[str, ...] = ("--output-dir", "{folder}/result", "--models-dir", "{folder}/models")
    result: str = "{folder}/result"


LOAD = ("load", "{logs}", "--jobs", "1")
DETECT = ("detect", "--if-n-estimators", "10", "--save-model")
NOTHING_PREDICTED = (4, "Make them with: lo2 detect")
NO_RUNS = (4, "Make one with: lo2 detect")
MISSING = (3, "Make them anew with: lo2 detect")
OF_FILE = "lo2 detect --if-n-estimators 10 --sequences {foreign} --save-model"
NO_BUNDLE = (4, "Train one with: lo2 detect")
ROOTS = {
    "load": Made((LOAD,), {
        "explain": NOTHING_PREDICTED, "score": NO_BUNDLE, "compare": NO_RUNS, "scan": MISSING,
        "pack": (4, "nothing to share yet"),
    }),
    "run": Made((("run", "{logs}", "--jobs", "1", "--if-n-estimators", "10"),)),
    "detect --sequences FILE": Made((
        ("detect", "--sequences", "{foreign}", "--if-n-estimators", "10", "--save-model"), ("explain", *EXPLAIN),
    )),
    "detect --sequences FILE, words alone": Made((
        ("detect", "--sequences", "{bare}", "--if-n-estimators", "10", "--save-model"), ("explain", *EXPLAIN),
    )),
    "detect --sequences FILE, nothing saved": Made((
        ("detect", "--sequences", "{foreign}", "--if-n-estimators", "10"),
    ), {"scan": (3, f"anew with: {OF_FILE}"), "score": (4, f"Train one with: {OF_FILE}")}),
    "detect --load-model FILE": Made((LOAD, ("detect", "--load-model", "{forest}")), {
        "scan": (3, "anew with: lo2 detect"), "score": NO_BUNDLE,
    }),
    "score": Made((("score", "{logs}", "--model", "{bundle}"),), {
        "explain": NOTHING_PREDICTED, "report": (4, "Run lo2 load"), "pack": (4, "nothing to share yet"),
        "score": NO_BUNDLE, "compare": NO_RUNS,
    }),
    "unpack": Made((("unpack", "{zip}", "--into", "{folder}/result"),), {
        "explain": (4, "Score and explain new logs with: lo2 score"), "restore": (4, "Unpack it again"),
        "pack": (4, "raw logs"), "score": (4, "Make it with: lo2 load"),
    }, ("--output-dir", "{folder}/result")),
    "unpack, with Parquets": Made((("unpack", "{parquets}", "--into", "{folder}/result"),), {
        "explain": (4, "Score and explain new logs with: lo2 score"), "restore": (4, "Unpack it again"),
        "pack": (4, "raw logs"), "score": (3, "is not recorded"),
    }, ("--output-dir", "{folder}/result")),
    "an archive": Made((("load", "{archive}", "--jobs", "1"), DETECT, ("explain", *EXPLAIN))),
    "a variant": Made((LOAD, DETECT, ("explain", *EXPLAIN)), {}, ("--variant", "shop"), "demo/result/shop"),
    "a foreign models folder": Made((LOAD, ("detect", "--if-n-estimators", "10")), {
        "scan": (3, "Make them anew with: lo2 explain"),
    }, ("--output-dir", "{folder}/result", "--models-dir", "{other}/models")),
}  # fmt: skip


def call(words, cwd, monkeypatch, capsys, **places) -> tuple[int, str]:
    monkeypatch.chdir(cwd)
    code = run([word.format(**places) for word in words])
    shown = capsys.readouterr()
    return code, shown.out + shown.err


@pytest.fixture(scope="module")
def things(tmp_path_factory, lo2) -> dict[str, Path]:
    """Logs, the same in an archive, a table of a stranger's, a bundle, another models folder, and a packed result."""
    folder = tmp_path_factory.mktemp("things")
    small = ("--scale", 0.02, "--service-types", "token", "--errors-per-run", 2, "--runs", 5)
    lo2("simulate", "logs", *small, "--seed", 3, cwd=folder)
    lo2("simulate", "other-logs", *small, "--seed", 4, cwd=folder)
    where = ("--output-dir", "other/result", "--models-dir", "other/models")
    lo2("run", "other-logs", *where, "--jobs", 1, "--if-n-estimators", 10, "-q", cwd=folder)
    lo2("pack", *where, "--out", "packed.zip", cwd=folder)
    lo2("pack", *where, "--out", "parquets.zip", "--include-parquet", cwd=folder)
    sequences = pl.read_parquet(folder / "other/result/lo2_sequences_enhanced.parquet")
    sequences.select("seq_id", "run", "anomaly", "e_words", "e_words_count").write_parquet(folder / "foreign.parquet")
    sequences.select("seq_id", "e_words").write_parquet(folder / "bare.parquet")
    with tarfile.open(folder / "logs.tar.gz", "w:gz") as archive:
        archive.add(folder / "logs", "logs")
    names = {"logs": "logs", "archive": "logs.tar.gz", "foreign": "foreign.parquet", "bare": "bare.parquet"}
    return {
        **{name: folder / path for name, path in names.items()},
        "bundle": folder / "other/models/knn_words.joblib",
        "zip": folder / "packed.zip",
        "parquets": folder / "parquets.zip",
        "forest": folder / "other/models/lo2_if.joblib",
        "other": folder / "other",
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory, things, lo2):
    """Roots by name, each made once."""
    done: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in done:
            folder = done[name] = tmp_path_factory.mktemp("root")
            for words in ROOTS[name].calls:
                where = () if words[0] == "unpack" else ROOTS[name].where
                lo2(*(word.format(folder=folder, **things) for word in (*words, *where)), cwd=folder)
        return done[name]

    return make


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ROOTS)
def test_every_command_works_on_every_root_or_says_why_not(made, things, tmp_path, monkeypatch, capsys, name, command):
    row = ROOTS[name]
    folder = tmp_path / "copy"
    shutil.copytree(made(name), folder)
    log = folder / row.result.format(folder=".") / "run.log.json"
    if log.is_file():  # what is remembered of places outside goes by the place of the root itself
        log.write_text(log.read_text().replace(str(made(name)), str(folder)))
    places = {**things, "folder": folder, "result": row.result.format(folder=folder)}
    expected, sentence = row.says.get(command, (0, ""))
    code, shown = call([*COMMANDS[command], *row.where], folder, monkeypatch, capsys, **places)
    assert code == expected, shown
    assert sentence.partition("lo2 ")[0] in shown
    if "lo2 " in sentence:
        hinted = sentence[sentence.index("lo2 ") :].format(**places)
        called, _, rest = hinted.partition(" --")
        given = f"{called} {' '.join(row.where).format(**places)}"
        assert (f"{given} --{rest}" if rest else given) in shown


def test_hints_of_a_failed_scan_are_what_helps(made, things, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(made("a variant"), folder)
    (folder / "demo/result/shop/metrics/signals.csv").unlink()
    code, shown = call(["scan", "--variant", "shop"], folder, monkeypatch, capsys)
    assert code == 3
    assert "lo2 restore --variant shop --all" in shown
    assert call(["restore", "--variant", "shop", "--all"], folder, monkeypatch, capsys)[0] == 0
    assert call(["scan", "--variant", "shop"], folder, monkeypatch, capsys)[0] == 0


def test_explain_refuses_the_wrong_tree(made, things, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(made("run"), folder)
    before = {path: path.read_bytes() for path in sorted((folder / "result/explainability").iterdir())}
    where = ["--output-dir", "result", "--models-dir", "models"]
    code, shown = call(["explain", "--root", "{logs}/../other-logs", *where], folder, monkeypatch, capsys, **things)
    assert (code, "is not the tree that these sequences were made of" in shown) == (4, True)
    assert {path: path.read_bytes() for path in sorted((folder / "result/explainability").iterdir())} == before


def test_metrics_elsewhere_are_remembered(made, things, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(made("load"), folder)
    where = ["--output-dir", "result", "--models-dir", "models"]
    code, shown = call([*DETECT, *where, "--metrics-dir", "figures"], folder, monkeypatch, capsys)
    assert (code, "predictions are in result\nmetrics are in figures" in shown) == (0, True)
    assert not (folder / "result/metrics").exists()
    code, shown = call(["ledger", "--output-dir", "result"], folder, monkeypatch, capsys)
    assert (code, "knn_words" in shown) == (0, True)
    code, shown = call(["compare", "result/", "result/"], folder, monkeypatch, capsys)
    assert (code, "Metrics: nothing" in shown) == (0, True)
    assert call(["score", "--output-dir", "result"], folder, monkeypatch, capsys)[0] == 0


def test_a_report_of_a_table_says_what_does_not_apply(made, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(made("detect --sequences FILE"), folder)
    code, shown = call(["report", *WHERE], folder, monkeypatch, capsys)
    assert (code, "There is no quality report: the sequences came as a table." in shown) == (0, True), shown


WHERE = ["--output-dir", "result", "--models-dir", "models"]


def test_a_table_of_other_data_is_refused_at_once_and_so_are_logs_where_a_table_was(
    made, things, tmp_path, monkeypatch, capsys
):
    for name, words, named in (
        ("run", ["detect", "--sequences", "{foreign}", *SMALL], "Give {foreign} a place of its own with --variant"),
        ("detect --sequences FILE", ["load", "{logs}"], "holds the data state of {foreign}"),
        ("detect --sequences FILE", ["detect", "--sequences", "{bare}", *SMALL], "--variant lo2_bare"),
    ):
        folder = tmp_path / name / words[0] / named[:4]
        shutil.copytree(made(name), folder)
        before = (folder / "result/lo2_if_predictions.parquet").read_bytes()
        code, shown = call([*words, *WHERE], folder, monkeypatch, capsys, **things)
        assert (code, named.format(**things) in shown) == (1, True), shown
        assert (folder / "result/lo2_if_predictions.parquet").read_bytes() == before


def test_a_table_of_the_same_name_that_grew_is_the_next_state_of_the_data(things, tmp_path, monkeypatch, capsys):
    table = pl.read_parquet(things["bare"])
    words = ["detect", "--sequences", "table.parquet", *SMALL, *WHERE]
    for rows, said in ((table.height - 2, False), (table.height, True)):
        table.head(rows).write_parquet(tmp_path / "table.parquet")
        code, shown = call(words, tmp_path, monkeypatch, capsys)
        assert (code, "of other data. Keep both with --variant NAME" in shown) == (0, said), shown


def test_other_options_are_named_where_they_replace_results_and_the_bundle_beside_stays_apart(
    made, things, tmp_path, monkeypatch, capsys
):
    folder = tmp_path / "copy"
    shutil.copytree(made("run"), folder)
    code, shown = call(["detect", "--seed", "5", *SMALL, *WHERE], folder, monkeypatch, capsys)
    assert (code, "made with other options (seed). Keep both with --variant NAME" in shown) == (0, True), shown
    for words in (["explain", *EXPLAIN], ["report"]):
        assert call([*words, *WHERE], folder, monkeypatch, capsys)[0] == 0
    code, shown = call(["scan", *WHERE], folder, monkeypatch, capsys)
    assert (code, re.findall(r"models/(\S+) +did not make", shown)) == (
        0,
        ["lo2_if.joblib", "lo2_if_reference.parquet", "model.yml"],
    )
    assert call(["pack", "--out", "out.zip", *WHERE], folder, monkeypatch, capsys)[0] == 0
    with zipfile.ZipFile(folder / "out.zip") as packed:  # with figures of another model beside it, no bundle travels
        travel = {name for name in packed.namelist() if name.endswith(".joblib")}
    assert travel == {"models/knn_words.joblib"}
    words = ["detect", "--load-model", "{forest}", "--seed", "5", *SMALL, *WHERE]
    code, shown = call(words, folder, monkeypatch, capsys, **things)
    assert (code, "made with other options (inputs.load_model). Keep both" in shown) == (0, True), shown
    words = ["detect", "--load-model", "models/lo2_if.joblib", "--skip-knn", *SMALL, *WHERE]
    assert call(words, folder, monkeypatch, capsys)[0] == 0
    assert "did not make" not in call(["scan", *WHERE], folder, monkeypatch, capsys)[1]


def test_runs_detected_anew_make_what_explained_them_stale(made, tmp_path, monkeypatch, capsys):
    """``lo2_runs.parquet`` is detect's, and explain enters the earliest odd line."""
    folder = tmp_path / "copy"
    shutil.copytree(made("run"), folder)
    runs = folder / "result/lo2_runs.parquet"
    explained = runs.read_bytes()
    assert call(["detect", *SMALL, *WHERE], folder, monkeypatch, capsys)[0] == 0
    assert runs.read_bytes() != explained
    code, shown = call(["scan", *WHERE], folder, monkeypatch, capsys)
    assert (code, "explainability/explanation.json" in shown, "anew with: lo2 explain" in shown) == (3, True, True)
    for words in (["explain"], ["report"], ["scan"]):
        assert call([*words, *WHERE], folder, monkeypatch, capsys)[0] == 0
    assert runs.read_bytes() == explained


def test_a_named_root_that_does_not_exist_is_refused(made, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(made("run"), folder)
    lines = folder / "result/explainability/if_line_attribution.csv"
    before = lines.read_bytes()
    code, shown = call(["explain", "--root", "gone", *WHERE], folder, monkeypatch, capsys)
    assert (code, "--root gone does not exist" in shown, lines.read_bytes() == before) == (4, True, True)


def test_a_root_of_an_earlier_version_runs_again_and_so_does_its_path_spelt_otherwise(
    made, things, tmp_path, monkeypatch, capsys
):
    folder = tmp_path / "copy"
    shutil.copytree(made("run"), folder)
    record = folder / "result/provenance.json"
    earlier = record.read_text().replace('"expected_format"', '"usual_format"')
    assert earlier != record.read_text()
    for words in (["run", "{logs}"], ["run", "{logs}/../logs"]):
        record.write_text(earlier)
        again = [*words, "--jobs", "1", "--if-n-estimators", "10", *WHERE]
        code, shown = call(again, folder, monkeypatch, capsys, **things)
        assert (code, "replaced: " in shown) == (0, False), shown
    code, shown = call([*again, "--service-types", "token"], folder, monkeypatch, capsys, **things)
    assert (code, "was trained on what other options of load gave" in shown) == (1, True), shown


def test_a_narrower_load_says_what_it_leaves_out_and_a_grown_root_keeps_the_last_bundles(
    things, tmp_path, monkeypatch, capsys
):
    shutil.copytree(things["logs"], tmp_path / "logs")
    last = max(path.name for path in (tmp_path / "logs").iterdir() if path.is_dir())
    (tmp_path / "logs" / last).rename(tmp_path / "later")
    words = ["run", "logs", "--jobs", "1", "--if-n-estimators", "10", "--variant", "a"]
    assert call(words, tmp_path, monkeypatch, capsys)[0] == 0
    first = (tmp_path / "models/a/lo2_if.joblib").read_bytes()
    (tmp_path / "later").rename(tmp_path / "logs" / last)
    code, shown = call(words, tmp_path, monkeypatch, capsys)
    assert (code, f"1 run more than before, {last} first" in shown) == (0, True), shown
    assert (tmp_path / "models/a/previous/lo2_if.joblib").read_bytes() == first
    assert (tmp_path / "models/a/lo2_if.joblib").read_bytes() != first
    card = json.loads((tmp_path / "demo/result/a/lo2_quality.json").read_text())
    assert card["runs"] == 5
    code, shown = call(["load", "logs", "--runs", "3", "--variant", "a"], tmp_path, monkeypatch, capsys)
    assert (code, "2 runs of the load before are left out now" in shown) == (0, True)
    code, shown = call(
        ["load", "logs", "--runs", "3", "--keep-startup", "--variant", "a"], tmp_path, monkeypatch, capsys
    )
    assert (code, "made with other options (keep_startup)" in shown) == (0, True), shown


@pytest.mark.parametrize("words", [
    ["report"], ["explain"], ["detect"], ["restore", "predictions"], ["restore", "--all"], ["ledger"], ["scan"],
    ["clean", "--keep", "1"], ["pack", "--out", "out.zip"], ["score"],
])  # fmt: skip
def test_a_refusal_leaves_no_trace_and_its_hint_names_the_variant(words, tmp_path, monkeypatch, capsys):
    code, shown = call([*words, "--variant", "nope"], tmp_path, monkeypatch, capsys)
    assert code in (0, 3, 4), shown
    assert re.findall(r"lo2 (?:load|run|detect|explain|report|score)\b(?! --variant nope)", shown) == []
    assert list(tmp_path.iterdir()) == []


def test_a_lock_leaves_what_was_there_before(tmp_path):
    home = Home(tmp_path / "result", tmp_path / "a/b/models")
    (tmp_path / "result").mkdir()
    with lock(home), lock(home):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["result", ".lock"]
    with lock(home):
        (home.models / "model.yml").touch()
    assert (home.models / "model.yml").is_file()


def test_what_was_unpacked_is_scanned_against_its_own_manifest(made, things, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(made("unpack"), folder)
    assert call(["score", "{logs}", "--output-dir", "result"], folder, monkeypatch, capsys, **things)[0] == 0
    assert call(["scan", "--strict", "--output-dir", "result"], folder, monkeypatch, capsys)[0] == 0
    with (folder / "result/metrics/signals.csv").open("a") as file:
        file.write("one more\n")
    code, shown = call(["scan", "--output-dir", "result"], folder, monkeypatch, capsys)
    assert (code, "metrics/signals.csv (changed)" in shown) == (3, True)
    assert "lo2 unpack FILE.zip --into result --overwrite" in shown
    words = ["unpack", "{zip}", "--into", "result", "--overwrite"]
    code, shown = call(words, folder, monkeypatch, capsys, **things)
    assert (code, "lo2 score ROOT --model result/models/knn_words.joblib" in shown) == (0, True)
    assert call(["scan", "--output-dir", "result"], folder, monkeypatch, capsys)[0] == 0


def test_the_page_of_what_was_unpacked_is_made_from_its_values(made, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(made("unpack"), folder)
    page = folder / "result/report.html"
    before = page.read_bytes()
    words = ["report", "--output-dir", "result", "--models-dir", "result/models"]
    code, shown = call(words, folder, monkeypatch, capsys)
    assert (code, "open result/report.html" in shown, page.read_bytes() == before) == (0, True, True), shown
    assert call(["scan", "--output-dir", "result"], folder, monkeypatch, capsys)[0] == 0
    page.unlink()
    assert call(words, folder, monkeypatch, capsys) == (0, shown)
    assert page.read_bytes().count(b"\n") == before.count(b"\n")  # hashes of files are other ones
    (folder / "result/report.json").write_text("{}")
    code, shown = call(words, folder, monkeypatch, capsys)
    assert (code, "lo2 unpack FILE.zip --into result --overwrite" in shown) == (3, True)
    (folder / "result/report.json").unlink()
    assert call(words, folder, monkeypatch, capsys)[0] == 4


def test_sequences_loaded_anew_are_not_explained_by_what_was_predicted_before(
    made, things, tmp_path, monkeypatch, capsys
):
    folder = tmp_path / "copy"
    shutil.copytree(made("a variant"), folder)
    words = ["load", "{logs}", "--runs", "4", "--variant", "shop"]
    assert call(words, folder, monkeypatch, capsys, **things)[0] == 0
    code, shown = call(["explain", "--variant", "shop"], folder, monkeypatch, capsys)
    assert (code, "Run lo2 detect --variant shop" in shown) == (3, True)


def test_a_forest_of_trigrams_is_explained_and_gives_way_to_one_of_words(made, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(made("load"), folder)
    words = ["detect", "--output-dir", "result", "--models-dir", "models", "--skip-knn", "--if-n-estimators", "10"]
    explain = ["explain", "--output-dir", "result", "--models-dir", "models", *EXPLAIN]
    assert call([*words, "--if-item", "e_trigrams", "--save-model"], folder, monkeypatch, capsys)[0] == 0
    assert call(explain, folder, monkeypatch, capsys)[0] == 0
    assert call(words, folder, monkeypatch, capsys)[0] == 0
    code, shown = call(explain, folder, monkeypatch, capsys)
    assert (code, "did not make the predictions of if" in shown) == (0, True)


def test_the_page_of_a_table_without_services_leaves_out_what_is_not_known(made, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(made("detect --sequences FILE"), folder)
    shutil.rmtree(folder / "result/explainability")
    code, shown = call(["report", "--output-dir", "result"], folder, monkeypatch, capsys)
    assert code == 0
    hits = [line for line in shown.splitlines() if re.match(r"\d+\. ", line)]
    assert hits
    assert [line for line in shown.splitlines() if ", ," in line or "log of ," in line or line.isspace()] == []
    told = {fact["label"]: fact for fact in json.loads((folder / "result/report.json").read_text())["data"]}
    assert told.keys() & {"sequences", "runs", "services", "test cases"} == {"sequences", "runs"}
    page = (folder / "result/report.html").read_text()
    assert [text for text in ("<b></b>", '<p class="note"> ·', '<p class="note"></p>') if text in page] == []


def test_what_a_loaded_forest_predicted_is_explained_by_it(made, things, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(made("detect --load-model FILE"), folder)
    log = folder / "result/run.log.json"
    log.write_text(log.read_text().replace(str(made("detect --load-model FILE")), str(folder)))
    assert call(["explain", "--output-dir", "result", *EXPLAIN], folder, monkeypatch, capsys)[0] == 0
    threshold = yaml.safe_load(things["forest"].with_name("model.yml").read_text())["threshold"]
    assert f"threshold: {threshold:.9g}\n" in (folder / "result/explainability/if_false_positives.txt").read_text()
