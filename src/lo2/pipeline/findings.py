"""Findings in flagged or odd runs that the training baseline does not explain: for ``score`` and ``run``."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from lo2.artefacts.files import read_parquet
from lo2.diff.baseline import Baseline, Service
from lo2.diff.comparison import Comparison, JudgedRun, Target, compare_with_baseline
from lo2.diff.counted import Counted
from lo2.evaluation.runs import LEVEL, ODD
from lo2.features.messages import Messages
from lo2.features.templates import template_id
from lo2.features.variables import Variables
from lo2.loading.formats.startup import is_startup
from lo2.loading.grouping import Grouped, group_into_sequences
from lo2.loading.inventory import Inventory, LoadOptions, LogFile
from lo2.metrics.conformal import reachable_p_value
from lo2.models.split import trainable_rows
from lo2.pipeline.diff_sides import Side
from lo2.pipeline.events import RawLogs
from lo2.pipeline.originals import Originals
from lo2.pipeline.phase import Phase
from lo2.pipeline.reference import TrainingReference, make_reference
from lo2.pipeline.sequences import Sequences
from lo2.pipeline.shards import read_shard_logs, shard_grouping, shard_masks
from lo2.rows import UNIT, identified_rows

COMPARED = 20
"""So many flagged runs are compared line by line, the most anomalous first."""
RANKED = 3
"""So many where there are too few normal runs to flag any."""
MOST_BYTES = 1_000_000_000
"""Raw bytes of the runs that are compared."""
_Names = tuple[str | None, str | None]
AGAINST = "the training normals"
"""What the runs are held against."""


def training_baseline(reference: TrainingReference, *, keep_startup: bool = False) -> Baseline:
    """What training normals say, as the good side of a comparison.

    Examples
    --------
    >>> rows = {"seq_id": ["1", "2"], "run": ["1", "2"], "service": ["web", "web"], "seq_len": [2, 2]}
    >>> rows |= {"e_words": [["up"], ["up"]], "e_event_drain_id": [["0a"], ["0a", "0b"]]}
    >>> frame = pl.DataFrame({**rows, "e_event_drain_id_count": [[2], [1, 1]]})
    >>> split = pl.Series(["train", "train"])
    >>> found = training_baseline(make_reference(frame, split, {"0a": "up", "0b": "down"}, Variables()))
    >>> found.services["web"].counts, found.services["web"].lines
    ({'up': [2, 1], 'down': [0, 1]}, [2, 2])
    """
    services = {
        name: Service([int(n) for n in events], [None] * len(events), noun="training run")
        for name, events in reference.services.select("service", "events").iter_rows()
    }
    untold: set[str] = set()
    for name, template, text, counts in reference.templates.select(
        "service", "template_id", "text", "counts"
    ).iter_rows():
        if text is None:
            untold.add(template)
        else:
            services[name].counts[text] = [int(n) for n in counts]
    return Baseline(
        [(AGAINST, int(reference.templates["count"].sum()))],
        services,
        templates=True,
        known=lambda text: (not keep_startup and is_startup(text)) or template_id(text) in untold,
    )


@dataclass(frozen=True)
class OddRuns:
    """Judged runs and cases (``schema.RUNS``, most anomalous first), and by how many normal runs at least.

    ``with_flagged`` are those that hold a flagged sequence, whether or not they are flagged as a whole.

    Examples
    --------
    >>> frame = pl.DataFrame({"run": ["1", "2"], "test_case": ["all", "all"], "p_value": [0.04, 0.6]})
    >>> OddRuns(frame, 24).chosen_runs, OddRuns(frame, 12).flagged
    ([('1', 'all')], None)
    """

    frame: pl.DataFrame
    n: int
    with_flagged: frozenset[_Names] = frozenset()

    @property
    def flagged(self) -> set[_Names] | None:
        """Runs and cases whose p-value is at most ``LEVEL``; None where there are too few normal runs to tell."""
        if not reachable_p_value(self.n, LEVEL):
            return None
        return set(self.frame.filter(ODD).select(UNIT).iter_rows())

    @property
    def chosen_runs(self) -> list[_Names]:
        """Runs to compare, the most anomalous first: what is flagged, else a few with flagged sequences.

        Where there are too few normal runs to flag any, the first few.
        """
        names: list[_Names] = list(self.frame.select(UNIT).iter_rows())
        odd = self.flagged
        if odd is None:
            return names[:RANKED]
        return [one for one in names if one in odd] or [one for one in names if one in self.with_flagged][:RANKED]

    @property
    def judged_runs(self) -> tuple[JudgedRun, ...]:
        """What is said of each of them."""
        odd = self.flagged
        return tuple(
            JudgedRun(name_run_and_case(run, case), None if odd is None else (run, case) in odd, p_value, service or "")
            for run, case, p_value, service in self.frame.select(*UNIT, "p_value", "earliest_service").iter_rows()
        )


def name_run_and_case(run: str | None, case: str | None) -> str:
    """Run and case as people read them.

    Examples
    --------
    >>> name_run_and_case("night-3", "all"), name_run_and_case("run-1", "login")
    ('night-3', 'run-1/login')
    """
    return "/".join(part for part in (run, case) if part and part != "all") or "all"


def findings_of_flagged(
    reference: TrainingReference | None,
    runs: OddRuns,
    inventory: Inventory | None,
    *,
    command: str,
    why: str = "",
    keep_startup: bool = False,
) -> Comparison:
    """Findings of the flagged runs, or of the first ranks where there are too few normal runs to flag any.

    Parameters
    ----------
    reference : TrainingReference or None
        What the training normals hold; without it, or without ``inventory`` (the raw logs), ``why`` says what lacks.
    runs : OddRuns
        Which runs stand out.
    command : str
        Whose findings they are.
    """
    nothing = Comparison((), (), (), command=command, against=AGAINST, runs=runs.judged_runs, why=why)
    if reference is None or inventory is None:
        return nothing
    options, chosen = inventory.options, runs.chosen_runs
    sides, names, notes = _runs_to_find_in(chosen, inventory)
    if not sides:
        return replace(nothing, notes=tuple(notes), why="no run stands out" if not chosen else "no run can be compared")
    reader = _RunReader(options)
    targets = [Target(side.path, tuple(reader.read(side, *name))) for side, name in zip(sides, names, strict=True)]
    if not runs.flagged and runs.flagged is not None:
        notes.append(
            "no run is flagged as a whole: those with flagged sequences are compared, the most anomalous first"
        )
    elif runs.flagged is None:
        notes.append(f"too few normal runs to flag any: the {len(sides)} most anomalous are compared")
    baseline = training_baseline(reference, keep_startup=keep_startup)
    found = compare_with_baseline(baseline, targets, reader.messages.texts, reference.variables)
    filled = Originals(sides, no_redact=options.no_redact).fill_originals(found.findings)
    return replace(
        found,
        findings=tuple(filled),
        command=command,
        against=AGAINST,
        runs=runs.judged_runs,
        bad_files=tuple(dict.fromkeys(reader.bad)),
        notes=tuple(notes),
    )


def find_odd_test_runs(frame: pl.DataFrame, predictions: pl.DataFrame) -> OddRuns:
    """Judged runs of a data state on its test side, and how many normal runs judged them."""
    label = identified_rows(predictions).select(*UNIT, "split", normal=trainable_rows(predictions))
    units = label.group_by(UNIT).agg(pl.col("normal").all(), (pl.col("split") == "test").all().alias("tested"))
    found = frame.join(units, on=UNIT, how="left", maintain_order="left", nulls_equal=True)
    of_run = Counter(found.filter("normal")["run"].to_list())
    n = of_run.total() - max(of_run.values(), default=0)  # no run is judged by itself
    return OddRuns(found.filter("tested").select(frame.columns), n, flagged_runs_and_cases(predictions))


def flagged_runs_and_cases(predictions: pl.DataFrame) -> frozenset[_Names]:
    """Runs and cases that hold a sequence flagged by its p-value."""
    flags = [pl.col(name).fill_null(value=False) for name in predictions.columns if name.startswith("flagged_")]
    return (
        frozenset(identified_rows(predictions).filter(pl.any_horizontal(flags)).select(UNIT).unique().iter_rows())
        if flags
        else frozenset()
    )


def run_findings(
    p: Phase, table: Sequences, predictions: pl.DataFrame, variables: Variables, raw: RawLogs, *, keep_startup: bool
) -> Comparison:
    """Findings of the runs on the test side of a data state, against its training normals."""
    path = p.home.path("runs")
    if not path.is_file():
        return Comparison((), (), (), command="run", against=AGAINST, why=f"{path} is not there: run lo2 detect")
    runs = find_odd_test_runs(read_parquet(path), predictions)
    if table.texts is None or not {"e_event_drain_id", "e_event_drain_id_count"} <= set(table.frame.columns):
        return findings_of_flagged(None, runs, None, command="run", why="the sequences have no templates")
    normal = predictions.select(
        "seq_id", normal=trainable_rows(predictions) & (pl.Series(predictions["split"]) == "train")
    )
    sides = table.frame.select("seq_id").join(normal, on="seq_id", how="left", maintain_order="left")["normal"]
    split = sides.fill_null(value=False).replace_strict({True: "train", False: "test"}, return_dtype=pl.String)
    reference = make_reference(table.frame, split, table.texts, variables)
    return findings_of_flagged(reference, runs, raw.inventory, command="run", why=raw.why, keep_startup=keep_startup)


def _runs_to_find_in(names: Sequence[_Names], inventory: Inventory) -> tuple[list[Side], list[_Names], list[str]]:
    """Files of each run to compare, within ``COMPARED`` and ``MOST_BYTES``; and what was left out."""
    sides: list[Side] = []
    kept: list[_Names] = []
    read: dict[LogFile, int] = {}
    for run, case in names:
        if len(sides) == COMPARED:
            break
        shards = (one for one in inventory.shards if f"{run or ''}.".startswith(f"{one.run}."))
        files = tuple(file for shard in shards for file in shard.files if case in (None, file.test_case))
        more = {file: file.size_bytes for file in files}
        if files and sum((read | more).values()) <= MOST_BYTES:
            read |= more
            sides.append(Side(name_run_and_case(run, case), files, {}, (), inventory.options.redact))
            kept.append((run, case))
    left = len(names) - len(kept)
    notes = [f"{left} further runs that stand out are not compared line by line"] if left else []
    return sides, kept, notes


class _RunReader:
    """Reads runs into one dictionary of messages, as the features were read."""

    def __init__(self, options: LoadOptions) -> None:
        self.options = options
        self.messages = Messages(shard_masks(options))
        self.bad: list[tuple[str, str]] = []
        self._last: tuple[tuple[LogFile, ...], list[Grouped]] = ((), [])

    def read(self, side: Side, run: str | None, case: str | None) -> list[Counted]:
        """Logs of one run and case, one per service; runs that keys cut from the same files are read once."""
        if self._last[0] != side.files:
            read, bad = read_shard_logs(side.files, self.messages, self.options)
            self.bad += bad
            self._last = side.files, group_into_sequences([one.log for one in read], shard_grouping(self.options))
        mine: dict[str, list[Grouped]] = {}
        for one in self._last[1]:
            if one.run == (run or one.run) and one.test_case == (case or one.test_case):
                mine.setdefault(one.service, []).append(one)
        return [Counted.from_grouped(name, those) for name, those in sorted(mine.items())]
