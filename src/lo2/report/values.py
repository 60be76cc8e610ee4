"""Plain values of one report, which ``report.json`` holds: what page and closing screen show and nothing else."""

from dataclasses import dataclass

from lo2.evaluation.figures import Card, Counts, Figures, Panel, Verdict
from lo2.explain.document import Explained, Line

FORMAT = 2


@dataclass(frozen=True)
class Fact:
    """One labelled value; ``note`` says how to read it."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class DetectorReport:
    """One detector: its figures, what it is (its model card), what it looks at."""

    figures: Figures
    facts: tuple[Fact, ...]
    tokens: tuple[tuple[str, float], ...]

    @property
    def name(self) -> str:
        """Name of the detector."""
        return self.figures.name


@dataclass(frozen=True)
class Rating:
    """What one detector says of one sequence; ``least``: its p-value is the least that the normal ones allow."""

    rank: int | None
    score: float | None
    p_value: float | None
    flagged: bool | None
    least: bool = False


@dataclass(frozen=True)
class SequenceRow:
    """One sequence of the explorer, with the rating of every detector in their order.

    ``reason`` says in a few words why the leading detector flags it, ``line`` begins the line that carries it;
    ``detail`` is the number of its detail view.
    """

    seq_id: str
    run: str
    test_case: str
    service: str
    split: str
    anomaly: bool | None
    ratings: tuple[Rating, ...]
    reason: str = ""
    line: str = ""
    detail: int | None = None

    @property
    def outcome(self) -> str:
        """Whether the leading detector was right: found, missed, false alarm; flagged without a label, or nothing."""
        flagged = self.ratings[0].flagged
        if flagged is None or (self.anomaly is None and not flagged):
            return ""
        if self.anomaly is None:
            return "flagged"
        return ("found" if self.anomaly else "false alarm") if flagged else "missed" if self.anomaly else ""


@dataclass(frozen=True)
class Hit:
    """A flagged sequence and the line that carries it, None where no line does: then ``row.reason`` says what."""

    row: SequenceRow
    line: Line | None


@dataclass(frozen=True)
class DetectorExplanation:
    """Why one detector rated a sequence as it did; ``brief`` where only the strongest lines are shown."""

    detector: str
    threshold: float | None
    rating: Rating
    why: Explained


@dataclass(frozen=True)
class Detail:
    """Detail view of one sequence; ``brief`` ones hold the leading detector's strongest lines."""

    row: SequenceRow
    facts: tuple[Fact, ...]
    explanations: tuple[DetectorExplanation, ...]
    brief: bool = False


@dataclass(frozen=True)
class Explorer:
    """Rows by rank of the first detector; ``total`` is how many sequences there are."""

    detectors: tuple[str, ...]
    rows: tuple[SequenceRow, ...]
    total: int
    details: tuple[Detail, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class File:
    """A file the report was made from."""

    path: str
    phase: str
    bytes: int
    sha256: str
    meaning: str


@dataclass(frozen=True)
class OddLine:
    """Lines of a run that the training normals do not explain: ``place`` is file and first line, or the service."""

    place: str
    kind: str
    reason: str
    text: str
    time: str
    id: str


@dataclass(frozen=True)
class OddLines:
    """What was compared, in a sentence, and findings: the highest ``shown`` in order, then others; ``beyond`` are not.

    With ``originals`` the lines are those of the files, known secrets replaced; else masked ones.
    """

    headline: str
    lines: tuple[OddLine, ...]
    beyond: int = 0
    originals: bool = False
    shown: int = 20


@dataclass(frozen=True)
class ReportSummary:
    """Everything that page and closing screen show; ``notes`` are (section, what is missing there).

    The first three of ``findings`` are of different faults and runs where there are such. ``secrets`` counts lines in
    which a known pattern of a secret is found.
    """

    format: int
    title: str
    simulated: bool
    verdict: Verdict
    counts: Counts | None
    tiles: tuple[Fact, ...]
    findings: tuple[Hit, ...]
    data: tuple[Fact, ...]
    skipped: tuple[Fact, ...]
    options: tuple[tuple[str, tuple[Fact, ...]], ...]
    detectors: tuple[DetectorReport, ...]
    panels: tuple[Panel, ...]
    cards: tuple[Card, ...]
    explorer: Explorer
    files: tuple[File, ...]
    notes: tuple[tuple[str, str], ...]
    secrets: int = 0
    odd: OddLines | None = None
