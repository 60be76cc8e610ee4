"""Patterns that stay in the cache of the process: the same texts as by a call that starts the engine."""

import re
from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lo2.masking import masks
from lo2.masking.masks import Guarded, Keeping, Pass
from lo2.masking.profiles import profile_masking
from lo2.masking.secrets import KINDS
from lo2.masking.sweeps import Twin, are_few_texts, is_small_pattern, sweep_matches, sweep_replaced
from lo2.masking.values import KEPT, VALUES


def passes(steps: object) -> Iterator[Pass]:
    for step in steps:
        if isinstance(step, Guarded):
            yield from passes(step.steps)
        elif isinstance(step, Keeping):
            yield from passes((step.plain, *step.steps))
        else:
            yield step


LARGE = [one for one in passes(profile_masking("tree").passes) if not is_small_pattern(one.pattern)]
PIECES = st.sampled_from(
    [example[0] for row in {**KINDS, **KEPT, **VALUES}.values() for example in row.examples]
    + [
        " ",
        "=",
        ":",
        "/",
        '"',
        "'",
        ", ",
        "-",
        "%",
        "$",
        "\u00e4",
        "\u212a",
        "12",
        "ab",
        "password",
        "pin=1",
        "null",
        "x",
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(PIECES, max_size=8).map("".join), min_size=2, max_size=6), st.sampled_from(LARGE))
def test_few_matches_become_what_a_call_that_starts_makes_of_them(texts, one):
    found = pl.Series(texts)
    assert one.mask_texts(found).to_list() == found.str.replace_all(one.pattern, one.replacement).to_list()
    assert sweep_matches(found, one.pattern).to_list() == found.str.contains(one.pattern).to_list()


def test_few_matches_are_replaced_without_a_call_that_starts(monkeypatch):
    asked = []

    def counted(*arguments):
        asked.append(sweep_replaced(*arguments))
        return asked[-1]

    monkeypatch.setattr(masks, "sweep_replaced", counted)
    monkeypatch.setattr(masks, "_WORTH", 0)
    texts = pl.Series(["password=hunter and pin: 47", "up", "'token': u'abc'", "down", "down"])
    assert profile_masking("tree").mask_texts(texts).to_list() == [
        "password=<*> and pin: <*>",
        "up",
        "'token': u'<*>'",
        "down",
        "down",
    ]
    assert [one.to_list() for one in asked if one is not None] == [["password=<*> and pin: <*>", "'token': u'<*>'"]]


@pytest.mark.parametrize("text", ["xpin=47 pin=47", "pin=4 pin=47", "pin=47 xpin=47 pin=47", "pin=477 pin=47"])
def test_a_match_is_replaced_where_it_was_found_not_where_the_same_letters_stand(text):
    twin = re.compile(r"\b(pin=)47?\b")
    found = sweep_replaced(pl.Series([text]), Twin(twin.pattern, twin, lambda match: f"{match[1]}*"))
    assert found is not None
    assert found.to_list() == [twin.sub(r"\1*", text)]


def test_long_matches_and_many_of_them_are_left_to_a_call_that_starts():
    twin = re.compile("[0-9]+")
    for text in ("1" * 401, "1 " * 21):
        assert sweep_replaced(pl.Series([text]), Twin(twin.pattern, twin, lambda match: "*")) is None


def test_more_texts_are_worth_starting_for_a_small_pattern_than_for_a_large_one():
    texts = pl.Series(["up"] * 600)
    assert are_few_texts(texts, "x" * 2_000)
    assert not are_few_texts(texts, "x" * 1_500)


def test_what_was_met_lately_is_replaced_only_where_the_characters_around_are_the_same():
    twin = Twin(r"\b(pin=)47?\b|^47", re.compile(r"\b(pin=)47?\b|^47"), lambda match: f"{match[1] or ''}*")
    texts = ["pin=47", "47 pin=47", "xpin=47 pin=47", "1 pin=47", "pin=47x pin=4", "47", " 47"] * 2
    want = [twin.python.sub(twin.replace, text) for text in texts]
    found = sweep_replaced(pl.Series(texts), twin)
    assert found is not None
    assert found.to_list() == want
