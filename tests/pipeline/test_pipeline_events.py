"""Raw events behind explanations: each run is read once, whatever cuts it into sequences."""

from pathlib import Path

import polars as pl
import pytest

from lo2.loading.inventory import LoadOptions, take_inventory
from lo2.pipeline import events as module
from lo2.pipeline.events import events_reader


def write_blocks(root: Path, run: str, blocks: range) -> None:
    (root / run / "all").mkdir(parents=True)
    lines = [f"2024-03-05 08:00:{i:02d},000 INFO dfs.Node - got blk_{b} part {i}" for b in blocks for i in range(3)]
    (root / run / "all" / "hdfs.log").write_text("\n".join(lines) + "\n")


@pytest.fixture
def reads(monkeypatch) -> list[tuple[str, ...]]:
    """Names of the files of every run that was read."""
    seen: list[tuple[str, ...]] = []
    read = module.RunEvents

    def counting(files, how):
        seen.append(tuple(file.relative for file in files))
        return read(files, how)

    monkeypatch.setattr(module, "RunEvents", counting)
    return seen


def test_a_run_that_keys_cut_is_read_once_for_all_its_sequences(tmp_path, reads):
    write_blocks(tmp_path, "day1", range(10, 20))
    write_blocks(tmp_path, "day1_b", range(20, 30))
    inventory = take_inventory(tmp_path, LoadOptions(profile="tree", group_by="blk_[0-9]+", unlabelled=True))
    events = events_reader(inventory)
    ids = [f"day1.blk_{b}__all__hdfs" for b in range(10, 20)] + [f"day1_b.blk_{b}__all__hdfs" for b in range(20, 30)]
    found = {seq_id: events(seq_id) for seq_id in ids}
    assert reads == [("day1/all/hdfs.log",), ("day1_b/all/hdfs.log",)]
    assert all(frame is not None and frame["seq_id"].unique().to_list() == [name] for name, frame in found.items())
    assert found["day1.blk_12__all__hdfs"]["line"].to_list() == [7, 8, 9]


def test_a_sequence_that_no_log_holds_has_no_events(tmp_path):
    write_blocks(tmp_path, "day1", range(10, 12))
    inventory = take_inventory(tmp_path, LoadOptions(profile="tree", group_by="blk_[0-9]+", unlabelled=True))
    assert events_reader(inventory)("day1.blk_99__all__hdfs") is None
    assert events_reader(inventory)("day7.blk_10__all__hdfs") is None


def test_events_by_sequence_are_those_of_the_whole_run(tmp_path):
    write_blocks(tmp_path, "day1", range(10, 14))
    options = LoadOptions(profile="tree", window="1s", unlabelled=True)
    inventory = take_inventory(tmp_path, options)
    events = events_reader(inventory)
    frames = [events(f"day1.2024-03-05T0800{i:02d}__all__hdfs") for i in range(3)]
    assert [frame.height for frame in frames if frame is not None] == [4, 4, 4]
    lines = pl.concat([frame for frame in frames if frame is not None])["line"]
    assert sorted(lines.to_list()) == list(range(1, 13))
