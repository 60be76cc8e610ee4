"""The API for programs, phases in memory: ``detect``, ``matrix``, ``open_bundle``, ``explain``, pandas tables."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.arguments import as_path, options_from_arguments, sign_with_options
from lo2.errors import SchemaError, UsageError
from lo2.evaluation.options import ScoreOptions
from lo2.explain.options import ExplainOptions
from lo2.extras import need_extra
from lo2.loading.inventory import LoadOptions
from lo2.models.base import Fitted, ModelSpec
from lo2.models.matrix import make_vocabulary, token_matrix
from lo2.models.options import ForestOptions, SplitOptions
from lo2.models.table import MODELS
from lo2.pipeline.cards import read_fitted_with_card
from lo2.pipeline.detection import Detection
from lo2.pipeline.events import raw_logs_at_hand
from lo2.pipeline.fitting import fit_models
from lo2.pipeline.learnt_variables import with_template_texts
from lo2.pipeline.load import LoadedLogs
from lo2.pipeline.options import DetectOptions
from lo2.pipeline.preprocessing import preprocessing_options
from lo2.pipeline.reference import TrainingReference, read_reference, reference_formats
from lo2.pipeline.scored import NewLogs, ScoredLogs, keeps_startup_lines, read_new_logs, score_new_logs
from lo2.pipeline.sequences import Sequences, read_sequences, sequences_from_frame
from lo2.registry import lookup
from lo2.rows import run_names

if TYPE_CHECKING:
    from lo2.explain.explanation import Explanation

_DETECT = (ForestOptions, SplitOptions, ScoreOptions)


@sign_with_options(*_DETECT)
def detect(
    sequences: pl.DataFrame | LoadedLogs | str | Path, model: Any = "if", *, seed: int = 0, **fields: Any
) -> Detection:
    """Train ``model`` on the normal training runs of ``sequences`` and evaluate it on the test runs.

    Parameters
    ----------
    sequences : DataFrame (Polars or pandas), LoadedLogs or path of a Parquet file
        Needs ``seq_id`` and ``e_words``; labels, runs, services and counts are used where present.
    model : str, sequence of str, or estimator
        Names of ``lo2 detect --list-models``, or any scikit-learn estimator: it is fitted on counts of words.
    seed : int
        Of forests, pseudo-novelty and bootstrap.
    **fields
        Fields of ``ForestOptions``, ``SplitOptions`` or ``ScoreOptions`` by name.

    Examples
    --------
    >>> import lo2
    >>> lo2.detect("no.parquet")
    Traceback (most recent call last):
    lo2.errors.InputNotFoundError: no.parquet does not exist. Make it with: lo2 load --root ROOT
    """
    need_extra("sklearn", what="lo2.detect")
    forest, split, score = options_from_arguments(_DETECT, fields, what="detect()")
    [seeded] = options_from_arguments([DetectOptions], {"seed": seed}, what="detect()")
    several = list(model) if isinstance(model, list | tuple) else [model]
    named = [one for one in several if isinstance(one, str)]
    for name in named:
        lookup(MODELS, name, kind="model")
    if len(several) != len(named) and len(several) > 1:
        raise UsageError(f"model={model!r}: several models are names, an estimator of your own comes alone")
    own = None if named else _own_model(several[0] if several else model)
    names = tuple(named) if own is None else (own.name,)
    parts = {"forest": forest, "split": split, "score": score}
    options = DetectOptions(models=names, skip_if="if" not in names, skip_knn=True, seed=seeded.seed, **parts)
    table = as_sequences(sequences)
    return fit_models(names, table, options, own=own)


def matrix(
    sequences: pl.DataFrame | LoadedLogs | str | Path, *, column: str = "e_words"
) -> tuple[Any, NDArray[np.bool_] | None, NDArray[np.str_], list[str]]:
    """Counts of tokens for one's own estimators: ``X, y, groups, names``.

    ``X`` is CSR, a row per sequence by ``seq_id`` and a column per token of ``names``; ``y`` is True for anomalies,
    None where the table has no labels; ``groups`` are the runs, which belong on one side of a split as a whole:
    ``GroupKFold().split(X, y, groups)``.

    Examples
    --------
    >>> frame = pl.DataFrame({"seq_id": ["b", "a"], "run": ["1", "2"], "e_words": [["x", "y"], ["y"]]})
    >>> X, y, groups, names = matrix(frame)
    >>> X.toarray().tolist(), y, groups.tolist(), names
    ([[0.0, 1.0], [1.0, 1.0]], None, ['2', '1'], ['x', 'y'])
    """
    need_extra("scipy", what="lo2.matrix")
    frame = as_sequences(sequences).frame
    if column not in frame.columns:
        raise SchemaError(f"there is no column {column!r} to count. Columns found: {', '.join(frame.columns)}")
    vocabulary = make_vocabulary(frame[column], novel=False)
    counts = frame[f"{column}_count"] if f"{column}_count" in frame.columns else None
    X = token_matrix(frame[column], vocabulary, counts=counts)
    known = frame["anomaly"] if "anomaly" in frame.columns else pl.Series([], dtype=pl.Boolean)
    labels = known.fill_null(value=False).to_numpy() if known.count() else None
    return X, labels, run_names(frame).to_numpy().astype(np.str_), list(vocabulary)


def _own_model(estimator: Any) -> ModelSpec:
    from lo2.models.foreign import foreign_model  # asks scikit-learn what it is

    return foreign_model(estimator)


def as_sequences(sequences: pl.DataFrame | LoadedLogs | str | Path) -> Sequences:
    """Sequences from whatever a program has."""
    if isinstance(sequences, LoadedLogs):
        found = sequences.sequences if sequences.sequences is not None else sequences.sequences_path
        table = as_sequences(found)  # type: ignore[arg-type]
        texts = table.texts if sequences.templates is None else sequences.templates
        return replace(table, texts=texts, inventory=sequences.inventory)
    if isinstance(sequences, pl.DataFrame):
        return sequences_from_frame(sequences)
    if type(sequences).__module__.partition(".")[0] == "pandas":
        return as_sequences(_table_from_pandas(sequences))
    if not isinstance(sequences, str | Path):
        raise UsageError(
            f"sequences are a {type(sequences).__name__}: expected what lo2.load returns, a frame of Polars or pandas, "
            "or the path of a Parquet file"
        )
    path = Path(sequences)
    if path.is_dir():
        raise UsageError(f"{path} is a folder, of raw logs perhaps: lo2.load({str(path)!r}) makes sequences of them")
    return with_template_texts(read_sequences(path, heavy=pl.read_parquet_schema(path) if path.is_file() else ()), path)


Logs = pl.DataFrame | LoadedLogs | str | Path
"""New logs: a folder, archive or file of raw logs, what ``load`` returns, or a sequence table."""


def _table_from_pandas(frame: Any) -> pl.DataFrame:
    """A pandas frame as one of Polars, whichever extras of it are installed."""
    taken = {}
    for name, column in frame.items():
        try:
            taken[str(name)] = _in_memory_column_from_pandas(column)
        except (TypeError, ValueError) as error:  # values of several kinds
            raise SchemaError(f"the sequence table: column {name!r} cannot be read: {error}") from error
    return pl.DataFrame(taken)


def _in_memory_column_from_pandas(column: Any) -> pl.Series:
    try:
        return pl.Series(column)
    except ModuleNotFoundError:  # without pyarrow
        return pl.Series(column.tolist())


@dataclass(frozen=True, repr=False)
class OpenBundle:
    """A saved model: ``score`` applies it with its threshold, ``explain`` says why.

    Raw logs are read with the bundle's own preprocessing: the profile, formats and masks that its features had.
    """

    fitted: Fitted
    card: dict[str, Any]
    reference: TrainingReference | None = None

    def __repr__(self) -> str:
        name, rows = self.fitted.spec.name, self.card.get("training_rows")
        return f"OpenBundle({name}, trained on {rows} sequences, threshold {self.fitted.thresholds.overall:.4g})"

    def score(self, logs: Logs) -> pl.DataFrame:
        """Predictions of every row, sorted by ``seq_id``."""
        return score_new_logs(self.fitted, self._logs_for_open_bundle(logs), None, options=None).predictions

    @sign_with_options(ExplainOptions)
    def explain(self, logs: Logs, **options: Any) -> ScoredLogs:
        """Predictions, runs, explanations, and the lines of odd runs that the training normals do not explain.

        ``options`` are fields of ``ExplainOptions``. Lines have file and number where raw logs are at hand.
        """
        [wanted] = options_from_arguments([ExplainOptions], options, what="explain()")
        startup, new = keeps_startup_lines(self.card), self._logs_for_open_bundle(logs)
        new = replace(new, inventory=new.inventory or raw_logs_at_hand(new.table))
        return score_new_logs(self.fitted, new, self.reference, options=wanted, keep_startup=startup)

    def _logs_for_open_bundle(self, logs: Logs) -> NewLogs:
        if isinstance(logs, str | Path) and Path(logs).suffix != ".parquet":
            return read_new_logs(
                Path(logs),
                self.fitted,
                preprocessing_options(self.card.get("door"), LoadOptions(), reference_formats(self.reference)),
            )
        return NewLogs(as_sequences(logs))


def open_bundle(path: str | Path) -> OpenBundle:
    """Bundle at ``path`` after every check: sha256, allow-list, arrays, self-test; and the reference next to it.

    Examples
    --------
    >>> open_bundle("no.joblib")
    Traceback (most recent call last):
    lo2.errors.InputNotFoundError: There is no bundle no.joblib. Train one with: lo2 detect --save-model
    """
    wanted = as_path(path, what="The bundle of open_bundle()")
    fitted, bundle = read_fitted_with_card(wanted)
    return OpenBundle(fitted, dict(bundle.card), read_reference(wanted, bundle.card))


@sign_with_options(ExplainOptions)
def explain(detection: Detection, **options: Any) -> "dict[str, Explanation]":
    """Explanations of a detection: neighbours, attributions, lines and top tokens per model."""
    if not isinstance(detection, Detection):
        kind = type(detection).__name__
        raise UsageError(f"explain() takes what lo2.detect returns, not a {kind}: lo2.explain(lo2.detect(logs))")
    return detection.explain(**options)
