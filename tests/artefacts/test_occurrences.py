import pytest
from hypothesis import given
from hypothesis import strategies as st

from lo2.artefacts import occurrences as room
from lo2.artefacts.occurrences import occurrences

# Few letters, so that words overlap, share their beginnings and end where a text does.
letters = st.text("ab\u00e9", min_size=6, max_size=9)


@given(st.lists(st.text("ab\u00e9 ", max_size=60), max_size=5), st.lists(letters, max_size=30), st.integers(7, 40))
def test_every_word_is_found_wherever_it_stands_and_no_other(texts, words, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "_BLOCK", block)
        assert occurrences(texts, words) == [{word for word in words if word in text} for text in texts]


def test_a_word_that_would_be_everywhere_is_refused():
    with pytest.raises(ValueError, match="fewer than 6 bytes"):
        occurrences(["text"], ["short"])
