"""What every model is: a row of the registry (``ModelSpec``); once fitted, its matrix, vocabulary, scores, level."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lo2 import schema
from lo2.errors import SchemaError
from lo2.features.variables import Variables
from lo2.metrics.conformal import robust_z, within_each_service
from lo2.models.distinct import distinct_rows
from lo2.models.learnt_words import LEARNT, WORDS
from lo2.models.matrix import known_token_share, make_vectorizer, make_vocabulary, numeric_matrix, token_matrix
from lo2.models.options import TrainOptions
from lo2.models.split import trainable_rows
from lo2.models.threshold import Floats, Thresholds
from lo2.pool import distinct_pool_lists, equal_pooled_rows
from lo2.rows import run_names, service_names
from lo2.sparse import csr_matrix

Strings = NDArray[np.object_]

NUMERIC, ORDER = "numeric", "e_event_sequence"
# Lengths and levels only: position in the run and start-up lines carry the label in v1.
NUMERIC_COLUMNS = (
    "seq_len", "duration_sec", "continuation_lines", "n_error", "n_warn", "n_exceptions",
    "e_words_len", "e_words_total", "e_trigrams_len", "e_trigrams_total",
)  # fmt: skip

_BATCH = 16_384
# Estimator, its vectoriser (None for numbers), and the numeric columns it needs.
Trained = tuple[Any, Any, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One row of ``MODELS``.

    ``column`` holds tokens, or is ``e_event_sequence`` for the order of events, or ``numeric``; ``explains`` names
    the exact decomposition of the score that phase F uses; ``build(seed=...)`` makes the unfitted estimator.
    ``counts``: the matrix holds counts, not presence; ``rates``: these are divided by their sum in the row, so that
    length does not count; ``grouped``: the estimator takes ``groups``, the services; ``by_run``: ``fit`` takes
    ``runs`` too, and the estimator has ``leave_own_run``; ``novel_once``: column 0 counts distinct novel tokens,
    whatever their counts; ``learnt``: words with variables learnt are read where the table has them. ``vectorise``
    replaces the vocabulary of tokens, ``fit`` all that is done with the training rows. ``reference_only``: shown
    next to the others for comparison, no choice of its own. ``stable``: measured on real sets without falling to
    chance on any; the others are experimental. ``library``: what scoring needs
    beyond the base install.
    """

    name: str
    meaning: str
    explains: str
    build: Callable[..., Any]
    column: str = "e_words"
    supervised: bool = False
    options: type[TrainOptions] = TrainOptions
    counts: bool = False
    rates: bool = False
    grouped: bool = False
    by_run: bool = False
    novel_once: bool = False
    learnt: bool = False
    vectorise: Callable[[pl.Series], Any] | None = None
    fit: Callable[["ModelSpec", pl.DataFrame, Any, int], Trained] | None = None
    reference_only: bool = False
    stable: bool = False
    older: tuple[type, ...] = ()
    library: str = "sklearn"

    def reads(self, sequences: pl.DataFrame) -> str:
        """The column that the model reads of a table."""
        return LEARNT if self.learnt and self.column == WORDS and LEARNT in sequences.columns else self.column


@dataclass(frozen=True)
class Reference:
    """What a fitted model remembers of its data: sizes, and sorted hold-out normal scores per service.

    ``holdout[""]`` are those of rows without a service. ``normal`` are the scores of all normals that were not
    tested, each without its own run; ``runs`` are the fused scores of left-out normal runs, ``errors`` the ERROR
    events of their services: what judges new data where hold-outs are few.
    """

    training_rows: int
    holdout_rows: int
    holdout: dict[str, Floats] = field(default_factory=dict)
    normal: dict[str, Floats] = field(default_factory=dict)
    runs: Floats = field(default_factory=lambda: np.empty(0))
    errors: dict[str, Floats] = field(default_factory=dict)

    def robust_z(self, scores: Floats, services: Strings) -> Floats:
        """(score - median) / MAD of the service's hold-out normals."""
        return within_each_service(robust_z, self.holdout, scores, services, otherwise=0.0)

    def pooled_scores(self) -> Floats:
        """Sorted hold-out normal scores of all services."""
        return np.sort(np.concatenate([np.empty(0), *self.holdout.values()]))


@dataclass(frozen=True, repr=False)
class Fitted:
    """A trained model with its thresholds: scores sequences, higher is more anomalous.

    ``variables`` are those that its words were merged by: tables that it reads get them by ``with_learnt_words``.
    ``trained_on`` is the fingerprint of the sequences that a loaded one was trained on.
    """

    spec: ModelSpec
    vectorizer: Any
    estimator: Any
    thresholds: Thresholds
    reference: Reference
    numeric: tuple[str, ...] = ()
    options: TrainOptions = field(default_factory=TrainOptions)
    seed: int = 0
    notes: tuple[str, ...] = ()
    variables: Variables = field(default_factory=Variables)
    trained_on: str | None = None

    def __repr__(self) -> str:
        rows, threshold = self.reference.training_rows, self.thresholds.overall
        return f"Fitted({self.spec.name}, trained on {rows:,} sequences, threshold {threshold:.4g})"

    @property
    def level(self) -> float:
        """Share of normals that may be flagged."""
        percentile = self.thresholds.percentile
        return 1.0 - (self.options.percentile if np.isnan(percentile) else percentile) / 100.0

    def matrix(self, sequences: pl.DataFrame) -> Any:
        """CSR matrix of shape (n_sequences, n_features), rows in frame order."""
        return model_matrix(self.spec, self.vectorizer, self.numeric, sequences)

    def score(self, sequences: pl.DataFrame) -> Floats:
        """Anomaly score of each row: ``-score_samples``, float64."""
        column = self.spec.reads(sequences)
        rows, kind = (
            (sequences, slice(None)) if self.numeric else equal_pooled_rows(sequences, column, service_names(sequences))
        )
        batches = rows.iter_slices(_BATCH) if rows.height else ()
        # On one thread: sums over several depend on which comes first.
        with threadpool_limits(1):
            scores = [
                score_with_model(self.spec, self.estimator, self.matrix(b), service_names(b).to_numpy())
                for b in batches
            ]
        return np.asarray(np.concatenate([np.empty(0), *scores])[kind])

    def oov_share(self, sequences: pl.DataFrame) -> pl.Series:
        """Share of each row's distinct tokens that training never saw; null for a numeric model."""
        if self.spec.column == NUMERIC:
            share: Any = [None] * sequences.height
        elif self.spec.column == ORDER:
            share = self.vectorizer.novel_share(sequences[ORDER])
        else:
            column = self.spec.reads(sequences)
            lists, kind = distinct_pool_lists(sequences, column)
            known = self.vectorizer.vocabulary_
            parts = [known_token_share(part[column], known) for part in lists.iter_slices(_BATCH)]
            share = (1.0 - np.concatenate([np.empty(0), *parts]))[kind]
        return pl.Series("oov_share", share, dtype=pl.Float64)


def score_with_model(spec: ModelSpec, estimator: Any, X: Any, services: Strings) -> Floats:
    """Anomaly score of each row of ``X``; equal rows of a service are scored once."""
    codes = np.unique(services.astype(np.str_), return_inverse=True)[1] if spec.grouped else None
    first, kind = distinct_rows(X, codes)
    asked: dict[str, Any] = {"groups": services[first]} if spec.grouped else {}
    return -np.asarray(estimator.score_samples(csr_matrix(X)[first], **asked), np.float64)[kind]


def model_matrix(spec: ModelSpec, vectorizer: Any, numeric: tuple[str, ...], sequences: pl.DataFrame) -> Any:
    """The matrix that ``spec`` is trained on and scores: tokens first, then ``numeric``; rows in frame order."""
    check_model_column(spec, sequences)
    parts = []
    if spec.column == ORDER:
        parts.append(vectorizer.transform(sequences[ORDER]))
    elif spec.column != NUMERIC:
        column = spec.reads(sequences)
        has_counts = spec.counts and f"{column}_count" in sequences.columns
        lists, kind = distinct_pool_lists(sequences, column, *([f"{column}_count"] if has_counts else []))
        counts = lists[f"{column}_count"] if has_counts else None
        vocabulary, binary = vectorizer.vocabulary_, vectorizer.binary
        once = spec.novel_once
        matrix = token_matrix(lists[column], vocabulary, counts=counts, binary=binary, novel_once=once)
        if spec.rates and sequences.height:
            from sklearn.preprocessing import normalize

            matrix = normalize(matrix, norm="l1", copy=False)
        parts.append(matrix if isinstance(kind, slice) else matrix[kind])
    if numeric:
        parts.append(numeric_matrix(sequences, numeric))
    if len(parts) == 1:
        return parts[0]
    from scipy import sparse

    return sparse.hstack(parts, format="csr", dtype=np.float32)


def fit_with_vocabulary(spec: ModelSpec, rows: pl.DataFrame, options: TrainOptions, seed: int) -> Trained:
    """Vocabulary from the training rows, then the estimator on their matrix."""
    numeric: tuple[str, ...] = ()
    vectorizer = None
    if spec.column == NUMERIC:
        numeric = tuple(name for name in NUMERIC_COLUMNS if name in rows.columns)
    elif spec.vectorise is not None:
        vectorizer = spec.vectorise(rows[spec.column])
    else:
        lists, _ = distinct_pool_lists(rows, spec.reads(rows))
        vectorizer = make_vectorizer(make_vocabulary(lists.to_series(), at_least=2))
    labels, groups = ~trainable_rows(rows).to_numpy(), service_names(rows).to_numpy() if spec.grouped else None
    model = spec.build(seed=seed)
    if spec.by_run:
        model.fit(model_matrix(spec, vectorizer, numeric, rows), labels, groups, run_names(rows).to_numpy())
    else:  # the matrix has no name here: who fits may let go of it
        model.fit(model_matrix(spec, vectorizer, numeric, rows), labels, groups)
    return model, vectorizer, numeric


def check_model_column(spec: ModelSpec, sequences: pl.DataFrame) -> None:
    """Raise ``SchemaError`` unless the model's column is there with its type."""
    if spec.column != NUMERIC:
        known = schema.SEQUENCES.get(spec.column, schema.Column(pl.List(pl.String()), "distinct tokens"))
        schema.check_schema(sequences, {spec.column: known}, what=f"sequences for {spec.name}")
    elif not set(NUMERIC_COLUMNS) & set(sequences.columns):
        raise SchemaError(f"{spec.name} found none of the columns {', '.join(NUMERIC_COLUMNS)}")
