"""Words with variables learnt: a name at a learnt position is not new, any other unseen word is."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lo2.features.variables import Variables
from lo2.features.words import words
from lo2.models.learnt_words import LEARNT, learn_word_positions, learnt_words_of, with_learnt_words
from lo2.models.options import SplitOptions
from lo2.models.split import split_runs
from lo2.models.training import train

NAMES = ("kim", "ada", "bob", "eve", "zoe", "max")
TEXTS = {f"l{name}": f"login of {name} failed" for name in NAMES} | {"up": "service up", "down": "service down"}


def table(lines: list[dict[str, int]]) -> pl.DataFrame:
    """Sequences of lines, each a template with its count."""
    rows = []
    for i, held in enumerate(lines):
        bag: dict[str, int] = {}
        for template, n in held.items():
            for word in words(TEXTS[template]):
                bag[word] = bag.get(word, 0) + n
        rows.append(
            {"seq_id": f"r{i:02d}", "run": f"r{i:02d}", "service": "web", "anomaly": False, "e_words": list(bag),
             "e_words_count": list(bag.values()), "e_event_drain_id": list(held),
             "e_event_drain_id_count": list(held.values())}
        )  # fmt: skip
    kinds = {"e_words_count": pl.List(pl.UInt32), "e_event_drain_id_count": pl.List(pl.UInt32)}
    return pl.DataFrame(rows, schema_overrides=kinds)


def bag(frame: pl.DataFrame, row: int) -> dict[str, int]:
    names, counts = frame[LEARNT][row].to_list(), frame[f"{LEARNT}_count"][row].to_list()
    return dict(zip(names, counts, strict=True))


def test_a_name_that_training_never_saw_counts_as_the_others_and_an_unseen_statement_stays():
    frame = table([{"up": 1, f"l{name}": 2} for name in NAMES[:4]] + [{"lzoe": 3, "down": 1}])
    variables = learn_word_positions(frame.head(4), TEXTS)
    made = with_learnt_words(frame, TEXTS, variables)
    assert bag(made, 4) == {"<*>": 3, "login": 3, "of": 3, "failed": 3, "service": 1, "down": 1}
    assert made.drop(LEARNT, f"{LEARNT}_count").equals(frame)


def test_the_same_word_elsewhere_is_a_word():
    texts = TEXTS | {"odd": "kim unreachable"}
    frame = table([{f"l{name}": 1} for name in NAMES[:4]])
    made = frame.with_columns(
        e_words=pl.concat_list("e_words", pl.lit(["kim", "unreachable"])),
        e_words_count=pl.concat_list("e_words_count", pl.lit([1, 1], pl.List(pl.UInt32))),
        e_event_drain_id=pl.concat_list("e_event_drain_id", pl.lit(["odd"])),
        e_event_drain_id_count=pl.concat_list("e_event_drain_id_count", pl.lit([1], pl.List(pl.UInt32))),
    )
    found = with_learnt_words(made, texts, learn_word_positions(frame, TEXTS))
    assert bag(found, 1)["kim"] == 1
    assert bag(found, 1)["<*>"] == 1


def test_positions_come_from_the_rows_given_alone():
    frame = table([{f"l{name}": 1} for name in NAMES])
    assert learn_word_positions(frame.head(3), TEXTS) == Variables()
    assert learn_word_positions(frame, TEXTS).templates == (("login of <*> failed", (4,)),)


def test_a_table_without_templates_or_counts_stays_as_it_is():
    frame = table([{f"l{name}": 1} for name in NAMES])
    variables = learn_word_positions(frame, TEXTS)
    for gone in ("e_event_drain_id", "e_event_drain_id_count", "e_words_count"):
        assert learn_word_positions(frame.drop(gone), TEXTS) == Variables()
        assert LEARNT not in with_learnt_words(frame.drop(gone), TEXTS, variables).columns
    assert LEARNT not in with_learnt_words(frame, TEXTS, Variables()).columns


def test_an_empty_table_and_empty_sequences_have_learnt_words_too():
    frame = table([{f"l{name}": 1} for name in NAMES] + [{}])
    variables = learn_word_positions(frame, TEXTS)
    made = with_learnt_words(frame, TEXTS, variables)
    assert made[LEARNT][6].to_list() == []
    assert with_learnt_words(frame.head(0), TEXTS, variables).columns[-2:] == [LEARNT, f"{LEARNT}_count"]


def test_coded_tokens_stay_coded():
    frame = table([{"up": 1, f"l{name}": 2} for name in NAMES])
    coded = frame.with_columns(pl.col("e_words", "e_event_drain_id").cast(pl.List(pl.Categorical)))
    variables = learn_word_positions(coded, TEXTS)
    made = with_learnt_words(coded, TEXTS, variables)
    assert made.schema[LEARNT] == pl.List(pl.Categorical)
    assert made[LEARNT].cast(pl.List(pl.String)).equals(with_learnt_words(frame, TEXTS, variables)[LEARNT])


LINES = st.lists(st.dictionaries(st.sampled_from(sorted(TEXTS)), st.integers(1, 9)), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_learnt_words_are_the_words_of_the_merged_lines(lines):
    everyone = table([{f"l{name}": 1} for name in NAMES])
    variables, frame = learn_word_positions(everyone, TEXTS), table(lines)
    made, split = with_learnt_words(frame, TEXTS, variables), learnt_words_of(variables)
    for row, held in enumerate(lines):
        wanted: dict[str, int] = {}
        for template, n in held.items():
            for word in split(TEXTS[template]):
                wanted[word] = wanted.get(word, 0) + n
        assert bag(made, row) == wanted


@pytest.mark.parametrize("known", [True, False])
def test_the_recommended_detector_hears_a_new_name_only_where_nothing_was_learnt(known):
    lines = [{"up": 1, f"l{NAMES[i % 5]}": 2} for i in range(20)] + [{"up": 1, "lmax": 2}]
    frame = table(lines)
    if known:
        frame = with_learnt_words(frame, TEXTS, learn_word_positions(frame.head(12), TEXTS))
    split = split_runs(frame, SplitOptions())
    scores = train("knn_words", frame, split).score(frame)
    assert (scores[-1] > scores[:20].max() + 0.1) == (not known)
    assert np.ptp(scores[:20]) < 1e-9
