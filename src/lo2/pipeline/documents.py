"""Documents of the phases from what they hold in memory: that of an evaluation and that of explanations."""

from collections.abc import Mapping

import polars as pl

from lo2.evaluation.document import evaluation_document, panels_of_document
from lo2.evaluation.figures import EvaluationDocument
from lo2.explain.document import ExplanationDocument, empty_logs, explanation_document
from lo2.explain.explanation import Explanation
from lo2.explain.options import ExplainOptions
from lo2.pipeline.detection import Detection


def evaluation_of(detection: Detection) -> EvaluationDocument:
    """Evaluation of a detection, the leading detector first."""
    evaluation = detection.evaluation
    frames = (evaluation.panel, evaluation.traced, evaluation.panel_by_service)
    return evaluation_document(
        detection.predictions,
        metrics=evaluation.headline,
        run_metrics=evaluation.runs,
        panels=panels_of_document(*frames, detectors=detection.predictions),
        cards=evaluation.cards,
        signals=evaluation.signals,
        thresholds={name: fitted.thresholds.overall for name, fitted in detection.fitted.items()},
        runs=detection.runs,
        warnings=detection.verdicts,
    )


def explanation_of(
    found: Mapping[str, Explanation],
    predictions: Mapping[str, pl.DataFrame],
    sequences: pl.DataFrame,
    options: ExplainOptions,
) -> ExplanationDocument:
    """Explanations of all detectors, the one that was explained first in full."""
    empty = empty_logs(sequences, next(iter(predictions.values())))
    return explanation_document(found, predictions, limit=options.top_tokens, raw=options.show_raw, empty=empty)
