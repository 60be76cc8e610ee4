import gc
import gzip
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lo2.loading.inventory import LoadOptions, take_inventory
from lo2.loading.lines.index import Index
from lo2.loading.lines.scan import scan_blocks
from lo2.loading.sources import blocks
from lo2.loading.times.clock import DAY_MS, real_clock_times
from lo2.pipeline.shards import load_shard
from lo2.schema import SEQUENCES, check_schema

HEAD = "16:29:40.148 [XNIO-1 task-1]  sxn9TW9eQq6pn3-ZVwo2iw "
PLAIN = "16:29:40.149 [hz._hzInstance_1_dev.partition-operation.thread-8]   "


def write_log(root: Path, text: bytes | str, *, run="LO2_run_1700000000", case="correct", name="token.log") -> Path:
    path = root / run / case / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def load_one(root: Path, **options) -> dict[str, object]:
    result = load_shard(take_inventory(root, LoadOptions(**options)).shards[0], LoadOptions(**options))
    check_schema(result.sequences, SEQUENCES, what="test")
    return result.sequences.row(0, named=True)


def test_header_and_continuation_bodies_never_collide():
    body = "DEBUG a b - x"
    index = Index()
    found = scan_blocks([f"{HEAD}{body}\n{body}\n".encode()], index)
    assert found.codes.tolist() == [0, 1]
    assert found.header.tolist() == [True, False]
    assert list(index) == [body.encode(), b"\n" + body.encode()]


def test_correlation_id_may_start_with_a_dash():
    index = Index()
    assert scan_blocks([b"16:29:40.315 [t]  -5hBEp94SeOi6haA45r4rQ INFO  a b - c\n"], index).header.all()
    assert list(index) == [b"INFO  a b - c"]


@pytest.mark.parametrize(
    "line",
    [
        "16:29:40.148 [t] DEBUG a b - one blank only",
        "16:29:40,148 [t]   DEBUG a b - comma",
        "6:29:40.148 [t]   DEBUG a b - short hour",
        "16:29:40.148 no bracket   DEBUG a b - c",
        "16:29:40.148 [t]  tooshort DEBUG a b - c",
        "16:29:40.148 [t]  INFO com.acme.Cart fully taken in",
        "16:29:40.148 [t]  21.characters.or.more DEBUG a b - c",
        "16:29:40.148 [never closed",
        "",
    ],
)
def test_lines_without_the_header_are_continuation(line):
    assert not scan_blocks([line.encode() + b"\n"], Index()).header.any()


def test_blocks_of_any_size_give_the_same_codes(tmp_path, monkeypatch):
    text = "".join(f"{HEAD}DEBUG a b - message {i % 7}\n\tat frame{i % 3}\n" for i in range(500))
    write_log(tmp_path, text.removesuffix("\n"))
    whole = load_one(tmp_path)
    monkeypatch.setattr(blocks, "BLOCK", 97)
    assert load_one(tmp_path) == whole


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40).filter(lambda b: b"\n" not in b), min_size=1, max_size=20))
def test_every_byte_string_is_counted_line_by_line(tmp_path_factory, lines):
    data = b"\n".join(lines) + b"\n"
    index = Index()
    found = scan_blocks([data], index)
    assert len(found.codes) == len(lines)
    keys = list(index)
    expected = [b"\n" + line.removesuffix(b"\r") for line in lines]
    assert [keys[code] for code in found.codes] == expected


def test_invalid_utf8_and_nul_bytes_are_replaced_and_counted(tmp_path):
    write_log(tmp_path, HEAD.encode() + b"DEBUG a b - caf\xe9 \x00 end\n")
    row = load_one(tmp_path)
    assert row["replaced_bytes"] == 2
    assert "caf\ufffd" in row["e_words"]
    assert "\ufffd" in row["e_words"]


def test_crlf_gz_and_missing_final_newline_change_nothing(tmp_path):
    text = f"{HEAD}DEBUG a b - one\n{PLAIN}ERROR c d - two"
    write_log(tmp_path / "a", text)
    write_log(tmp_path / "b", text.replace("\n", "\r\n"))
    write_log(tmp_path / "c", gzip.compress(text.encode()), name="token.log.gz")
    rows = [load_one(tmp_path / name) for name in "abc"]
    assert rows[0] == rows[1] == rows[2]
    assert rows[0]["seq_len"] == 2
    assert rows[0]["n_error"] == 1


def test_an_overlong_line_is_cut_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "MAX_LINE", 1000)
    monkeypatch.setattr(blocks, "BLOCK", 300)
    write_log(tmp_path, f"{HEAD}DEBUG a b - {'x' * 5000}\n{HEAD}DEBUG a b - short\n")
    shard = take_inventory(tmp_path, LoadOptions()).shards[0]
    result = load_shard(shard, LoadOptions())
    assert result.sequences["seq_len"].to_list() == [2]
    assert result.files[0]["truncated_bytes"] == len(HEAD) + len("DEBUG a b - ") + 5000 - 1000
    assert "short" in result.sequences["e_words"][0].to_list()


def test_a_long_line_inside_one_block_is_cut_too(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "MAX_LINE", 1000)
    write_log(tmp_path, f"{HEAD}DEBUG a b - {'x' * 5000}\n{HEAD}DEBUG a b - short\n")
    result = load_shard(take_inventory(tmp_path, LoadOptions()).shards[0], LoadOptions())
    assert result.files[0]["truncated_bytes"] == len(HEAD) + len("DEBUG a b - ") + 5000 - 1000


def test_a_truncated_gz_is_listed_and_the_rest_loaded(tmp_path):
    whole = gzip.compress(f"{HEAD}DEBUG a b - one\n".encode() * 5000)
    write_log(tmp_path, whole[: len(whole) // 2], name="token.log.gz")
    write_log(tmp_path, f"{HEAD}DEBUG a b - one\n", name="code.log")
    result = load_shard(take_inventory(tmp_path, LoadOptions()).shards[0], LoadOptions())
    assert result.sequences["service"].to_list() == ["code"]
    assert [name for name, _ in result.bad_files] == ["LO2_run_1700000000/correct/token.log.gz"]


def test_v2_names_hold_the_start_and_v1_names_the_end():
    midnight_start = 1_700_006_340_000 // 1000  # 23:59 UTC
    of_day = np.array([86_340_000, 60_000])
    times, real = real_clock_times(f"LO2_run_{midnight_start}", of_day)
    assert real
    assert np.diff(times).tolist() == [120_000]
    assert times[0] == midnight_start * 1000
    times, _ = real_clock_times(f"light-oauth2-data-{midnight_start + 120}", of_day)
    assert np.diff(times).tolist() == [120_000]
    assert times[1] == (midnight_start + 120) * 1000


@given(st.integers(1_000_000_000, 2_000_000_000), st.integers(0, DAY_MS - 1))
def test_times_lie_within_a_day_of_the_epoch_and_keep_the_time_of_day(epoch, of_day):
    start, _ = real_clock_times(f"LO2_run_{epoch}", np.array([of_day]))
    end, _ = real_clock_times(f"light-oauth2-data-{epoch}", np.array([of_day]))
    assert 0 <= start[0] - epoch * 1000 < DAY_MS
    assert 0 <= epoch * 1000 - end[0] < DAY_MS
    assert start[0] % DAY_MS == end[0] % DAY_MS == of_day


def test_runs_without_an_epoch_have_null_dates_and_a_duration_across_midnight(tmp_path):
    write_log(tmp_path, "23:59:59.000 [t]   DEBUG a b - x\n00:00:01.000 [t]   DEBUG a b - y\n", run="mine")
    row = load_one(tmp_path)
    assert row["start_time"] is None
    assert row["duration_sec"] == 2.0


def test_startup_lines_are_left_out_by_content_and_counted(tmp_path):
    lazy = (
        "Trying to load mask with extension yaml, yml or json by using default loading method.",
        "Unable to load config from externalized folder for mask.yml in /config",
        "Trying to load config from classpath directory for file mask.yml",
        "Config loaded from default folder for mask.yml",
    )
    config = [f"{HEAD}INFO  com.networknt.config.Config getConfigStream - {text}" for text in lazy]
    jks = f"{HEAD}INFO  com.networknt.config.Config getConfigStream - Config loaded from externalized folder for primary.jks in /config"
    write_log(tmp_path, "\n".join([*config, jks, jks]) + "\n")
    row = load_one(tmp_path)
    assert (row["seq_len"], row["startup_lines"]) == (2, 4)
    assert "mask.yml" not in row["e_words"]
    kept = load_one(tmp_path, keep_startup=True)
    assert (kept["seq_len"], kept["startup_lines"]) == (6, 4)


def test_stack_traces_stay_in_the_bag_and_are_counted(tmp_path):
    write_log(
        tmp_path,
        f"{HEAD}ERROR a.B c - ApiException\ncom.x.ApiException: boom\n\tat com.x.Y.z(Y.java:12)\n\tat com.x.Y.q(Y.java:13)\n"
        f"{HEAD}DEBUG a b - fine\nplain stdout\n",
    )
    row = load_one(tmp_path)
    assert (row["seq_len"], row["continuation_lines"], row["n_exceptions"]) == (2, 4, 1)
    assert "com.x.Y.z(Y.java:12)" in row["e_words"]
    assert sum(row["e_event_drain_id_count"]) == len(row["e_event_sequence"]) == 2


def test_an_empty_log_is_a_sequence_of_length_zero(tmp_path):
    write_log(tmp_path, "")
    row = load_one(tmp_path)
    assert (row["seq_len"], row["e_words"], row["e_trigrams"], row["e_event_sequence"]) == (0, [], [], [])


@pytest.mark.parametrize(
    ("lines", "seq_len", "n_error", "word"),
    [
        (
            "2025-01-01T00:00:00.500Z INFO  [main] app - up\n2025-01-01T00:00:02Z ERROR app - boom\n  at x\n",
            2,
            1,
            "boom",
        ),
        (
            '{"timestamp":"2025-01-01T00:00:00Z","level":"info","message":"up"}\n{"ts":"2025-01-01T00:00:02Z","severity":"ERROR","msg":"boom"}\n',
            2,
            1,
            "boom",
        ),
        ("something happened\nERROR boom\n  indented\n", 2, 1, "boom"),
    ],
)
def test_other_services_logs_load_with_the_tree_profile(tmp_path, lines, seq_len, n_error, word):
    write_log(tmp_path, lines, run="r1", case="baseline", name="shop.log")
    row = load_one(tmp_path, profile="tree", normal="baseline")
    assert (row["seq_len"], row["n_error"], row["service"]) == (seq_len, n_error, "shop")
    assert word in row["e_words"]


def test_iso_times_are_real_dates(tmp_path):
    write_log(tmp_path, "2025-01-01T23:59:59Z INFO a\n2025-01-02T00:00:01+00:00 INFO b\n", run="r1", name="shop.log")
    row = load_one(tmp_path, profile="tree")
    assert str(row["start_time"]) == "2025-01-01 23:59:59"
    assert row["duration_sec"] == 2.0


def test_unknown_headers_are_shown_masked(tmp_path):
    write_log(tmp_path, "  <134>1 Basic YWRtaW46MTIzNDU2YWRtaW46MTIzNDU2\n", run="r1", name="shop.log")
    result = load_shard(take_inventory(tmp_path, LoadOptions(profile="tree")).shards[0], LoadOptions(profile="tree"))
    assert result.files[0]["unknown_header"].endswith("Basic <*>")


def test_sequences_are_sorted_and_never_null(tmp_path):
    for name in ("user.log", "code.log", "token.log"):
        write_log(tmp_path, f"{HEAD}DEBUG a b - {name}\n", name=name)
    frame = load_shard(take_inventory(tmp_path, LoadOptions()).shards[0], LoadOptions()).sequences
    assert frame["seq_id"].is_sorted()
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    assert frame.select(lists).null_count().sum_horizontal().item() == 0


def test_a_log_of_many_distinct_lines_is_folded_on_the_way(tmp_path):
    many = "".join(f"{HEAD}DEBUG a b - code = {i:022d} x\n" for i in range(70_000))
    write_log(tmp_path, f"{HEAD}INFO a b - first\n{many}{HEAD}WARN a b - last\n")
    write_log(tmp_path, f"{HEAD}WARN a b - last\n", name="user.log")
    (row,) = (r for r in load_shard_rows(tmp_path) if r["service"] == "token")
    words = dict(zip(row["e_words"], row["e_words_count"], strict=True))
    assert (words["first"], words["code"], words["last"], words["<*>"]) == (1, 70_000, 1, 70_000)
    assert (row["seq_len"], row["n_warn"], len(row["e_event_drain_id"])) == (70_002, 1, 3)


def load_shard_rows(root):
    return load_shard(take_inventory(root, LoadOptions()).shards[0], LoadOptions()).sequences.to_dicts()


HEADER = re.compile(rb"(\d\d):(\d\d):(\d\d)\.(\d{3}) \[[^\]\n]*\]  (?:[A-Za-z0-9_-]{22} | )(.+)", re.DOTALL)


@pytest.mark.parametrize("place", [*range(14), 17, 18, 28, 39, 40])
def test_header_with_any_other_byte_in_any_place_is_judged_like_the_pattern_does(place):
    line = b"16:29:40.148 [t]  keNUio1dQP-rs6SyE15iUw DEBUG a b - c"
    for byte in (*range(10), *range(11, 256)):
        odd = line[:place] + bytes([byte]) + line[place + 1 :]
        found, match = scan_blocks([odd + b"\n"], Index()), HEADER.fullmatch(odd)
        assert found.header.tolist() == [match is not None], odd
        if match is not None:
            hours, minutes, seconds, ms = (int(part) for part in match.groups()[:4])
            assert found.times.tolist() == [((hours * 60 + minutes) * 60 + seconds) * 1000 + ms], odd


def test_cycles_are_looked_for_as_often_as_before_when_a_run_is_read():
    before = gc.get_threshold()
    seen = []

    @blocks.collect_garbage_seldom()
    def fail():
        seen.append(gc.get_threshold()[0])
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert seen[0] > before[0]
    assert gc.get_threshold() == before
    gc.set_threshold(0, *before[1:])  # somebody wants none at all
    with blocks.collect_garbage_seldom():
        within = gc.get_threshold()[0]
    gc.set_threshold(*before)
    assert within == 0
