"""The explanation document that ``explain`` writes, page and screen show: rows, tokens, lines; empty logs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from lo2.explain.contrast import Difference
from lo2.explain.options import ExplainOptions
from lo2.masking.profiles import mask
from lo2.pool import distinct_pool_lists
from lo2.rows import rows_by_rank, service_names

if TYPE_CHECKING:
    from lo2.explain.explanation import Explanation

FORMAT = 1
# Sequences of the leading detector with all that was found; how much of the others; tokens of a detector.
_FULL, _BRIEF, _RANKED = 300, 3, 20


@dataclass(frozen=True)
class Neighbour:
    """Nearest normal sequence; ``why`` says why there is none, ``parts_at`` where the order of events parts."""

    seq_id: str
    similarity: float | None
    why: str
    parts_at: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Line:
    """A masked line: what it carries of the score, how often it occurs, when and where first.

    ``novel``: how many of its tokens no normal training sequence of any service holds.
    """

    text: str
    contribution: float
    count: int | None
    time: str
    file: str
    number: int | None
    novel: int


@dataclass(frozen=True)
class Explained:
    """Why one detector rated a sequence as it did: its strongest lines and tokens, its nearest normal sequence."""

    lines: tuple[Line, ...]
    tokens: tuple[tuple[str, float], ...]
    neighbour: Neighbour | None


@dataclass(frozen=True)
class DetectorExplanations:
    """What one detector looks at: tokens by mean absolute contribution, and the explained sequences by ``seq_id``."""

    detector: str
    unit: str
    tokens: tuple[tuple[str, float], ...]
    sequences: Mapping[str, Explained]


@dataclass(frozen=True)
class ExplanationDocument:
    """All explanations of one data state; ``empty`` are sequences without any event whose service is never so."""

    format: int
    detectors: tuple[DetectorExplanations, ...]
    empty: tuple[str, ...]


def explanation_document(
    found: Mapping[str, "Explanation"],
    predictions: Mapping[str, pl.DataFrame],
    sequences: pl.DataFrame,
    options: ExplainOptions = ExplainOptions(),
) -> ExplanationDocument:
    """Document of explanations by detector; of the first one in full: ``top_tokens`` lines, tokens and differences.

    Beyond the first ``_FULL`` sequences by rank, and for every other detector, only the strongest few are kept. It is
    text that may be shared: where explanations hold raw text, it is masked again.
    """
    limit, raw = options.top_tokens, options.show_raw
    parts = []
    for place, (model, one) in enumerate(found.items()):
        ranks = rows_by_rank(predictions[model].select(f"rank_{model}", "seq_id"), model)["seq_id"].to_list()
        parts.append(_detector_explanations(one, ranks, limit, raw, full=_FULL if place == 0 else 0))
    return ExplanationDocument(FORMAT, tuple(parts), empty_logs(sequences, next(iter(predictions.values()))))


def empty_logs(sequences: pl.DataFrame, predictions: pl.DataFrame) -> tuple[str, ...]:
    """Sequences without any word that are outside the training side, in services whose normal ones there all have some.

    Examples
    --------
    >>> frame = pl.DataFrame({"seq_id": ["a", "b"], "service": ["s", "s"], "e_words": [["up"], []]})
    >>> sides = pl.DataFrame({"seq_id": ["a", "b"], "split": ["train", "test"], "anomaly": [False, False]})
    >>> empty_logs(frame, sides)
    ('b',)
    """
    lists, kind = distinct_pool_lists(sequences, "e_words")
    silent = (lists["e_words"].list.len() == 0).to_numpy()[kind]
    rows = sequences.select("seq_id", service_names(sequences), e_words=pl.Series(silent))
    rows = rows.join(predictions.select("seq_id", "split", "anomaly"), on="seq_id", how="inner")
    normal = rows.filter((pl.col("split") == "train") & ~pl.col("anomaly").fill_null(value=False))
    full = normal.group_by("service").agg(pl.col("e_words").any()).filter(~pl.col("e_words"))["service"]
    chosen = rows.filter(pl.col("e_words") & (pl.col("split") != "train") & pl.col("service").is_in(full.implode()))
    return tuple(chosen["seq_id"].sort())


def _detector_explanations(
    found: "Explanation", ranks: list[str], limit: int, raw: bool, *, full: int
) -> DetectorExplanations:
    tokens, lines, nearest = (_document_rows(f) for f in (found.attributions.frame, found.lines, found.neighbours))
    alone = {seq_id for seq_id, rows in nearest.items() if not rows[0]["normal_seq_id"]}
    # A detector that reads no lines has tokens alone.
    closely = [seq_id for seq_id in ranks if seq_id in (lines or tokens) or seq_id in alone]
    if not full:
        closely = closely[:_FULL]
    explained = {}
    for place, seq_id in enumerate(closely):
        most = limit if place < full else min(limit, _BRIEF)
        explained[seq_id] = Explained(
            tuple(_document_line(row, raw) for row in lines.get(seq_id, [])[:most]),
            tuple(_document_tokens(tokens.get(seq_id, []), most)),
            next((_document_neighbour(row, most) for row in nearest.get(seq_id, [])), None),
        )
    shown = found.tokens.head(_RANKED).select("token", "mean").rows()
    return DetectorExplanations(found.model, found.attributions.unit, tuple(shown), explained)


def _document_rows(frame: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    parts = frame.partition_by("seq_id", as_dict=True, maintain_order=True) if frame.height else {}
    return {str(key[0]): part.to_dicts() for key, part in parts.items()}


def _document_tokens(rows: list[dict[str, Any]], limit: int) -> Iterator[tuple[str, float]]:
    ordered = sorted(rows, key=lambda row: (-abs(row["contribution"]), row["token"]))
    yield from ((row["token"], row["contribution"]) for row in ordered[: 2 * limit])


def _document_line(row: Mapping[str, Any], raw: bool) -> Line:
    text = (row["text"] or row["template"] or "").strip()
    time = "" if row["first_time"] is None else str(row["first_time"])
    text = mask(text, profile="tree") if raw else text
    return Line(text, row["contribution"], row["count"], time, row["file"] or "", row["line"], row["novel"])


def _document_neighbour(row: Mapping[str, Any], limit: int) -> Neighbour:
    if not row["normal_seq_id"]:
        return Neighbour("", None, row["missing"] or "no normal sequence to compare with", "", ())
    differences = tuple(Difference(**one) for one in row["differences"])
    more = [one for one in differences if one.here > one.normal][:limit]
    less = [one for one in differences if one.here <= one.normal][: limit // 2]
    return Neighbour(row["normal_seq_id"], row["similarity"], "", row["diverges_at"], (*more, *less))
