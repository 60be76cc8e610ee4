import json
import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lo2
from lo2.features.variables import Variables, learn_variables, variable_tokens

NAMES = ("root", "oracle", "test", "git", "kim")


def test_a_user_name_seen_for_the_first_time_has_the_known_template():
    variables = learn_variables([f"Invalid user {name} from <*>" for name in NAMES])
    assert variables.merge_variables(["Invalid user zoe from <*>"]) == ["Invalid user <*> from <*>"]
    assert variables.merge_variables(["Invalid group zoe from <*>"]) == ["Invalid group zoe from <*>"]


def test_a_word_that_is_the_whole_signal_stays():
    texts = [f"[instance: <*>] VM {word} (Lifecycle Event)" for word in ("Started", "Paused", "Resumed")]
    assert learn_variables(texts).merge_variables(texts) == texts


def test_what_begins_a_message_is_no_variable():
    texts = [f"{name} startup succeeded at once" for name in NAMES]
    assert learn_variables(texts).templates == ()


def test_a_place_needs_words_beside_it():
    assert learn_variables([f"saw {name}" for name in NAMES]).templates == ()


def test_a_masked_value_and_two_words_make_a_variable():
    texts = ["Invalid user <*> from <*>", "Invalid user kim from <*>", "Invalid user eva from <*>"]
    assert set(learn_variables(texts).merge_variables(texts)) == {"Invalid user <*> from <*>"}


def test_an_empty_place_is_filled_where_others_have_a_value():
    texts = ["connection from <*> (<*>) at once", "connection from <*> () at once"]
    assert set(learn_variables(texts).merge_variables(texts)) == {"connection from <*> (<*>) at once"}


def test_level_and_logger_are_never_variables():
    tree = [f"INFO\x1f{name}\x1fcart was opened" for name in NAMES]
    plain = [f"DEBUG c.n.{name} run - cart was opened" for name in NAMES]
    assert learn_variables([*tree, *plain]).templates == ()


def test_no_learnt_word_is_kept():
    variables = learn_variables([f"Invalid user {name} from <*>" for name in NAMES])
    kept = json.dumps(variables.templates)
    assert not any(name in kept for name in NAMES)
    assert Variables(tuple((text, tuple(places)) for text, places in json.loads(kept))) == variables


def test_lines_of_a_stack_trace_keep_their_line_feed():
    texts = [f"\n  at charge of {name} in gate" for name in NAMES]
    assert set(learn_variables(texts).merge_variables(texts)) == {"\n at charge of <*> in gate"}


WORDS = st.sampled_from(["a", "b", "c", "d", "e", "<*>", "user", "from", "=", "(", ")", "", "\n", "\x1f", ","])
TEXTS = st.lists(st.lists(WORDS, min_size=1, max_size=6).map(" ".join), max_size=40)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.randoms(use_true_random=False))
def test_order_plays_no_part(texts, generator: random.Random):
    shuffled = texts[:]
    generator.shuffle(shuffled)
    assert learn_variables(shuffled) == learn_variables(texts) == learn_variables([*texts, *shuffled])


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_merging_twice_is_merging_once(texts, others):
    variables = learn_variables(texts)
    once = variables.merge_variables([*texts, *others])
    assert variables.merge_variables(once) == once


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_merged_messages_differ_from_what_they_were_at_learnt_places_alone(texts):
    variables = learn_variables(texts)
    learnt = {position for _, positions in variables.templates for position in positions}
    for text, merged in zip(texts, variables.merge_variables(texts), strict=True):
        if merged != text:
            before, after = variable_tokens(text), variable_tokens(merged)
            assert len(before) == len(after)
            for position, (one, other) in enumerate(zip(before, after, strict=True)):
                assert one == other or (other == "<*>" and position in learnt)


def test_templates_of_messages_in_order():
    messages = ["took 12 ms", None, "Invalid user kim from 10.0.0.9", "took 7 s\n  at a.B", ""]
    others = [f"Invalid user {name} from 10.0.0.1" for name in NAMES]
    found = lo2.templates(pl.Series(messages), learn_from=others)
    assert found["text"].to_list() == ["took <*>", "", "Invalid user <*> from <*>", "took <*>", ""]
    assert found["template_id"][0] == found["template_id"][3]
    assert found.schema == {"template_id": pl.String, "text": pl.String}


def test_templates_do_not_learn_from_what_is_judged():
    messages = [f"queue of {name} drained by worker 7" for name in NAMES]
    assert lo2.templates(messages)["template_id"].n_unique() == 1
    assert lo2.templates(messages, learn_from=messages[:2])["template_id"].n_unique() == len(NAMES)


@pytest.mark.parametrize("messages", [[], pl.Series([], dtype=pl.String)])
def test_no_messages_have_no_templates(messages):
    assert lo2.templates(messages).shape == (0, 2)


def test_level_and_logger_are_no_part_of_a_template():
    assert lo2.templates(["INFO\x1fshop.cart\x1fcart 7 opened"])["text"].to_list() == ["cart <*> opened"]
