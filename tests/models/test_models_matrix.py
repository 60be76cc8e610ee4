"""Token matrices equal scikit-learn's CountVectorizer."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from lo2.errors import SchemaError, TooFewError
from lo2.models import matrix
from lo2.models.matrix import known_token_share, make_vectorizer, make_vocabulary, numeric_matrix, token_matrix

ROWS = st.lists(st.lists(st.sampled_from(["a", "b", "ä", "ERR12", "<*>", "z z"]), max_size=9), min_size=1, max_size=8)


def lists(rows: list[list[str]]) -> pl.Series:
    return pl.Series("e_words", rows, dtype=pl.List(pl.String))


@given(rows=ROWS, binary=st.booleans())
def test_matrix_and_vocabulary_equal_those_of_countvectorizer(rows, binary):
    if len({token for row in rows for token in row}) < 2:
        with pytest.raises(TooFewError):
            make_vocabulary(lists(rows), novel=False, at_least=2)
        return
    theirs = CountVectorizer(analyzer=list, binary=binary)
    expected = theirs.fit_transform(rows)
    ours = make_vocabulary(lists(rows), novel=False)
    assert ours == theirs.vocabulary_
    found = token_matrix(lists(rows), ours, binary=binary)
    assert found.dtype == np.float32
    assert found.indices.dtype == np.int32
    assert found.has_sorted_indices
    assert (found.toarray() == expected.toarray()).all()


def test_counts_give_the_matrix_of_repeated_lists():
    repeated = [["a", "a", "a", "b"], [], ["b", "b"]]
    distinct, counts = lists([["a", "b"], [], ["b"]]), pl.Series([[3, 1], [], [2]], dtype=pl.List(pl.UInt32))
    vocabulary = {"a": 0, "b": 1}
    expected = token_matrix(lists(repeated), vocabulary).toarray()
    assert (token_matrix(distinct, vocabulary, counts=counts).toarray() == expected).all()


@given(rows=ROWS, known=st.lists(st.sampled_from(["a", "b", "ERR12"]), unique=True, min_size=2))
def test_counter_sends_the_unknown_to_column_0_as_in_scikit_learn(rows, known):
    vocabulary = make_vocabulary(lists([known]))
    assert isinstance(vocabulary, Counter)
    vectorizer = make_vectorizer(vocabulary)
    found = token_matrix(lists(rows), vocabulary)
    assert (found.toarray() == vectorizer.transform(rows).toarray()).all()
    assert found[:, 0].sum() == sum(token not in known for row in rows for token in row)
    assert len(vectorizer.vocabulary_) == len(known) + 1


def test_rows_of_several_batches_stay_in_order(monkeypatch):
    rows = [["a"] * (i % 4) for i in range(23)]
    vocabulary = {"a": 0, "b": 1}
    whole = token_matrix(lists(rows), vocabulary).toarray()
    monkeypatch.setattr(matrix, "BATCH_ROWS", 5)
    assert (token_matrix(lists(rows), vocabulary).toarray() == whole).all()
    assert whole[:, 0].tolist() == [i % 4 for i in range(23)]


def test_null_lists_and_empty_frames_are_rows_without_tokens():
    found = token_matrix(pl.Series([None, ["a"]], dtype=pl.List(pl.String)), {"a": 0, "b": 1})
    assert found.toarray().tolist() == [[0, 0], [1, 0]]
    assert token_matrix(lists([]), {"a": 0}).shape == (0, 1)


def test_vocabulary_narrower_than_its_columns_is_refused():
    with pytest.raises(TooFewError, match="1 distinct tokens"):
        token_matrix(lists([["a"]]), {"a": 3})


def test_known_share_counts_distinct_tokens():
    shares = known_token_share(lists([["a", "a", "new"], [], ["new"]]), Counter({"": 0, "a": 1}))
    assert shares.tolist() == [0.5, 1.0, 0.0]


def test_numeric_matrix_reads_missing_values_as_0_and_refuses_text():
    frame = pl.DataFrame({"n": [1.0, None, float("nan")], "text": ["a", "b", "c"]})
    assert numeric_matrix(frame, ("n",)).toarray().ravel().tolist() == [1.0, 0.0, 0.0]
    with pytest.raises(SchemaError, match="'text' is String"):
        numeric_matrix(frame, ("n", "text"))
    with pytest.raises(SchemaError, match="'gone' is missing"):
        numeric_matrix(frame, ("gone",))


@given(rows=ROWS, known=st.lists(st.sampled_from(["a", "b", "ERR12", "never"]), unique=True, min_size=2))
def test_tokens_as_codes_give_the_matrix_of_their_texts(rows, known):
    coded = pl.Series([*rows, [None, "a"], None], dtype=pl.List(pl.String)).cast(pl.List(pl.Categorical))
    for vocabulary in (make_vocabulary(lists([known])), make_vocabulary(lists([known]), novel=False)):
        expected = token_matrix(coded.cast(pl.List(pl.String)), vocabulary)
        assert (token_matrix(coded, vocabulary) != expected).nnz == 0
