"""Contributions reach the right physical lines, and text stays masked."""

from datetime import datetime

import polars as pl
import pytest

from lo2.explain.lines import (
    SCHEMA,
    DistinctLine,
    attribute_events,
    attribute_lines,
    lines_of_events,
    lines_of_templates,
    token_surplus,
    tokens_of,
)
from lo2.features.templates import template_id
from lo2.loading.events import event_frames
from lo2.loading.inventory import LoadOptions, take_inventory

LOG = """\
10:00:00.000 [XNIO-1]  AAAAAAAAAAAAAAAAAAAAAA DEBUG a.Store load - Load:66c2c2bd
10:00:01.000 [XNIO-1]  AAAAAAAAAAAAAAAAAAAAAA ERROR a.Handler set - failed
java.lang.IllegalStateException: gone
\tat a.b.C.d(C.java:1)
10:00:02.000 [XNIO-1]  AAAAAAAAAAAAAAAAAAAAAA DEBUG a.Store load - Load:77c2c2bd
10:00:03.000 [XNIO-1]  AAAAAAAAAAAAAAAAAAAAAA ERROR a.Handler set - failed
java.lang.IllegalStateException: gone
"""


@pytest.fixture
def events(tmp_path) -> pl.DataFrame:
    folder = tmp_path / "light-oauth2-data-1719592986" / "correct"
    folder.mkdir(parents=True)
    (folder / "light-oauth2-oauth2-token-1.log").write_text(LOG)
    (file,) = take_inventory(tmp_path, LoadOptions()).files
    return pl.concat(event_frames([file]))


def test_lines_are_physical_lines_with_their_numbers(events):
    found = {line.masked: (line.count, line.line) for line in lines_of_events(events)}
    assert found == {
        "DEBUG a.Store load - Load:<*>": (2, 1),
        "ERROR a.Handler set - failed": (2, 2),
        "\njava.lang.IllegalStateException: gone": (2, 3),
        "\n\tat a.b.C.d(C.java:1)": (1, 4),
    }
    for line in lines_of_events(events):
        assert line.raw.strip() in LOG.splitlines()[line.line - 1]


def test_contribution_of_a_token_is_shared_by_its_occurrences(events):
    lines = lines_of_events(events)
    shares = {"ERROR": 3.0, "a.b.C.d(C.java:1)": 1.0, "Load:<*>": -2.0}
    rows = attribute_lines("s", shares, lines, tokens_of("e_words"), {"ERROR": 0.5, "a.b.C.d(C.java:1)": 1.0})
    assert rows.select("text", "contribution", "count", "line").rows() == [
        ("ERROR a.Handler set - failed", 3.0, 2, 2),
        ("\tat a.b.C.d(C.java:1)", 1.0, 1, 4),
        ("DEBUG a.Store load - Load:<*>", -2.0, 2, 1),
    ]
    assert rows["first_time"][0].time() == datetime(2024, 1, 1, 10, 0, 1).time()
    assert rows["template"][0] == template_id("ERROR a.Handler set - failed")
    assert rows.drop("raw").schema == pl.Schema(SCHEMA)


def test_text_is_masked_and_raw_stands_beside_it(events):
    rows = attribute_lines("s", {"Load:<*>": -1.0}, lines_of_events(events), tokens_of("e_words"), {})
    assert "66c2c2bd" not in str(rows.drop("raw").to_dict(as_series=False))
    assert rows["raw"].to_list() == ["Load:66c2c2bd"]


def test_word_twice_in_a_line_carries_twice():
    lines = [DistinctLine("x x", 1), DistinctLine("x", 2)]
    rows = attribute_lines("s", {"x": 4.0}, lines, str.split, {"x": 1.0})
    assert rows["contribution"].to_list() == [2.0, 2.0]


def test_line_that_goes_beyond_the_baseline_carries_what_its_tokens_add():
    lines = [DistinctLine("auth ok", 50), DistinctLine("auth failed", 10)]
    rows = attribute_lines("s", {"auth": 1.0, "ok": -1.0}, lines, str.split, {"auth": 0.2, "ok": 0.0, "failed": 1.0})
    by_line = dict(rows.select("text", "contribution").iter_rows())
    # Of 60 occurrences of `auth` 50 are at 0.2 beyond the baseline and 10 at 1.
    assert by_line == {"auth ok": 0.5 - 1.0, "auth failed": 0.5}


def test_lines_that_are_as_frequent_as_the_baseline_come_behind():
    rows = attribute_lines(
        "s",
        {"issued": 2.0, "ERR1": 1.0},
        [DistinctLine("issued", 1), DistinctLine("ERR1", 1)],
        str.split,
        {"ERR1": 1.0},
    )
    assert rows.select("text", "contribution").rows() == [("ERR1", 1.0), ("issued", 2.0)]


def test_token_that_is_rarer_than_the_baseline_stands_in_no_line():
    lines = [DistinctLine("issued", 1), DistinctLine("asked", 1)]
    rows = attribute_lines("s", {"issued": 2.0, "asked": -1.0}, lines, str.split, {"issued": -1.0, "asked": -1.0})
    assert rows["text"].to_list() == ["asked"]


def test_surplus_of_rows_without_tokens_is_empty():
    columns = {"seq_id": pl.String, "e_words": pl.List(pl.String), "e_words_count": pl.List(pl.UInt32)}
    frame = pl.DataFrame([("n", ["up"], [1]), ("a", [], [])], schema=columns, orient="row")
    assert token_surplus(frame.tail(1), frame.head(1), "e_words") == {"a": {}}
    assert token_surplus(frame.clear(), frame, "e_words") == {}


def test_surplus_is_told_by_the_rate_within_the_service_and_not_by_length():
    rows = [("n1", "token", ["up", "down"], [90, 10]), ("n2", "code", ["down"], [100])]
    rows += [("a1", "token", ["up", "down", "ERR1"], [9000, 990, 10]), ("a2", "code", ["down", "up"], [900, 100])]
    columns = {
        "seq_id": pl.String,
        "service": pl.String,
        "e_words": pl.List(pl.String),
        "e_words_count": pl.List(pl.UInt32),
    }
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    found = token_surplus(frame.tail(2), frame.head(2), "e_words")
    assert found["a1"] == {"up": 0.0, "down": -1.0, "ERR1": 1.0}
    assert found["a2"] == {"down": -1.0, "up": 1.0}
    twice = pl.DataFrame([("a", "token", ["up", "down"], [60, 40])], schema=columns, orient="row")
    assert token_surplus(twice, frame.head(2), "e_words")["a"]["down"] == pytest.approx(1 - (10 + 2 * 10**0.5) / 40)


def test_event_is_told_by_its_most_unusual_continuation_line(events):
    head = "ERROR a.Handler set - failed"
    rows = attribute_events(
        "s", {template_id(head): 1.0}, lines_of_events(events), {"a.b.C.d(C.java:1)": 1.0, "at": 0.5}
    )
    assert rows.select("text", "line", "count").rows() == [(f"{head} ↳ at a.b.C.d(C.java:1)", 2, 2)]
    typical = attribute_events("s", {template_id(head): 1.0}, lines_of_events(events), {})
    assert typical["text"].to_list() == [head]


def test_start_up_lines_are_left_out_like_in_the_features():
    text = "INFO com.networknt.config.Config getConfigStream - Config loaded from default folder for status.yml"
    events = pl.DataFrame(
        {
            "e_message_masked": [text, "\nplain"], "m_timestamp": [None, None], "file": ["f", "f"], "line": [1, 2],
            "m_message": ["Config", "\nplain"], "startup": [True, False],
        },
        schema_overrides={"m_timestamp": pl.Datetime("ms")},
    )  # fmt: skip
    assert [line.masked for line in lines_of_events(events)] == ["\nplain"]
    assert len(lines_of_events(events, keep_startup=True)) == 2


def test_without_events_templates_stand_in():
    sequence = {"e_event_drain_id": ["t1", "t2"], "e_event_drain_id_count": [3, 1]}
    lines = lines_of_templates(sequence, {"t1": "a ERR1", "t2": "b"})
    rows = attribute_lines("s", {"ERR1": 1.0}, lines, str.split, {"ERR1": 1.0})
    assert rows.select("text", "contribution", "count", "file", "line").rows() == [("a ERR1", 1.0, 3, None, None)]


def test_tokens_of_numbers_do_not_come_from_lines():
    assert tokens_of("numeric") is None
    assert tokens_of("e_trigrams")("a b - xyz") == ["xyz"]
