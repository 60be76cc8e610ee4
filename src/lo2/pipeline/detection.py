"""A detection in memory: fitted models with scores, predictions, metrics, warnings, and explanations when asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from lo2.arguments import options_from_arguments, sign_with_options
from lo2.evaluation.document import document_panels, evaluation_document
from lo2.evaluation.drift import DriftReport
from lo2.evaluation.figures import EvaluationDocument
from lo2.evaluation.metric import Metric
from lo2.evaluation.runs import Runs
from lo2.evaluation.warnings import figure_warnings
from lo2.explain.options import ExplainOptions
from lo2.features.variables import Variables
from lo2.metrics.conformal import AlertBudget
from lo2.models.base import Fitted
from lo2.models.judgement import Judgement
from lo2.pipeline.metrics import Evaluation
from lo2.pipeline.sequences import Sequences
from lo2.registry import Named
from lo2.schema import IDENTITY

if TYPE_CHECKING:
    from lo2.explain.explanation import Explanation


@dataclass(frozen=True, repr=False)
class Detection:
    """Fitted models with their predictions and metrics, by model name; ``notes`` are worth saying.

    ``predictions`` also holds those of ``<model>_per_service`` and ``<model>_cross_fit`` where they were asked for;
    ``per_service`` the models of single services, ``budgets`` what an alert budget promises per model and service.
    """

    sequences: Sequences
    split: pl.Series
    fitted: Mapping[str, Fitted]
    predictions: Mapping[str, pl.DataFrame]
    evaluation: Evaluation
    drift: DriftReport
    per_service: Mapping[str, Mapping[str, Fitted]] = field(default_factory=dict)
    budgets: Mapping[str, Mapping[str, AlertBudget]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    runs: Mapping[str, Runs] = field(default_factory=dict)
    judgements: Mapping[str, Judgement] = field(default_factory=dict)
    variables: Variables = field(default_factory=Variables)

    def __repr__(self) -> str:
        auc = self.metrics[self.leading]["auc"].value
        sides = f"{self.sequences.frame.height:,} sequences, {int((self.split == 'test').sum()):,} for testing"
        return f"Detection({', '.join(self.fitted)}; {sides}; auc {'-' if auc is None else f'{auc:.3f}'})"

    @property
    def scores(self) -> pl.DataFrame:
        """Identity, split and label of every sequence with the score of each detector, the leading one first."""
        first, *others = [self.leading, *(name for name in self.predictions if name != self.leading)]
        frame = self.predictions[first].select(*IDENTITY, "split", "anomaly", f"score_{first}")
        return frame.with_columns(self.predictions[name][f"score_{name}"] for name in others)

    @property
    def metrics(self) -> Mapping[str, Mapping[str, Metric]]:
        """Metrics of the test rows by detector and name: ``metrics["if"]["auc"].value``."""
        return Named("detector", {name: Named("metric", found) for name, found in self.evaluation.headline.items()})

    @sign_with_options(ExplainOptions)
    def explain(self, **options: Any) -> "dict[str, Explanation]":
        """Explanations by detector; ``options`` are fields of ``ExplainOptions``."""
        from lo2.pipeline.explain import explain_detection

        [wanted] = options_from_arguments([ExplainOptions], options, what="explain()")
        return explain_detection(self, wanted)

    def document(self) -> EvaluationDocument:
        """The evaluation as plain values, the leading detector first."""
        evaluation = self.evaluation
        frames = (evaluation.panel, evaluation.detectable, evaluation.panel_by_service)
        return evaluation_document(
            self.predictions,
            metrics=evaluation.headline,
            run_metrics=evaluation.runs,
            panels=document_panels(*frames, detectors=self.predictions),
            cards=evaluation.cards,
            signals=evaluation.signals,
            thresholds={name: fitted.thresholds.overall for name, fitted in self.fitted.items()},
            runs=self.runs,
            warnings=self.warnings,
        )

    @property
    def leading(self) -> str:
        """Name of the detector that is read first."""
        return next(iter(self.fitted))

    @property
    def warnings(self) -> list[str]:
        """What must be said before the figures are read: drift, too few to tell, detectors that rank nothing."""
        own = {name: self.predictions[name] for name in self.fitted}
        reasons = {name: one.reasons for name, one in self.judgements.items()}
        found = figure_warnings(own, self.evaluation.headline, self.evaluation.panel, self.runs, reasons)
        return [*self.drift.loud, *found]
