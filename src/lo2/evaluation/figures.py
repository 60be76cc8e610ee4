"""Figures of ``metrics/evaluation.json`` as plain values: metrics, counts, verdict, bars of shortcut panels, cards."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lo2.evaluation.metric import Metric

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Counts:
    """What one detector flags among the test rows, by p-value; all None where too few normal rows could tell.

    ``runs`` are runs and their test cases. ``faults`` are those whose logs hold a trace; found is one of which at least
    half of the sequences are flagged in the service whose logs show it most.
    """

    detector: str
    labelled: bool
    logs: int
    flagged: int | None
    normals: int
    flagged_normals: int | None
    runs: int
    flagged_runs: int | None
    test_runs: int
    faults: int
    found: int | None
    silent: int


@dataclass(frozen=True)
class Group:
    """Shares of the scores of one kind of rows in the bins of a histogram."""

    label: str
    n: int
    shares: tuple[float, ...]
    anomalous: bool


@dataclass(frozen=True)
class Distribution:
    """Histogram of scores on shared ``edges``, with the threshold."""

    edges: tuple[float, ...]
    groups: tuple[Group, ...]
    threshold: float | None


@dataclass(frozen=True)
class Curve:
    """Points of a curve and its pointwise 95 % band: (x, low) and (x, high)."""

    points: Points
    low: Points = ()
    high: Points = ()


@dataclass(frozen=True)
class Figures:
    """One detector: its metrics per log and per run, the distribution of its scores, its curves."""

    name: str
    threshold: float | None
    metrics: Mapping[str, Metric]
    run_metrics: Mapping[str, Metric]
    distribution: Distribution | None
    roc: Curve | None
    pr: Curve | None
    prevalence: float | None

    def metric(self, name: str) -> Metric:
        """Metric ``name``, without a value where it was not measured."""
        return self.metrics.get(name, Metric.missing("not measured"))


@dataclass(frozen=True)
class Bar:
    """One line of the shortcut panel; ``kind`` is ``detector``, ``reference``, ``shortcut`` or ``null``."""

    name: str
    kind: str
    auc: float | None
    low: float | None
    high: float | None
    clears: bool | None
    inverted: bool
    meaning: str = ""


@dataclass(frozen=True)
class Panel:
    """Detectors and shortcuts of one service (``""``: all merged) on one AUC axis.

    ``detectable``: without the pairs of fault and service whose logs show no trace, where nothing can be detected.
    """

    service: str
    bars: tuple[Bar, ...]
    detectable: bool = field(default=False, metadata={"former": "traced"})

    @property
    def best_shortcut(self) -> Bar | None:
        """The shortcut with the highest AUC."""
        measured = [bar for bar in self.bars if bar.kind == "shortcut" and bar.auc is not None]
        return max(measured, key=lambda bar: bar.auc or 0.0, default=None)

    @property
    def measured(self) -> bool:
        """Whether anything on it has an AUC."""
        return any(bar.auc is not None for bar in self.bars)

    def bar_of(self, name: str) -> Bar | None:
        """Line called ``name``."""
        return next((bar for bar in self.bars if bar.name == name), None)


@dataclass(frozen=True)
class Cell:
    """One fault in one service; ``signal``: whether its logs hold any trace of it (None: too few to say)."""

    n: int
    signal: bool | None
    recall: float | None
    auc: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Card:
    """Detection card of one detector: a row per fault, a cell (or None) per service."""

    detector: str
    services: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]


@dataclass(frozen=True)
class Verdict:
    """What the figures say in plain words; ``tone`` is ``good``, ``mixed``, ``bad``, ``leak`` or ``unknown``.

    ``found`` says what was flagged, ``headline`` how that compares, ``warnings`` what must be known before.
    """

    tone: str
    found: str
    headline: str
    sentences: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class EvaluationDocument:
    """The evaluation of one data state; the leading detector stands first everywhere."""

    format: int
    leading: str
    counts: Counts
    verdict: Verdict
    detectors: tuple[Figures, ...]
    panels: tuple[Panel, ...]
    cards: tuple[Card, ...]
