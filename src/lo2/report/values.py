"""Plain values of one report: what the page shows and nothing else, no paths outside the data state, no raw text."""

from collections.abc import Mapping
from dataclasses import dataclass

from lo2.artefacts.provenance import Entry
from lo2.evaluation.metric import Metric
from lo2.options import option

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ReportOptions:
    """How much one page holds; the page states what it leaves out."""

    report_rows: int = option(2000, "Sequences in the report, the most suspicious first")
    report_mistakes: int = option(500, "False positives and misses added to them, of each kind", more=True)
    report_details: int = option(60, "Sequences with a detail view", more=True)
    report_tokens: int = option(8, "Tokens, lines and differences per detail view", more=True)
    report_resamples: int = option(400, "Resamples of runs behind the bands of the curves", more=True)


@dataclass(frozen=True)
class Fact:
    """One labelled value; ``note`` says how to read it."""

    label: str
    value: str
    note: str = ""


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
class Detector:
    """One detector: what it is, how well it does, what it looks at."""

    name: str
    facts: tuple[Fact, ...]
    metrics: Mapping[str, Metric]
    distribution: Distribution | None
    roc: Curve | None
    pr: Curve | None
    prevalence: float | None
    tokens: tuple[tuple[str, float], ...]

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

    ``traced``: without the pairs of fault and service whose logs show no trace, where nothing can be detected.
    """

    service: str
    bars: tuple[Bar, ...]
    traced: bool = False

    @property
    def best_shortcut(self) -> Bar | None:
        """The shortcut with the highest AUC."""
        measured = [bar for bar in self.bars if bar.kind == "shortcut" and bar.auc is not None]
        return max(measured, key=lambda bar: bar.auc or 0.0, default=None)

    def bar(self, name: str) -> Bar | None:
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
    """What the figures say in plain words; ``tone`` is ``good``, ``mixed``, ``bad``, ``leak`` or ``unknown``."""

    tone: str
    headline: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Rating:
    """What one detector says of one sequence."""

    rank: int | None
    score: float | None
    p_value: float | None
    flagged: bool | None


@dataclass(frozen=True)
class Row:
    """One sequence of the explorer, with the rating of every detector in their order."""

    seq_id: str
    run: str
    test_case: str
    service: str
    split: str
    anomaly: bool | None
    ratings: tuple[Rating, ...]
    detail: int | None = None


@dataclass(frozen=True)
class Neighbour:
    """Nearest normal sequence; ``note`` says where their order parts, or why there is none.

    ``differences``: templates or tokens with their rates per event here and in the normal sequence.
    """

    seq_id: str
    similarity: float | None
    note: str
    differences: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class Line:
    """A masked line with its contribution, and when and where it stands first."""

    text: str
    contribution: float
    count: int | None
    time: str
    file: str
    number: int | None


@dataclass(frozen=True)
class Explanation:
    """Why one detector rated a sequence as it did."""

    detector: str
    threshold: float | None
    rating: Rating
    tokens: tuple[tuple[str, float], ...]
    lines: tuple[Line, ...]
    neighbour: Neighbour | None


@dataclass(frozen=True)
class Detail:
    """Detail view of one sequence."""

    row: Row
    facts: tuple[Fact, ...]
    explanations: tuple[Explanation, ...]


@dataclass(frozen=True)
class Explorer:
    """Rows by rank of the first detector; ``total`` is how many sequences there are."""

    detectors: tuple[str, ...]
    rows: tuple[Row, ...]
    total: int
    details: tuple[Detail, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportSummary:
    """Everything the page shows; ``files`` come with what they are, ``notes`` are (section, what is missing there)."""

    title: str
    simulated: bool
    verdict: Verdict
    data: tuple[Fact, ...]
    skipped: tuple[Fact, ...]
    options: tuple[tuple[str, tuple[Fact, ...]], ...]
    detectors: tuple[Detector, ...]
    panels: tuple[Panel, ...]
    cards: tuple[Card, ...]
    explorer: Explorer
    files: tuple[tuple[Entry, str], ...]
    notes: tuple[tuple[str, str], ...]
