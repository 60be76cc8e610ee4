"""Pooled lists: each distinct row once, and whatever reads them finds what the rows hold."""

import gc

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lo2 import schema
from lo2.evaluation.drift import drift_sample
from lo2.evaluation.signals import signals
from lo2.models.learnt_words import learn_word_positions, with_learnt_words
from lo2.models.split import split_runs
from lo2.models.table import MODELS
from lo2.models.training import predict, train
from lo2.pipeline.reference import make_reference
from lo2.pipeline.sequences import code_sequence_tokens, read_sequences, sequences_fingerprint
from lo2.pool import Gathering, Pool, distinct_pool_lists, equal_pooled_rows, is_pooled, pool_of, unpooled

WORDS = ["up", "down", "ERR1", "login", "of", "kim", "failed"]


def bag(generator, words):
    held = [word for word in words if generator.random() < 0.6] or [words[0]]
    return held, generator.integers(1, 4, len(held)).tolist()


def rows(runs=14, kinds=5):
    """Sequences of two services that repeat a few bags, odd ones among them."""
    generator = np.random.default_rng(4)
    bags = [bag(generator, WORDS[:5]) for _ in range(kinds)]
    odd = [(["up", "ERR1", f"new{i}"], [1, 3, i + 1]) for i in range(2)]
    names = ("kim", "ada", "bob", "eve")
    found = []
    for run in range(runs):
        for case in ("correct", "odd"):
            for service in ("a", "b"):
                own = bags if case == "correct" else [*odd, bags[0]]
                words, counts = own[int(generator.integers(len(own)))]
                template = f"t{names[run % 4]}"
                found.append(
                    {
                        "seq_id": f"{run:02d}__{case}__{service}", "run": f"{run:02d}", "test_case": case,
                        "service": service, "anomaly": case != "correct", "seq_len": sum(counts),
                        "n_error": counts[0], "e_words": [*words, names[run % 4]], "e_words_count": [*counts, 1],
                        "e_event_drain_id": [template], "e_event_drain_id_count": [1],
                    }
                )  # fmt: skip
    kinds_of = {name: schema.SEQUENCES[name].dtype for name in found[0]}
    return code_sequence_tokens(pl.DataFrame(found, schema=kinds_of).sort("seq_id"))


def pooled(frame, step=7):
    """The same rows with a pool, and the pool."""
    names = [name for name in frame.columns if name in schema.POOLED]
    gathering = Gathering()
    for part in frame.select(names).iter_slices(step):
        gathering.add_lists(part)
    pool, places = gathering.pooled_rows()
    return frame.with_columns(pool.pool_column(name, places) for name in names), pool


LISTS = st.lists(
    st.none() | st.lists(st.none() | st.sampled_from(["a", "b", "ä"]), max_size=3), min_size=1, max_size=20
)


@given(words=LISTS, numbers=LISTS, step=st.integers(1, 6))
def test_rows_of_a_pool_are_the_rows_that_came_whatever_is_null_or_empty(words, numbers, step):
    n = min(len(words), len(numbers))
    counts = [None if row is None else [None if item is None else ord(item[0]) for item in row] for row in numbers[:n]]
    kinds = {"e_words": pl.List(pl.String), "e_words_count": pl.List(pl.UInt32)}
    frame = code_sequence_tokens(pl.DataFrame({"e_words": words[:n], "e_words_count": counts}, schema=kinds))
    found, pool = pooled(frame, step)
    assert unpooled(found).rows() == frame.rows()
    assert pool.lists.height == len(set(map(str, frame.rows()))) or any(
        None in (row or ()) for row in (*words, *counts)
    )
    assert unpooled(found.reverse()).rows() == frame.reverse().rows()


def test_a_pool_is_there_as_long_as_somebody_holds_it():
    frame, pool = pooled(rows())
    wider = pool.widened_rows(frame, pl.DataFrame({"more": [["x"]] * pool.lists.height}))
    assert is_pooled(frame.schema["e_words"])
    assert unpooled(wider)["more"].to_list() == [["x"]] * frame.height
    assert pool_of(wider) is not pool
    del pool
    gc.collect()
    assert pool_of(frame) is None
    assert pool_of(wider) is None
    assert not is_pooled(frame.schema["e_words"])


def test_what_costs_per_row_is_asked_once_per_distinct_row():
    plain = rows()
    frame, pool = pooled(plain)
    lists, kind = distinct_pool_lists(frame, "e_words", "e_words_count")
    assert lists.height == pool.lists.height < frame.height / 2
    assert lists[kind].rows() == plain.select("e_words", "e_words_count").rows()
    some, kind = equal_pooled_rows(frame, "e_words", frame["service"])
    assert some.height == frame.select("service", pl.col("e_words").to_physical()).n_unique()
    assert some[kind].select("service", "e_words").rows() == frame.select("service", "e_words").rows()
    assert distinct_pool_lists(plain, "e_words")[0].height == plain.height


@pytest.mark.parametrize(
    "name", [name for name, spec in MODELS.items() if spec.column == "e_words" and not spec.library]
)
def test_models_learn_and_predict_from_a_pool_what_they_do_from_rows(name):
    plain = rows()
    frame, pool = pooled(plain)
    texts = {f"t{name}": f"login of {name} failed" for name in ("kim", "ada", "bob", "eve")}
    variables = learn_word_positions(plain, texts)
    assert variables.templates
    assert learn_word_positions(frame, texts) == variables
    plain, frame = with_learnt_words(plain, texts, variables), with_learnt_words(frame, texts, variables)
    assert unpooled(frame)["e_words_learnt"].to_list() == plain["e_words_learnt"].to_list()
    split = split_runs(plain)
    found = [predict(train(name, table, split), table, split) for table in (plain, frame)]
    assert found[0].equals(found[1])
    assert pool.lists.height < frame.height


def test_signals_drift_and_reference_of_a_pool_are_those_of_its_rows():
    plain = rows(runs=30)
    frame, pool = pooled(plain)
    found = signals(frame)
    assert found.equals(signals(plain))
    assert found["signal_in_data"].any()
    split = split_runs(plain)
    made = [
        make_reference(table, split, {}, learn_word_positions(table, {})).reference_bytes for table in (plain, frame)
    ]
    assert made[0] == made[1]
    sides = plain.select("seq_id", "service", "anomaly", score_if=0.5, oov_share=0.0).with_columns(split)
    one, other = (drift_sample(sides, table, model="if", split="test").templates for table in (plain, frame))
    assert one.equals(other)
    assert pool.lists.height < frame.height


@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_a_table_is_read_the_same_pooled_and_not(tmp_path, monkeypatch, order):
    plain = rows().with_columns(e_event_sequence=pl.lit([1, 2], pl.List(pl.UInt32)))
    written = plain if order == "sorted" else plain.sample(fraction=1.0, shuffle=True, seed=1)
    texts = [pl.col(name).cast(pl.List(pl.String)) for name in ("e_words", "e_event_drain_id")]
    written.with_columns(texts).write_parquet(tmp_path / "t.parquet")
    for name, n in (("_SLICE", 8), ("_BLOCK", 4)):
        monkeypatch.setattr(f"lo2.pipeline.sequences.{name}", n)
    heavy = ["e_event_drain_id", "e_event_drain_id_count", "e_event_sequence"]
    found = [read_sequences(tmp_path / "t.parquet", heavy=heavy, pooled=pooled) for pooled in (False, True)]
    assert found[0].frame.columns == found[1].frame.columns
    assert found[0].frame.equals(plain.select(found[0].frame.columns))
    assert found[1].pool is not None
    assert found[1].pool.lists.height < plain.height / 2
    assert unpooled(found[1].frame).equals(found[0].frame)
    assert {one.fingerprint for one in found} == {sequences_fingerprint(plain)}
    some = plain["seq_id"].gather([3, 1])
    assert read_sequences(tmp_path / "t.parquet", rows=some).frame["seq_id"].to_list() == some.sort().to_list()
    assert read_sequences(tmp_path / "t.parquet", rows=some.head(0)).frame.height == 0


def test_empty_lists_make_a_pool_of_one_row():
    pool = Pool(pl.DataFrame({"e_words": [[]]}, schema={"e_words": pl.List(pl.String)}))
    frame = pl.DataFrame({"n": [1, 2]}).with_columns(pool.pool_column("e_words", np.zeros(2, np.int64)))
    assert unpooled(frame)["e_words"].to_list() == [[], []]
