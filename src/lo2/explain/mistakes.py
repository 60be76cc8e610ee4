"""Mistakes of a model as text, false positives and negatives: a block of evidence (tokens, lines) per sequence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import polars as pl

from lo2.explain.tokens import token_in_line
from lo2.rows import rows_by_rank

SEPARATOR = " | "
Rows = Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Evidence:
    """Attributions (with ``count``), neighbours and lines by ``seq_id``; what was not computed has no key."""

    tokens: Rows = field(default_factory=dict)
    nearest: Rows = field(default_factory=dict)
    lines: Rows = field(default_factory=dict)

    @classmethod
    def mistake_evidence(
        cls, tokens: pl.DataFrame, nearest: pl.DataFrame, lines: pl.DataFrame, *, every: pl.Series, closely: pl.Series
    ) -> Self:
        """From the frames of an explanation, with the ``seq_id`` of all explained rows and of those with lines."""
        return cls(
            *(_mistake_evidence_by_sequence(*pair) for pair in ((tokens, every), (nearest, every), (lines, closely)))
        )


def _mistake_evidence_by_sequence(frame: pl.DataFrame, ids: pl.Series) -> Rows:
    found: dict[str, list[dict[str, Any]]] = {seq_id: [] for seq_id in ids}
    for row in frame.iter_rows(named=True):
        found[row["seq_id"]].append(row)
    return found


def false_positives(predictions: pl.DataFrame, *, model: str) -> pl.DataFrame:
    """Test rows that are normal and flagged, the most anomalous first."""
    return _mistaken_rows(predictions, model, ~pl.col("anomaly") & pl.col(f"pred_{model}_threshold"), least_first=False)


def false_negatives(predictions: pl.DataFrame, *, model: str) -> pl.DataFrame:
    """Test rows that are anomalous and not flagged, the least anomalous first."""
    return _mistaken_rows(predictions, model, pl.col("anomaly") & ~pl.col(f"pred_{model}_threshold"), least_first=True)


def _mistaken_rows(predictions: pl.DataFrame, model: str, wrong: pl.Expr, *, least_first: bool) -> pl.DataFrame:
    return rows_by_rank(predictions.filter((pl.col("split") == "test") & wrong), model, least_first=least_first)


def mistakes_text(rows: pl.DataFrame, evidence: Evidence, *, model: str, threshold: float, limit: int) -> str:
    """Blocks of ``rows``; ``limit`` tokens and lines each. Log text is masked as it came.

    Examples
    --------
    >>> row = {"seq_id": "r__correct__token", "service": "token", "score_if": 0.7, "p_value_if": 0.02}
    >>> print(mistakes_text(pl.DataFrame([row]), Evidence(), model="if", threshold=0.6, limit=3))
    seq_id: r__correct__token
    service: token
    score: 0.7
    threshold: 0.6
    p_value: 0.02
    top tokens: not computed
    nearest normal: not computed
    masked lines: not computed
    <BLANKLINE>
    """
    return "\n".join(_mistake_block(row, evidence, model, threshold, limit) for row in rows.iter_rows(named=True))


def _mistake_block(row: Mapping[str, Any], evidence: Evidence, model: str, threshold: float, limit: int) -> str:
    seq_id, p_value = row["seq_id"], row[f"p_value_{model}"]
    values = {
        "seq_id": seq_id,
        "service": row["service"],
        "score": f"{row[f'score_{model}']:.9g}",
        "threshold": f"{threshold:.9g}",
        "p_value": "unknown" if p_value is None else f"{p_value:.6g}",
        "top tokens": _mistake_tokens_text(evidence.tokens.get(seq_id), limit),
        "nearest normal": _mistake_nearest_text(evidence.nearest.get(seq_id)),
        "masked lines": _mistake_lines_text(evidence.lines.get(seq_id), limit),
    }
    return "".join(f"{key}: {token_in_line(str(value))}\n" for key, value in values.items())


def _mistake_tokens_text(rows: list[dict[str, Any]] | None, limit: int) -> str:
    if rows is None:
        return "not computed"
    shown = ((row, "" if row["count"] else "missing, ") for row in rows[:limit])
    return SEPARATOR.join(f"{row['token']} ({absent}{row['contribution']:+.3g})" for row, absent in shown) or "none"


def _mistake_nearest_text(rows: list[dict[str, Any]] | None) -> str:
    if not rows:
        return "not computed"
    first = rows[0]
    if first["normal_seq_id"] is None:
        return f"none: {first['missing']}"
    return f"{first['normal_seq_id']} (similarity {first['similarity']:.4f})"


def _mistake_lines_text(rows: list[dict[str, Any]] | None, limit: int) -> str:
    if rows is None:
        return "not computed"
    shown = [
        f"{_mistake_line_place(row)}{row['text']} ({row['contribution']:+.3g}, {row['count']} x)"
        for row in rows[:limit]
    ]
    return SEPARATOR.join(shown) or "none"


def _mistake_line_place(row: Mapping[str, Any]) -> str:
    return f"{row['file']}:{row['line']} " if row["file"] is not None and row["line"] is not None else ""
