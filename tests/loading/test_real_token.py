"""The one real log at hand, where it is at hand."""

import re
from pathlib import Path

import pytest

import lo2

REAL = Path(__file__).parents[3] / "shared" / "lo2" / "real"


@pytest.mark.skipif(not (REAL / "light-oauth2-data-1719592986").is_dir(), reason="the real token log is not here")
def test_the_real_token_log_is_one_sequence_without_any_id():
    loaded = lo2.load(REAL)
    assert loaded.n_sequences == 1
    row = loaded.sequences.row(0, named=True)
    assert (row["seq_len"], row["startup_lines"], row["replaced_bytes"]) == (22_658, 2, 0)
    assert {str(row[name].date()) for name in ("start_time", "end_time")} == {"2024-06-28"}
    assert len(row["e_words"]) <= 80
    assert len(row["e_event_drain_id"]) <= 40
    assert len(row["e_trigrams"]) <= 500
    assert [word for word in row["e_words"] if re.search(r"[0-9a-f]{8}|[0-9]{4,}", word) and ":8080/" not in word] == []
