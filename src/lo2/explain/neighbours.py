"""Neighbours: the nearest normal sequences of the same service, by cosine of tf-idf, and what differs from them."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.explain.bags import bag_count_matrix
from lo2.explain.contrast import ContrastSide, contrast
from lo2.explain.options import ExplainOptions
from lo2.models.matrix import document_frequency, make_vocabulary
from lo2.models.products import inner_products
from lo2.rows import rows_of_each, service_names
from lo2.sparse import csr_matrix, row_numbers, with_data

SCHEMA: dict[str, Any] = {
    "seq_id": pl.String, "normal_seq_id": pl.String, "similarity": pl.Float64, "rank": pl.UInt32,
    "missing": pl.String, "extra": pl.String, "diverges_at": pl.String,
    "differences": pl.List(pl.Struct({"text": pl.String, "here": pl.Float64, "normal": pl.Float64})),
}  # fmt: skip
NO_TOKENS = "no known tokens"
NO_NORMAL = "no normal sequence of this service"
SEPARATOR = " | "
# Similarities this close are a choice: the sequence of the more similar duration then compares better.
_CHOICE = 0.01


def neighbours(
    sequences: pl.DataFrame,
    normals: pl.DataFrame,
    *,
    column: str = "e_words",
    options: ExplainOptions = ExplainOptions(),
    texts: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """The ``nn_top_k`` nearest of ``normals`` to each of ``sequences``, never the sequence itself.

    Parameters
    ----------
    sequences, normals : DataFrame
        Rows of the sequence table; counts, duration, templates and their order are used where present.
    column : str
        Token column that is compared.
    texts : mapping of template id to text, optional
        So that templates can be read.

    Returns
    -------
    DataFrame
        ``SCHEMA``: ``similarity`` from 0 to 1; ``missing`` and ``extra`` name what is rarer and more frequent than in
        the normal sequence, as ``text (rate there -> rate here)`` per event; ``diverges_at`` the first event whose
        template differs; ``differences`` are ``extra``, then ``missing``, as values. A row without a neighbour has
        a null ``normal_seq_id`` and says why in ``missing``.
    """
    here, there = sequences.sort("seq_id"), normals.sort("seq_id")
    rows: list[tuple[Any, ...]] = []
    found = list(_nearest_normals_by_cosine(here, there, column, options.nn_top_k))
    sides = {
        row["seq_id"]: ContrastSide.from_sequence(row, column)
        for frame in (here, there)
        for row in _neighbour_comparison_rows(frame, found, column)
    }
    for seq_id, other, similarity, rank, why in found:
        if other is None:
            rows.append((seq_id, None, similarity, rank, why, "", "", []))
            continue
        seen = contrast(sides[seq_id], sides[other], limit=options.top_tokens, texts=texts)
        missing, extra = (SEPARATOR.join(map(str, side)) for side in (seen.missing, seen.extra))
        both = [asdict(one) for one in (*seen.extra, *seen.missing)]
        rows.append((seq_id, other, similarity, rank, missing, extra, seen.diverges_at, both))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


_Found = tuple[str, str | None, float, int, str]


def _neighbour_comparison_rows(frame: pl.DataFrame, found: list[_Found], column: str) -> Iterator[dict[str, Any]]:
    """Rows of the sequences and of their neighbours, one at a time, with what a contrast reads."""
    wanted = {seq_id for seq_id, *_ in found} | {other for _, other, *_ in found if other is not None}
    bags = (name for bag in (column, "e_event_drain_id") for name in (bag, f"{bag}_count"))
    names = dict.fromkeys(("seq_id", "seq_len", *bags, "e_event_sequence"))
    part = frame.select(name for name in names if name in frame.columns)
    return part.filter(part["seq_id"].is_in(sorted(wanted))).iter_rows(named=True)


def _nearest_normals_by_cosine(here: pl.DataFrame, there: pl.DataFrame, column: str, k: int) -> Iterator[_Found]:
    """(seq_id, normal seq_id, similarity, rank, why there is none), in the order of ``here``."""
    ids, others = here["seq_id"].to_list(), there["seq_id"].to_list()
    services, theirs = service_names(here).to_numpy(), service_names(there).to_numpy()
    vectors, references, known = _neighbour_tf_idf_vectors(here, there, column)
    spans, their_spans = _neighbour_log_durations(here), _neighbour_log_durations(there)
    place = {name: i for i, name in enumerate(others)}
    result: dict[int, list[_Found]] = {}
    for service, own in rows_of_each(services):
        rows, pool = np.flatnonzero(own), np.flatnonzero(theirs == service)
        for at, similar in inner_products(vectors[rows], references[pool]):
            for i, row in zip(rows[at].tolist(), np.round(similar, 9), strict=True):
                row[pool == place.get(ids[i], -1)] = -1.0
                best = _neighbours_by_similarity(row, np.abs(spans[i] - their_spans[pool]), k)
                if not known[i] or not best.size:
                    result[i] = [(ids[i], None, 0.0, 1, NO_NORMAL if known[i] else NO_TOKENS)]
                    continue
                result[i] = [
                    (ids[i], others[pool[j]], float(max(row[j], 0.0)), rank, "") for rank, j in enumerate(best, start=1)
                ]
    return (found for i in range(len(ids)) for found in result[i])


def _neighbours_by_similarity(similar: NDArray[np.float64], gap: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Places of the k nearest; among those about as near as the best, by the gap in duration; ties by place."""
    if similar.size == 0 or similar.max() < 0:
        return np.empty(0, np.int64)
    close = similar >= similar.max() - _CHOICE
    order = np.lexsort((np.arange(similar.size), -similar, np.where(close, gap, 0.0), ~close))
    return order[: min(k, int((similar >= 0).sum()))]


def _neighbour_tf_idf_vectors(
    here: pl.DataFrame, there: pl.DataFrame, column: str
) -> tuple[Any, Any, NDArray[np.bool_]]:
    """L2-normalised tf-idf rows of both, and which of ``here`` hold a token that ``there`` knows."""
    if not there.height or not there[column].list.len().sum():
        nothing = csr_matrix((here.height, 1))
        return nothing, csr_matrix((there.height, 1)), np.full(here.height, not there.height)
    vocabulary = make_vocabulary(there[column])
    X, Y = (bag_count_matrix(frame, column, vocabulary) for frame in (here, there))
    held = np.bincount(row_numbers(X)[X.indices > 0], minlength=here.height) > 0
    idf = np.log((1.0 + there.height) / (1.0 + document_frequency(Y))) + 1.0
    return _neighbour_unit_rows(X, idf), _neighbour_unit_rows(Y, idf), held


def _neighbour_unit_rows(counts: Any, weights: NDArray[np.float64]) -> Any:
    """Rows of weighed counts, each of length 1 unless it is empty."""
    data, row = counts.data * weights[counts.indices], row_numbers(counts)
    length = np.sqrt(np.bincount(row, data * data, counts.shape[0]))
    return with_data(counts, data / np.where(length > 0, length, 1.0)[row])


def _neighbour_log_durations(frame: pl.DataFrame) -> NDArray[np.float64]:
    """Logarithm of the duration in seconds; 0 where it is not known."""
    if "duration_sec" not in frame.columns:
        return np.zeros(frame.height)
    return np.asarray(np.log1p(frame["duration_sec"].cast(pl.Float64).fill_null(0.0).to_numpy()))
