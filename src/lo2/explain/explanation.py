"""One model's explanation: rows to explain, hits and mistakes, contributions by sequence, lines that carry them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from lo2.errors import InputError
from lo2.explain import lines as line_level
from lo2.explain import mistakes
from lo2.explain.attributions import BY_SHAP, Attributions, attributions
from lo2.explain.neighbours import neighbours
from lo2.explain.options import ExplainOptions
from lo2.explain.plots import shap_bar, shap_summary
from lo2.explain.tokens import rank_tokens
from lo2.extras import need_extra
from lo2.models.base import ORDER, Fitted, ModelSpec
from lo2.models.learnt_words import LEARNT, learnt_words_of
from lo2.pool import unpooled
from lo2.rows import rows_by_rank, rows_where

EventsOf = Callable[[str], pl.DataFrame | None]


@dataclass(frozen=True, repr=False)
class Explanation:
    """Why the sequences of one model rank where they do; frames as in ``contract.md``, text ready to write.

    ``tokens`` ranks over all rows of ``attributions``; ``notes`` are worth saying.
    """

    model: str
    attributions: Attributions
    neighbours: pl.DataFrame
    lines: pl.DataFrame
    tokens: pl.DataFrame
    false_positives: str
    false_negatives: str
    notes: tuple[str, ...] = field(default_factory=tuple)

    def __repr__(self) -> str:
        rows, lines = self.attributions.rows.height, self.lines.height
        return f"Explanation({self.model}: {rows:,} sequences; neighbours, attributions, {lines:,} lines, tokens)"

    def plot_shap_bar(self) -> bytes:
        """PNG of the mean absolute contributions."""
        n = self.attributions.rows.height
        title = f"{self.model}: tokens that carry the score, mean over {n:,} sequences"
        return shap_bar(self.attributions.frame, n_sequences=n, unit=self.attributions.unit, title=title)

    def plot_shap_summary(self) -> bytes:
        """PNG of the contributions, a dot per sequence and token."""
        found, n = self.attributions, self.attributions.rows.height
        title = f"{self.model}: what each token adds to the score of {n:,} sequences"
        return shap_summary(found.frame, found.counts, n_sequences=n, unit=found.unit, title=title)


def refuse_to_explain(specs: Iterable[ModelSpec]) -> None:
    """Refuse, before work starts, what the libraries of a base install cannot explain or draw.

    Raises
    ------
    MissingExtraError
        Naming the extra.
    """
    need_extra("matplotlib", what="Drawing what explains a model")
    for spec in specs:
        if spec.explains in BY_SHAP:
            need_extra("shap", what=f"Explaining {spec.name}")


def explain_model(
    fitted: Fitted,
    sequences: pl.DataFrame,
    predictions: pl.DataFrame,
    *,
    options: ExplainOptions = ExplainOptions(),
    texts: Mapping[str, str] | None = None,
    events: EventsOf | None = None,
    keep_startup: bool = False,
    reference: pl.DataFrame | None = None,
) -> Explanation:
    """Explanation of the most anomalous rows, of the mistakes, and of a sample over all ranks.

    Parameters
    ----------
    fitted : Fitted
        The model that made ``predictions``.
    sequences, predictions : DataFrame
        The whole tables; rows on the training side are what is normal and are not explained.
    texts : mapping of template id to text, optional
        For templates that are shown.
    events : callable, optional
        Events (``lo2.schema.EVENTS``) of a sequence by its ``seq_id``; None where its raw log is not at hand.
    keep_startup : bool
        Whether the features were made with start-up lines, so that these carry contributions too.
    reference : DataFrame, optional
        Training normals from elsewhere, for new data; by default the rows on the training side.

    Raises
    ------
    InputError
        If the predictions are not of these sequences, or no row is on the training side.
    """
    model, known = fitted.spec.name, texts or {}
    ids = predictions["seq_id"]
    if missing := ids.filter(~ids.is_in(sequences["seq_id"].implode())).sort().to_list():
        raise InputError(f"{len(missing)} predictions of {model} have no sequence, {missing[0]!r} first: detect again")
    trained = pl.col("split") == "train"
    normal = pl.col("anomaly").fill_null(value=~trained).not_()  # training rows without a label count as normal
    known_normal = reference is not None
    if reference is None:
        reference = _sequences_to_explain(sequences, predictions.filter(normal & trained))
    if not reference.height:
        raise InputError(f"the predictions of {model} name no training row: there is no normal to compare with")
    chosen = choose_explained(predictions, model=model, options=options)
    explained = _sequences_to_explain(sequences, chosen)
    found = attributions(fitted, explained, reference=reference, texts=known)
    own = known_normal or options.nn_source == "train"
    source = reference if own else _sequences_to_explain(sequences, predictions.filter(normal))
    column = fitted.spec.reads(sequences) if line_level.tokens_of(fitted.spec.column) else "e_words"
    nearest = neighbours(explained, source, column=column, options=options, texts=known)
    closely = _sequences_to_explain(explained, chosen.filter("closely"))
    reader = _LineReader(known, events, keep_startup)
    lines, notes = _explained_log_lines(fitted, found, closely, reference, reader, limit=options.top_tokens)
    counted = found.frame.with_columns(count=found.counts)
    ids, close = explained["seq_id"], closely["seq_id"]
    evidence = mistakes.Evidence.mistake_evidence(counted, nearest, lines, every=ids, closely=close)
    if options.show_raw:
        lines = lines.with_columns(text=pl.coalesce("raw", "text"))
    wrong = (f(predictions, model=model) for f in (mistakes.false_positives, mistakes.false_negatives))
    threshold, limit = fitted.thresholds.overall, options.top_tokens
    blocks = [mistakes.mistakes_text(rows, evidence, model=model, threshold=threshold, limit=limit) for rows in wrong]
    ranked = rank_tokens(found.frame, n_sequences=found.rows.height)
    return Explanation(model, found, nearest, lines.drop("raw"), ranked, blocks[0], blocks[1], notes)


def choose_explained(
    predictions: pl.DataFrame, *, model: str, options: ExplainOptions = ExplainOptions()
) -> pl.DataFrame:
    """Which rows are explained, and which of them line by line (``closely``): ``seq_id, closely``, sorted.

    Line by line: the ``top`` most anomalous rows outside the training side, as many false positives and false negatives
    each, and all that are flagged, by p-value or by the pooled threshold, up to ``flagged``. Further: all false
    positives, the first ``shap_sample`` false negatives, and as many rows spread evenly over the ranks.
    """
    ranked = predictions.select(f"rank_{model}", "seq_id", "split")  # sorting all columns would copy them
    rest = rows_by_rank(ranked.filter(pl.col("split") != "train"), model)["seq_id"]
    positives = mistakes.false_positives(predictions, model=model)["seq_id"]
    negatives = mistakes.false_negatives(predictions, model=model)["seq_id"]
    flagged = _flagged_to_explain(predictions, model).head(options.flagged)
    parts = [flagged, *(part.head(options.top) for part in (rest, positives, negatives))]
    closely = pl.concat(parts).unique().to_list()
    n = min(options.shap_sample, rest.len())
    spread = rest.gather([i * rest.len() // n for i in range(n)]) if n else rest.clear()
    missed = negatives.head(options.shap_sample)
    every = pl.concat([positives, missed, spread, pl.Series("seq_id", closely, dtype=pl.String)]).unique().sort()
    return pl.DataFrame({"seq_id": every, "closely": every.is_in(closely)})


def _flagged_to_explain(predictions: pl.DataFrame, model: str) -> pl.Series:
    """Rows outside the training side that are flagged either way, the most anomalous first."""
    ways = [
        pl.col(n).fill_null(value=False) for n in (f"flagged_{model}", f"pred_{model}_threshold") if n in predictions
    ]
    rows = predictions.lazy().filter((pl.col("split") != "train") & pl.any_horizontal(ways))
    return rows_by_rank(rows.select(f"rank_{model}", "seq_id").collect(), model)["seq_id"]


def contributions_by_sequence(found: Attributions) -> dict[str, dict[str, float]]:
    """Contributions by ``seq_id`` and what lines hold: tokens, or templates that share those of their successions."""
    weights: dict[str, dict[str, float]] = {}
    for seq_id, token, contribution in found.frame.iter_rows():
        own = weights.setdefault(seq_id, {})
        parts = found.events.get(token, (token,))
        for part in parts:
            own[part] = own.get(part, 0.0) + contribution / len(parts)
    return weights


def _sequences_to_explain(sequences: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    return unpooled(rows_where(sequences, sequences["seq_id"].is_in(chosen["seq_id"].implode()))).sort("seq_id")


@dataclass(frozen=True)
class _LineReader:
    """Lines of a sequence, from its events or, where they are not at hand, from its templates."""

    texts: Mapping[str, str]
    events: EventsOf | None
    keep_startup: bool

    def lines(self, row: Mapping[str, Any]) -> tuple[list[line_level.DistinctLine], bool]:
        """Distinct lines, and whether they come from events."""
        events = self.events(row["seq_id"]) if self.events is not None else None
        if events is None:
            return line_level.lines_of_templates(row, self.texts), False
        return line_level.lines_of_events(events, keep_startup=self.keep_startup), True


def _is_explainable_by_lines(fitted: Fitted) -> bool:
    """Whether what the model reads stands in lines."""
    return fitted.spec.column == ORDER or line_level.tokens_of(fitted.spec.column) is not None


def lines_that_explain(
    fitted: Fitted,
    found: Attributions,
    sequences: pl.DataFrame,
    reference: pl.DataFrame,
    lines_of: Callable[[Mapping[str, Any]], list[line_level.DistinctLine]],
) -> Iterator[pl.DataFrame]:
    """Lines of each of ``sequences`` with what they carry of its attributions; none for models that read no text."""
    if not _is_explainable_by_lines(fitted):
        return
    tokens = line_level.tokens_of(fitted.spec.column)
    weights = contributions_by_sequence(found)
    column = fitted.spec.reads(sequences) if tokens else "e_words"
    if column == LEARNT:
        tokens = learnt_words_of(fitted.variables)
    more, rare = (f(sequences, reference, column) for f in (line_level.token_surplus, line_level.token_rarity))
    for row in sequences.iter_rows(named=True):
        seq_id = row["seq_id"]
        own = seq_id, weights.get(seq_id, {}), lines_of(row)
        if tokens:
            yield line_level.attribute_lines(*own, tokens, more[seq_id], rare[seq_id])
        else:
            yield line_level.attribute_events(*own, more[seq_id], rare[seq_id])


def _explained_log_lines(
    fitted: Fitted,
    found: Attributions,
    closely: pl.DataFrame,
    reference: pl.DataFrame,
    reader: _LineReader,
    *,
    limit: int,
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Lines of the rows explained line by line, with the raw text next to; notes on what could not be had."""
    nothing = pl.DataFrame(schema=line_level.WITH_RAW)
    if not _is_explainable_by_lines(fitted):
        return nothing, (f"{fitted.spec.name} reads no words: no line carries its score",)
    without = 0

    def explained_lines(row: Mapping[str, Any]) -> list[line_level.DistinctLine]:
        nonlocal without
        lines, placed = reader.lines(row)
        without += not placed
        return lines

    frames = [frame.head(limit) for frame in lines_that_explain(fitted, found, closely, reference, explained_lines)]
    notes = (f"{without} of {closely.height} sequences: {line_level.NO_EVENTS}",) if without else ()
    return pl.concat([nothing, *frames]), notes
