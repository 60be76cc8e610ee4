"""One model explained as a whole: which rows, consistent frames, masked text, mistakes in words."""

from datetime import datetime

import polars as pl
import pytest

from lo2.errors import InputError
from lo2.explain import mistakes
from lo2.explain.explanation import choose_explained, explain_model
from lo2.explain.options import ExplainOptions
from lo2.explain.tokens import rank_tokens, ranked_tokens_text
from lo2.models.split import split_runs
from lo2.models.training import predict, train

SECRET = "66c2c2bd"


@pytest.fixture(scope="module")
def model(world):
    """Fitted knn_words and its predictions."""
    split = split_runs(world)
    fitted = train("knn_words", world, split, seed=1)
    return fitted, predict(fitted, world, split)


def events_of(world: pl.DataFrame, texts: dict[str, str]):
    """Events as a loader gives them, an id of each masked value in the raw text."""

    def events(seq_id: str) -> pl.DataFrame | None:
        order = world.filter(pl.col("seq_id") == seq_id)["e_event_sequence"][0]
        masked = [texts[f"{number:08x}"] for number in order]
        return pl.DataFrame(
            {
                "e_message_masked": masked, "m_timestamp": [datetime(2024, 6, 28, 1)] * len(masked),
                "m_message": [text.split(" - ")[1].replace("<*>", SECRET) for text in masked],
                "file": [f"{seq_id}.log"] * len(masked), "line": list(range(1, len(masked) + 1)),
                "startup": [False] * len(masked),
            },
            schema_overrides={"m_timestamp": pl.Datetime("ms"), "line": pl.UInt32},
        )  # fmt: skip

    return events


def test_explanation_names_the_fault_line_of_every_hit(model, world, texts):
    fitted, predictions = model
    options = ExplainOptions(top=60)
    found = explain_model(fitted, world, predictions, options=options, texts=texts, events=events_of(world, texts))
    hits = predictions.filter((pl.col("split") == "test") & pl.col("anomaly"))
    first = found.lines.group_by("seq_id", maintain_order=True).first()
    for seq_id in hits["seq_id"]:
        row = first.filter(pl.col("seq_id") == seq_id).row(0, named=True)
        assert "ERR12014" in row["text"]
        order = world.filter(pl.col("seq_id") == seq_id)["e_event_sequence"][0].to_list()
        fault = next(i for i, number in enumerate(order, start=1) if "ERR12014" in texts[f"{number:08x}"])
        assert (row["file"], row["line"], row["count"]) == (f"{seq_id}.log", fault, 6)
    assert found.notes == ()


def test_raw_text_is_shown_only_when_asked_for_and_never_in_mistakes(model, world, texts):
    fitted, predictions = model
    # A threshold that flags every normal row makes all of them mistakes.
    wrong = predictions.with_columns(pred_knn_words_threshold=~pl.col("anomaly"))
    for show_raw in (False, True):
        options = ExplainOptions(show_raw=show_raw)
        found = explain_model(fitted, world, wrong, options=options, texts=texts, events=events_of(world, texts))
        assert (SECRET in str(found.lines["text"].to_list())) == show_raw
        assert SECRET not in found.false_positives + found.false_negatives
        assert SECRET not in str(found.neighbours.rows()) + str(found.attributions.frame.rows())


def test_mistakes_are_blocks_of_the_agreed_keys(model, world, texts):
    fitted, predictions = model
    wrong = predictions.with_columns(pred_knn_words_threshold=~pl.col("anomaly"))
    found = explain_model(fitted, world, wrong, texts=texts)
    keys = ["seq_id", "service", "score", "threshold", "p_value", "top tokens", "nearest normal", "masked lines"]
    n = predictions.filter(pl.col("split") == "test")["anomaly"].value_counts()
    for text, label in ((found.false_positives, False), (found.false_negatives, True)):
        blocks = [block.splitlines() for block in text.split("\n\n") if block.strip()]
        assert len(blocks) == n.filter(pl.col("anomaly") == label)["count"][0]
        for block in blocks:
            assert [line.split(": ")[0] for line in block] == keys
            assert "not computed" not in "".join(block)


def test_false_positives_begin_with_the_most_anomalous_and_false_negatives_with_the_least():
    """What was missed by most tells most about what a model cannot see."""
    rows = {
        "seq_id": [*"abcdefgh"], "split": ["test"] * 7 + ["holdout"], "anomaly": [True] * 3 + [False] * 3 + [True] * 2,
        "rank_m": [4, 8, 6, 3, 1, 2, 5, 7], "pred_m_threshold": [False] * 3 + [True] * 3 + [True, False],
    }  # fmt: skip
    predictions = pl.DataFrame(rows)
    assert mistakes.false_negatives(predictions, model="m")["seq_id"].to_list() == ["b", "c", "a"]
    assert mistakes.false_positives(predictions, model="m")["seq_id"].to_list() == ["e", "f", "d"]
    chosen = choose_explained(predictions, model="m", options=ExplainOptions(top=1, flagged=0, shap_sample=0))
    assert chosen.filter("closely")["seq_id"].to_list() == ["b", "e"]


def test_without_events_it_says_so_and_gives_templates(model, world, texts):
    fitted, predictions = model
    found = explain_model(fitted, world, predictions, texts=texts)
    assert "not at hand" in found.notes[0]
    assert found.lines["line"].null_count() == found.lines.height > 0


def test_order_model_carries_its_score_to_the_line_that_comes_unexpected(world, texts):
    split = split_runs(world)
    fitted = train("ngram_events", world, split)
    found = explain_model(fitted, world, predict(fitted, world, split), texts=texts, events=events_of(world, texts))
    hit = world.filter(pl.col("anomaly") & (split == "test"))["seq_id"][0]
    tokens = found.attributions.frame.filter(pl.col("seq_id") == hit)
    assert "ERR12014" in tokens["token"][0]
    assert " > " in tokens["token"][0]
    assert "ERR12014" in found.lines.filter(pl.col("seq_id") == hit)["text"][0]


def test_choice_holds_top_mistakes_and_a_spread_sample(model):
    _, predictions = model
    chosen = choose_explained(predictions, model="knn_words", options=ExplainOptions(top=2, shap_sample=5))
    ranked = predictions.filter(pl.col("split") != "train").sort("rank_knn_words", "seq_id")["seq_id"]
    assert set(ranked.head(2)) <= set(chosen.filter("closely")["seq_id"])
    n = ranked.len()
    assert {ranked[i * n // 5] for i in range(5)} <= set(chosen["seq_id"])
    assert chosen["seq_id"].is_sorted()
    assert not set(chosen["seq_id"]) & set(predictions.filter(pl.col("split") == "train")["seq_id"])


def test_second_explanation_is_identical(model, world, texts):
    fitted, predictions = model
    one, two = (explain_model(fitted, rows, predictions, texts=texts) for rows in (world, world.reverse()))
    assert one.lines.equals(two.lines)
    assert one.attributions.frame.equals(two.attributions.frame)
    assert one.neighbours.equals(two.neighbours)
    assert (one.plot_shap_bar(), one.plot_shap_summary()) == (two.plot_shap_bar(), two.plot_shap_summary())


def test_predictions_of_other_sequences_are_refused(model, world):
    fitted, predictions = model
    with pytest.raises(InputError, match="detect again"):
        explain_model(fitted, world.head(3), predictions)
    with pytest.raises(InputError, match="no training row"):
        explain_model(fitted, world, predictions.with_columns(split=pl.lit("test")))


def test_ranking_counts_rows_without_the_token_as_zero():
    frame = pl.DataFrame({"seq_id": ["a", "b", "a"], "token": ["x", "x", "\ty"], "contribution": [1.0, -1.0, 3.0]})
    ranked = rank_tokens(frame, n_sequences=4)
    assert ranked.rows() == [(1, "\ty", 0.75), (2, "x", 0.5)]
    assert ranked_tokens_text(ranked) == "1\t\\ty\t0.75\n2\tx\t0.5\n"
