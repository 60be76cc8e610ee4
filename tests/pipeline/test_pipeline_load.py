import gzip
import json
import os
import shutil
from pathlib import Path

import polars as pl
import pytest

import lo2
from lo2.artefacts.files import sha256
from lo2.artefacts.layout import Home
from lo2.engine import EngineOptions
from lo2.errors import ArtefactExistsError, RunFailedError
from lo2.kernel import kernel
from lo2.loading.inventory import LoadOptions
from lo2.loading.options import SaveOptions
from lo2.pipeline import parts
from lo2.pipeline.load import load_run, refuse_bad_files
from lo2.schema import BASE_SEQUENCES, EVENTS, SEQUENCES, check_schema
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

ONE = EngineOptions(backend="sequential")


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    options = SimulateOptions(
        runs=4, errors_per_run=2, scale=0.01, seed=7, dataset="v2", service_types=("token", "code")
    )
    simulate(root, options)
    return root


def home(folder: Path) -> Home:
    return Home(folder / "result", folder / "models")


def load(root: Path, where: Home, **options):
    return load_run(root, where, LoadOptions(**options), engine=ONE)


def test_the_same_bytes_come_from_every_backend_and_number_of_jobs(tree, tmp_path):
    sums = set()
    for i, engine in enumerate((ONE, EngineOptions(jobs=2), EngineOptions(backend="dask", jobs=2))):
        where = home(tmp_path / str(i))
        load_run(tree, where, engine=engine, save=SaveOptions(save_base_sequences=True, save_events=True))
        sums.add(where.path("sums").read_text())
    assert len(sums) == 1


@pytest.mark.skipif(kernel() is None, reason="lo2_kernel is not installed")
def test_the_same_bytes_come_with_and_without_the_compiled_twin(tree, tmp_path):
    sums, readers = set(), []
    for i, engine in enumerate(EngineOptions(jobs=jobs, kernel=on) for jobs in (1, 2) for on in (True, False)):
        where = home(tmp_path / str(i))
        load_run(tree, where, engine=engine)
        sums.add(where.path("sums").read_text())
        readers.append(json.loads(where.path("run_log").read_text())["runs"][-1]["reader"])
    assert len(sums) == 1
    assert readers == ["lo2_kernel", "python"] * 2


def test_all_tables_have_their_columns(tree, tmp_path):
    where = home(tmp_path)
    load_run(tree, where, engine=ONE, save=SaveOptions(save_base_sequences=True, save_events=True))
    for name, table in (("sequences", SEQUENCES), ("base_sequences", BASE_SEQUENCES), ("events", EVENTS)):
        frame = pl.read_parquet(where.path(name))
        check_schema(frame, table, what=name)
        assert list(frame.columns) == list(table)
    sequences, events = pl.read_parquet(where.path("sequences")), pl.read_parquet(where.path("events"))
    assert sequences["seq_id"].is_sorted()
    counted = events.filter(~pl.col("startup") & pl.col("level").is_not_null()).group_by("seq_id").len().sort("seq_id")
    assert counted["len"].to_list() == [n for n in sequences["seq_len"].to_list() if n]
    templates = pl.read_parquet(where.path("templates"))
    assert set(sequences["e_event_drain_id"].explode().drop_nulls()) == set(templates["template_id"])
    assert set(events.filter(~pl.col("startup"))["e_event_drain_id"]) >= set(templates["template_id"])


def test_event_lines_are_where_they_say(tree, tmp_path):
    where = home(tmp_path)
    load_run(tree, where, engine=ONE, save=SaveOptions(save_events=True))
    events = pl.read_parquet(where.path("events"))
    for row in events.sample(40, seed=1).iter_rows(named=True):
        raw = (tree / row["file"]).read_text().split("\n")
        assert row["m_message"].split("\n")[0] in raw[row["line"] - 1]


def test_a_second_load_redoes_only_what_changed(tree, tmp_path):
    root = tmp_path / "tree"
    shutil.copytree(tree, root)
    where = home(tmp_path)
    assert load(root, where).reused_runs == 0
    before = sha256(where.path("sequences"))
    assert load(root, where).reused_runs == 4
    assert sha256(where.path("sequences")) == before
    log = min(root.glob("*/correct/*token*.log"))
    log.write_bytes(log.read_bytes() + b"16:00:00.000 [t]   ERROR a b - planted\n")
    assert load(root, where).reused_runs == 3
    assert sha256(where.path("sequences")) != before
    shutil.rmtree(min(root.glob("LO2_run_*")))
    assert load(root, where).quality["runs"] == 3


def test_parts_that_other_code_made_are_made_again(tree, tmp_path, monkeypatch):
    where = home(tmp_path)
    load(tree, where)
    module = tmp_path / "masks.py"
    module.write_text("an older one")
    parts.part_code_fingerprint.cache_clear()
    monkeypatch.setattr(parts, "part_code_files", lambda: [module])
    assert load(tree, where).reused_runs == 0
    assert load(tree, where).reused_runs == 4
    module.write_text("a newer one")
    parts.part_code_fingerprint.cache_clear()
    assert load(tree, where).reused_runs == 0
    parts.part_code_fingerprint.cache_clear()


def test_a_damaged_part_is_made_again(tree, tmp_path):
    where = home(tmp_path)
    load(tree, where)
    before = sha256(where.path("sequences"))
    marker = min((where.result / ".parts").glob("*/done.json"))
    marker.write_text("{")
    assert load(tree, where).reused_runs == 3
    assert sha256(where.path("sequences")) == before


def test_another_root_is_refused_with_the_variant_to_type(tree, tmp_path):
    where = home(tmp_path)
    load(tree, where)
    other = tmp_path / "other-logs"
    shutil.copytree(tree, other)
    with pytest.raises(ArtefactExistsError, match="--variant lo2_other-logs"):
        load(other, where)


def test_an_unreadable_file_ends_with_exit_1_after_the_rest_was_loaded(tree, tmp_path):
    root = tmp_path / "tree"
    shutil.copytree(tree, root)
    log = min(root.glob("*/correct/*token*.log"))
    packed = gzip.compress(log.read_bytes())
    log.with_suffix(".log.gz").write_bytes(packed[: len(packed) // 2])
    log.unlink()
    where = home(tmp_path)
    loaded = load(root, where)
    with pytest.raises(RunFailedError, match=r"1 of \d+ files could not be read.*--skip-bad-files") as caught:
        refuse_bad_files(loaded, LoadOptions())
    refuse_bad_files(loaded, LoadOptions(skip_bad_files=True))
    assert caught.value.exit_code == 1
    report = json.loads(where.path("quality").read_text())
    assert len(report["bad_files"]) == 1
    assert pl.read_parquet(where.path("sequences")).height == report["sequences"]


def test_names_that_would_share_a_seq_id_are_loaded_and_told_apart(tmp_path):
    root = tmp_path / "tree"
    for case, service in (("a", "b__c"), ("a__b", "c"), ("correct", "x")):
        path = root / "r" / case / f"{service}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n")
    assert load(root, home(tmp_path), profile="tree").n_sequences == 3
    frame = pl.read_parquet(home(tmp_path).path("sequences"))
    assert frame["seq_id"].to_list() == ["r__a%5F%5Fb__c", "r__a__b%5F%5Fc", "r__correct__x"]
    assert frame["normal"].to_list() == [False, False, True]


@pytest.mark.parametrize("run", ["[x", "*", "a[0]?", "\x1b[2J", "r" * 250, "...", b"r\xff"])
def test_names_of_runs_are_taken_literally(tmp_path, run):
    root = tmp_path / "tree"
    for name in ("plain", os.fsdecode(run)):
        (root / name / "correct").mkdir(parents=True)
        (root / name / "correct" / "web.log").write_text("x\n")
    loaded = load_run(root, home(tmp_path), save=SaveOptions(True, True), engine=ONE)
    assert loaded.n_sequences == 2
    assert not loaded.quality["bad_files"]


def test_loading_in_memory_gives_the_same_table(tree, tmp_path):
    where = home(tmp_path)
    load(tree, where)
    assert lo2.load(tree).sequences.equals(pl.read_parquet(where.path("sequences")))


def test_kept_startup_lines_change_the_part(tree, tmp_path):
    where = home(tmp_path)
    before = load(tree, where)
    after = load(tree, where, keep_startup=True)
    assert (before.reused_runs, after.reused_runs) == (0, 0)
