"""The closing screen: what it puts first."""

from types import SimpleNamespace

import polars as pl

from lo2.cli.closing import suspicious


def test_an_empty_log_never_stands_before_one_with_lines():
    predictions = pl.DataFrame(
        {
            "seq_id": ["a__x__s", "b__x__s", "c__x__s"],
            "split": ["test", "test", "train"],
            "rank_knn_words": [1, 2, 3],
            "score_knn_words": [1.0, 0.5, 0.1],
            "p_value_knn_words": [0.1, 0.1, None],
        }
    )
    frame = pl.DataFrame({"seq_id": ["a__x__s", "b__x__s", "c__x__s"], "e_words": [[], ["ERROR"], ["up"]]})
    lines = pl.DataFrame({"seq_id": ["b__x__s"], "text": ["ERROR refused"], "file": ["b.log"], "line": [7]})
    result = SimpleNamespace(
        detection=SimpleNamespace(predictions={"knn_words": predictions}, sequences=SimpleNamespace(frame=frame)),
        explained=SimpleNamespace(explanations={"knn_words": SimpleNamespace(lines=lines)}),
    )
    shown = suspicious(result, "knn_words")
    assert shown[0].startswith("1. b__x__s")
    assert shown[1:3] == ["   b.log:7", "   ERROR refused"]
    assert shown[3].startswith("2. a__x__s")
