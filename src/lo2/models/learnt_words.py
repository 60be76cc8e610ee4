"""Learnt words: word positions where training saw several words count as one, ``<*>``, in columns of their own.

Tables keep their words as they were masked. A model that says so (``ModelSpec.learnt``) reads these columns instead,
which are made next to them from the texts of the templates: a name at a learnt position is not new, whether or not it
was seen there; any other unseen word is.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from lo2.features.variables import Variables, learn_variables
from lo2.features.words import words
from lo2.models.matrix import flat_token_batches
from lo2.pool import distinct_pool_lists, pool_of
from lo2.sparse import csr_matrix, kept_cells, products, row_numbers

LEARNT = "e_words_learnt"
WORDS = "e_words"
TEMPLATES = "e_event_drain_id"
_NEEDED = tuple(name for column in (WORDS, TEMPLATES) for name in (column, f"{column}_count"))
_ROWS = 8_192


def learn_word_positions(sequences: pl.DataFrame, texts: Mapping[str, str]) -> Variables:
    """Variables of the templates that these sequences hold, which must be training's alone.

    None where a table does not say which templates its sequences hold, and how often.

    Examples
    --------
    >>> texts = {name: f"login of {name} failed" for name in ("kim", "ada", "bob", "eve", "zoe")}
    >>> rows = {WORDS: [["a"]], f"{WORDS}_count": [[1]], TEMPLATES: [list(texts)[:4]], f"{TEMPLATES}_count": [[1] * 4]}
    >>> learn_word_positions(pl.DataFrame(rows), texts).templates
    (('login of <*> failed', (4,)),)
    """
    if not set(_NEEDED) <= set(sequences.columns):
        return Variables()
    return learn_variables(texts[name] for name in _learning_templates(sequences) if name in texts)


def with_learnt_words(sequences: pl.DataFrame, texts: Mapping[str, str], variables: Variables) -> pl.DataFrame:
    """The table with ``e_words_learnt`` and its counts next to ``e_words``; as it is where nothing was learnt.

    Words of a row that changes are sorted, those of the others stay in order of first appearance.

    Examples
    --------
    >>> variables = learn_variables(f"login of {name} failed" for name in ("kim", "ada", "bob", "eve"))
    >>> rows = {"e_words": [["login", "of", "zoe", "failed"]], "e_words_count": [[2, 2, 2, 2]]}
    >>> rows |= {"e_event_drain_id": [["t"]], "e_event_drain_id_count": [[2]]}
    >>> found = with_learnt_words(pl.DataFrame(rows), {"t": "login of zoe failed"}, variables)
    >>> found.select("e_words_learnt", "e_words_learnt_count").row(0)
    (['<*>', 'failed', 'login', 'of'], [2, 2, 2, 2])
    """
    if not variables.templates or not set(_NEEDED) <= set(sequences.columns) or LEARNT in sequences.columns:
        return sequences
    pool = pool_of(sequences)
    if pool is not None:
        return pool.widened_rows(
            sequences, with_learnt_words(pool.lists, texts, variables).select(LEARNT, f"{LEARNT}_count")
        )
    changes = _learnt_word_changes(sequences, texts, variables)
    names = {LEARNT: pl.col(WORDS), f"{LEARNT}_count": pl.col(f"{WORDS}_count")}
    if changes:
        parts = [_learnt_slice_columns(part, changes) for part in sequences.select(_NEEDED).iter_slices(_ROWS)]
        made = pl.concat(parts) if parts else pl.DataFrame()
        return sequences.with_columns(made.get_columns())
    return sequences.with_columns(column.alias(name) for name, column in names.items())


def learnt_words_of(variables: Variables) -> Callable[[str], list[str]]:
    """Words of a masked message, with its learnt positions merged.

    Examples
    --------
    >>> variables = learn_variables(f"login of {name} failed" for name in ("kim", "ada", "bob", "eve"))
    >>> learnt_words_of(variables)("WARN\\x1fshop.Auth\\x1flogin of zoe failed")
    ['WARN', 'shop.Auth', 'login', 'of', '<*>', 'failed']
    """

    def merged_words(message: str) -> list[str]:
        head, separator, text = message.rpartition("\x1f")
        return words(head + separator + variables.merge_variables([text])[0])

    return merged_words


def _learning_templates(sequences: pl.DataFrame) -> list[str]:
    """Ids of the templates that any of the sequences holds, sorted."""
    lists = distinct_pool_lists(sequences, TEMPLATES)[0].to_series()
    return sorted(lists.filter(lists.list.len() > 0).explode().unique().cast(pl.String).drop_nulls().to_list())


def _learnt_word_changes(
    sequences: pl.DataFrame, texts: Mapping[str, str], variables: Variables
) -> dict[str, dict[str, int]]:
    """By template: which words of one line of it come and which go, and how many."""
    known = [name for name in _learning_templates(sequences) if name in texts]
    changes = {}
    for name, merged in zip(known, variables.merge_variables(texts[name] for name in known), strict=True):
        if merged != texts[name]:
            moved = Counter(words(merged))
            moved.subtract(words(texts[name]))
            changes[name] = {word: n for word, n in sorted(moved.items()) if n}
    return {name: moved for name, moved in changes.items() if moved}


def _learnt_slice_columns(part: pl.DataFrame, changes: Mapping[str, Mapping[str, int]]) -> pl.DataFrame:
    """The learnt columns of a slice of the table."""
    columns = (LEARNT, f"{LEARNT}_count")
    held = part[TEMPLATES].list.eval(pl.element().cast(pl.String).is_in(list(changes))).list.any()
    rows = held.fill_null(value=False).arg_true()
    plain = part.select(pl.col(name).alias(to) for name, to in zip((WORDS, f"{WORDS}_count"), columns, strict=True))
    if not len(rows):
        return plain
    made = _learnt_row_columns(part[rows], changes).with_columns(row=rows.cast(pl.UInt32))
    kinds = [pl.col(name).cast(kind) for name, kind in plain.schema.items()]
    here = plain.with_row_index("row").join(made.select("row", *kinds), on="row", how="left", maintain_order="left")
    return here.select(
        pl.when(pl.col(f"{columns[1]}_right").is_null()).then(name).otherwise(f"{name}_right").alias(name)
        for name in columns
    )


def _learnt_row_columns(rows: pl.DataFrame, changes: Mapping[str, Mapping[str, int]]) -> pl.DataFrame:
    """The learnt columns of rows that change: words times counts, plus templates times what changes in one line."""
    held = rows[WORDS].explode().drop_nulls().unique().cast(pl.String).to_list()
    names = pl.Series(sorted({*held, *(word for moved in changes.values() for word in moved)}), dtype=pl.String)
    templates = pl.Series(list(changes), dtype=pl.String)
    one = pl.DataFrame({"word": [list(moved) for moved in changes.values()]}, schema={"word": pl.List(pl.String)})
    one = one.with_columns(word_count=pl.Series([list(moved.values()) for moved in changes.values()]))
    held = _learnt_token_counts(rows, WORDS, names)
    moved = products(_learnt_token_counts(rows, TEMPLATES, templates), _learnt_token_counts(one, "word", names))
    row, column, n = (np.concatenate(p) for p in zip((row_numbers(held), held.indices, held.data), moved, strict=True))
    found = csr_matrix((n, (row, column)), shape=(rows.height, len(names)))
    # A foreign table's templates may not be those of its words.
    found = kept_cells(found, found.data > 0)
    cells = {
        "row": row_numbers(found),
        LEARNT: names.gather(found.indices.astype(np.uint32)),
        f"{LEARNT}_count": found.data.astype(np.uint32),
    }
    lists = pl.DataFrame(cells).group_by("row", maintain_order=True).agg(LEARNT, f"{LEARNT}_count")
    every = pl.DataFrame({"row": np.arange(rows.height)}).join(lists, on="row", how="left", maintain_order="left")
    return every.select(pl.col(LEARNT, f"{LEARNT}_count").fill_null([]))


def _learnt_token_counts(rows: pl.DataFrame, column: str, names: pl.Series) -> Any:
    """CSR of integers: how often each row holds each of ``names``, all others left out."""
    items, counts, lengths = next(flat_token_batches(rows[column], rows[f"{column}_count"], size=max(1, rows.height)))
    place = pl.Series(np.arange(len(names)), dtype=pl.Int64)
    found = items.cast(pl.String).replace_strict(names, place, default=len(names), return_dtype=pl.Int64)
    data = np.ones(len(found), np.int64) if counts is None else counts.cast(pl.Int64).to_numpy().copy()
    ends = np.concatenate([[0], np.cumsum(lengths)])
    matrix = csr_matrix((data, found.to_numpy().copy(), ends), shape=(rows.height, len(names) + 1))
    matrix.sum_duplicates()
    return kept_cells(matrix, matrix.indices < len(names))
