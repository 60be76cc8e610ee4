"""Killed in mid-run: the next run, or the retry, ends with the bytes of an undisturbed one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lo2.artefacts.layout import Home
from lo2.engine import EngineOptions, parse_bytes, run_in_parallel
from lo2.errors import RunFailedError, UsageError
from lo2.loading.inventory import LoadOptions, LogFile, Shard, take_inventory
from lo2.pipeline.estimate import estimate
from lo2.pipeline.load import load_run
from lo2.pipeline.pieces import cut_into_pieces
from lo2.pipeline.shards import load_shard
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

SEQUENTIAL = EngineOptions(backend="sequential")


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("killed")
    simulate(root, SimulateOptions(runs=12, errors_per_run=2, scale=0.03, seed=3, service_types=("token", "code")))
    return root


def home(folder: Path) -> Home:
    return Home(folder / "result", folder / "models")


@pytest.fixture(scope="module")
def undisturbed(tree, tmp_path_factory) -> str:
    where = home(tmp_path_factory.mktemp("undisturbed"))
    load_run(tree, where, engine=SEQUENTIAL)
    return where.path("sums").read_text()


def test_a_killed_process_group_is_continued_by_the_next_load(tree, undisturbed, tmp_path):
    where = home(tmp_path)
    command = [sys.executable, "-m", "lo2", "load", "--root", tree, "--output-dir", where.result]
    command += ["--models-dir", where.models, "--jobs", "2"]
    process = subprocess.Popen(
        [*map(str, command)], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None and not list(where.result.glob(".parts/*/done.json")):
        pass
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not where.path("sequences").exists()
    loaded = load_run(tree, where, engine=SEQUENTIAL)
    assert 1 <= loaded.reused_runs < 12
    assert where.path("sums").read_text() == undisturbed
    assert not [path for path in where.result.rglob("*") if ".lo2tmp" in path.name]


@pytest.mark.parametrize("backend", ["loky", "dask"])
def test_a_killed_worker_costs_its_shard_a_retry(tree, tmp_path, backend):
    inventory = take_inventory(tree, LoadOptions())
    options, mark, third = LoadOptions(), tmp_path / "died", inventory.shards[2].run

    def load_or_die(shard: Shard) -> tuple[str, bytes]:
        if shard.run == third and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return shard.run, load_shard(shard, options).sequences.write_json().encode()

    found = dict(run_in_parallel(load_or_die, inventory.shards, EngineOptions(backend=backend, jobs=2)))
    assert mark.exists()
    assert found == {s.run: load_shard(s, options).sequences.write_json().encode() for s in inventory.shards}


def test_a_shard_that_always_kills_its_worker_fails_the_run():
    def die(shard: int) -> int:
        if shard == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return shard

    with pytest.raises(RunFailedError, match=r"killed 3 times"):
        list(run_in_parallel(die, [0, 1, 2], EngineOptions(jobs=2)))


def test_pieces_of_a_run_give_the_rows_of_the_whole(tree, tmp_path, undisturbed):
    shard = take_inventory(tree, LoadOptions()).shards[0]
    cut = cut_into_pieces(shard, 20_000)
    assert len(cut) > 3
    assert [f for piece in cut for f in piece.files] == list(shard.files)
    where = home(tmp_path)
    small = EngineOptions(backend="sequential", max_ram="300M")
    assert small.batch_bytes < EngineOptions().batch_bytes
    load_run(tree, where, engine=small)
    assert where.path("sums").read_text() == undisturbed


@pytest.mark.parametrize(
    ("max_ram", "jobs", "workers"), [(None, 3, 3), ("1G", 8, 6), ("300M", 8, 1), ("16G", 4, 4), ("0.6GiB", 8, 3)]
)
def test_max_ram_caps_workers(max_ram, jobs, workers):
    options = EngineOptions(jobs=jobs, max_ram=max_ram)
    assert options.workers == workers
    assert options.plan().startswith(f"{workers} workers")


def test_too_little_memory_and_wrong_amounts_are_named():
    with pytest.raises(UsageError, match="is too little: one worker needs"):
        _ = EngineOptions(max_ram="100M").workers
    with pytest.raises(UsageError, match="not an amount of memory"):
        parse_bytes("much")


def test_a_dry_run_measures_some_files_and_writes_nothing(tree):
    inventory = take_inventory(tree, LoadOptions())
    ticks = iter([10.0, 12.0])
    found = estimate(inventory, LoadOptions(), SEQUENTIAL, clock=lambda: next(ticks))
    assert found.mb_per_second == pytest.approx(found.sample_bytes / 2e6)
    assert found.seconds == pytest.approx(1.5 + 2 * inventory.size_bytes / found.sample_bytes / EngineOptions().workers)
    assert 0 < found.disk_bytes < inventory.size_bytes


@pytest.mark.parametrize(
    ("archive", "places", "expected"),
    [
        ("a.tar.xz", (0, 60, 120, 180), 4),
        ("a.tar.xz", (60, 0, 180, 120), 1),
        ("a.tar.gz", (60, 0, 180, 120), 4),
        ("a.tar.gz", (60, 0, 18_000, 120), 1),
        ("a.zip", (-1, -1, -1, -1), 4),
    ],
)
def test_a_run_in_a_compressed_tar_is_cut_where_its_pieces_are_found_soon(archive, places, expected):
    logs = tuple(LogFile("r", "c", str(i), f"/{archive}", f"r/c/{i}.log", 50, 0, "", at) for i, at in enumerate(places))
    assert len(cut_into_pieces(Shard("r", logs), 60)) == expected
    assert len(cut_into_pieces(Shard("r", logs), 60, whole=True)) == 1


def test_a_long_run_out_of_order_is_not_unpacked_for_each_of_many_pieces():
    logs = tuple(LogFile("r", "c", f"{i:02}", "/a.tgz", f"{i}.log", 50, 0, "", 7_000 - 60 * i) for i in range(96))
    assert len(cut_into_pieces(Shard("r", logs), 60)) == 8
