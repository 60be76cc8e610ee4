"""Real, labelled, public logs: what the detectors are worth next to grep, on your own copies of them.

    python benchmarks/public.py --tree openstack=DIR --faults openstack=labels.csv --table hdfs=FILE --table bgl=FILE \
        --loglead ENV/bin/python --out benchmarks/results/public.md

Nothing is downloaded. Where the sets are, and how each becomes what this reads:

- OpenStack with injected faults (github.com/dessertlab/Fault-Injection-Dataset, AGPL-3.0): one folder per test, in it one
  per round: `correct` (no fault), `failed` (users saw the fault), `silent` (nobody did), in each one log per service.
  `failed` is measured against `silent`: both in the same round, so that place in the run says nothing. Its table of
  faults (`run, case, component`) tells which service had each: is that the one to look at first?
- HDFS (github.com/logpai/loghub): `lo2 load --group-by 'blk_-?[0-9]+' --labels anomaly_label.csv`, or the event ids of
  github.com/ait-aecid/anomaly-detection-log-datasets as words.
- BGL (github.com/logpai/loghub): `lo2 load --window 1h`, or the event ids of github.com/vanhoanglepsa/logdeep as words.

Tables are any sequence Parquet of `lo2 detect --sequences`. Measured are test normals and every anomaly, for no anomaly is
trained on; of a tree every row, each without its own run. Baselines know the better of both directions. A set that was
looked at while the detector was designed is marked: it shows that the code does what it did then. ENV is an environment
with `tests/interop/requirements.txt`: there LogLead's own detectors see the same training and test rows.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.ensemble import IsolationForest

import lo2
from lo2.evaluation.headline import labelled_headline
from lo2.evaluation.merging import TestRows, merged_score
from lo2.evaluation.runs import LEVEL
from lo2.metrics.ranking import auc
from lo2.models.foreign import foreign_model
from lo2.pipeline.api import as_sequences
from lo2.pipeline.detection import Detection
from lo2.pipeline.fitting import fit_models
from lo2.pipeline.load import LoadedLogs
from lo2.pipeline.options import DetectOptions

# Looked at while knn_words was designed.
DESIGN = {"openstack", "hdfs", "bgl"}
# Of each detector on a tree with a table of faults: how often it names the faulty service.
NAMED: list[str] = []
BASELINES = {"n_error": "ERROR count", "n_warn": "WARN count", "seq_len": "length", "duration_sec": "duration"}
PUBLISHED = {
    "hdfs": "published F1: events, length and counts .988; Isolation Forest .802",
    "bgl": "published F1: events never seen .988",
}
SHOWN = {"auc": "AUC", "ap": "AP", "f1_at_threshold": "F1", "recall_at_threshold": "recall",
         "fp_rate_at_threshold": "FP rate"}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One row of the result."""

    name: str
    per: str
    detector: str
    normal: int
    anomalous: int
    cells: tuple[str, ...]

    def markdown(self) -> str:
        mark = " *" if self.name.split()[0] in DESIGN else ""
        return (
            f"| {self.name}{mark} | {self.per} | {self.detector} | {self.normal} / {self.anomalous} | "
            + " | ".join(self.cells)
            + " |"
        )


def line(name: str, per: str, detector: str, rows: pl.DataFrame) -> Line:
    """Figures of ``rows``: run, anomaly, score, flagged (null where the detector has no threshold)."""
    known = rows.filter(pl.col("score").is_not_null() & pl.col("score").is_not_nan())
    labels = known["anomaly"].to_numpy().astype(bool)
    flags = known["flagged"].null_count() < known.height
    test = TestRows(
        score=known["score"].to_numpy(), labels=labels, flagged=known["flagged"].fill_null(value=False).to_numpy(),
        runs=known["run"].to_numpy().astype(np.str_), services=np.full(known.height, "", dtype=np.str_),
        reference=np.empty(0), seq_id=np.arange(known.height).astype(np.str_),
    )  # fmt: skip
    found = labelled_headline(test) if labels.any() and not labels.all() else {}
    cells = []
    for metric in SHOWN:
        one = found.get(metric)
        if one is None or one.value is None or (metric.endswith("threshold") and not flags):
            cells.append("-")
        else:
            span = "" if one.low is None else f" [{one.low:.3f}, {one.high:.3f}]"
            cells.append(f"{one.value:.3f}{span}")
    return Line(name, per, detector, int((~labels).sum()), int(labels.sum()), tuple(cells))


def detections(sequences: LoadedLogs | Path) -> Iterator[tuple[str, Detection]]:
    """The detectors of the product, and scikit-learn's forest on the counts of words."""
    table = as_sequences(sequences)
    default = fit_models(("knn_words", "if"), table, DetectOptions())
    yield from ((name, default) for name in ("knn_words", "if"))
    own = foreign_model(IsolationForest(n_estimators=200, random_state=0))
    yield own.name, fit_models((own.name,), table, DetectOptions(), own=own)


def baselines(name: str, per: str, rows: pl.DataFrame) -> Iterator[Line]:
    """Single columns as if they were detectors, in the direction that is better here."""
    labels = rows["anomaly"].to_numpy().astype(bool)
    for column, meaning in BASELINES.items():
        if column not in rows.columns or rows[column].null_count() == rows.height:
            continue
        values = rows[column].cast(pl.Float64).fill_null(0.0)
        more = auc(values.to_numpy(), labels) >= 0.5
        scored = rows.with_columns(score=values if more else -values, flagged=pl.lit(None, pl.Boolean))
        yield line(
            name, per, f"{meaning} ({'more' if more else 'fewer' if column.startswith('n_') else 'less'})", scored
        )


def loglead(python: Path | None, train: pl.DataFrame, test: pl.DataFrame) -> pl.DataFrame:
    """Scores of LogLead's detectors, trained on ``train``; no column where it is not installed."""
    if python is None:
        return test.select("seq_id")
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("train.parquet", "test.parquet", "scores.parquet")]
        for rows, path in zip((train, test), paths, strict=False):
            if "e_words_count" in rows.columns:
                again = pl.col("e_words").explode().repeat_by(pl.col("e_words_count").explode()).explode()
                rows = rows.with_columns(rows.select(again.implode().over("seq_id")).to_series().alias("e_words"))
            words = rows.select("seq_id", "anomaly", "e_words", pl.col("e_words").list.len().alias("e_words_len"))
            words.write_parquet(path)
        script = Path(__file__).with_name("loglead_detectors.py")
        subprocess.run([python, "-P", script, *paths], check=True)
        return pl.read_parquet(paths[2])


def table(name: str, path: Path, python: Path | None = None) -> Iterator[Line]:
    """A table of sequences: test normals against every anomaly."""
    sequences = pl.read_parquet(path)
    for detector, found in detections(path):
        frame = found.predictions[detector]
        score = merged_score(frame, model=detector)
        rows = frame.with_columns(score=score, flagged=pl.col(f"flagged_{detector}"))
        rows = rows.filter(pl.col("anomaly") | (pl.col("split") == "test"))
        yield line(name, "log", detector, rows)
    train = frame.filter(pl.col("split") == "train")["seq_id"].implode()
    theirs = loglead(
        python, sequences.filter(pl.col("seq_id").is_in(train)), sequences.join(rows.select("seq_id"), on="seq_id")
    )
    for detector in theirs.columns[1:]:
        scored = theirs.select("seq_id", score=detector, flagged=pl.lit(None, pl.Boolean))
        yield line(name, "log", detector, rows.select("seq_id", "run", "anomaly").join(scored, on="seq_id"))
    columns = ["seq_id", *(column for column in BASELINES if column in sequences.columns)]
    yield from baselines(
        name, "log", rows.select("seq_id", "run", "anomaly").join(sequences.select(columns), on="seq_id")
    )


def tree(name: str, root: Path, python: Path | None = None, faults: Path | None = None) -> Iterator[Line]:
    """A tree with the rounds correct, failed and silent, or the sequence table that was loaded from it."""
    loaded = root if root.is_file() else lo2.load(root, profile="tree", normal="correct")
    whole = pl.read_parquet(loaded) if isinstance(loaded, Path) else loaded.sequences
    rounds = whole.select("seq_id", "run", "test_case", "service", *BASELINES)
    rounds = rounds.filter(pl.col("test_case").is_in(["failed", "silent"]))
    rounds = rounds.with_columns(anomaly=pl.col("test_case") == "failed")
    for detector, found in detections(loaded):
        yield from _rounds(name, detector, found, rounds)
        if faults is not None:
            NAMED.append(f"{name}, {detector}: {named(found, detector, pl.read_csv(faults))}")
    train = found.predictions[detector].filter(pl.col("split") == "train")["seq_id"].implode()
    theirs = loglead(
        python, whole.filter(pl.col("seq_id").is_in(train)), whole.join(rounds.select("seq_id"), on="seq_id")
    )
    for detector in theirs.columns[1:]:
        scored = rounds.join(theirs.select("seq_id", score=detector, flagged=pl.lit(None, pl.Boolean)), on="seq_id")
        yield line(name, "log", detector, scored)
        runs = scored.group_by("run", "test_case", maintain_order=True)
        yield line(
            name, "run", f"{detector}, mean", runs.agg(pl.col("anomaly", "flagged").first(), pl.col("score").mean())
        )
    yield from baselines(name, "log", rounds)
    one = rounds.group_by("run", "test_case", maintain_order=True)
    yield from baselines(name, "run", one.agg(pl.col("anomaly").first(), pl.col(*BASELINES).sum()))


def _rounds(name: str, detector: str, found: Detection, rounds: pl.DataFrame) -> Iterator[Line]:
    frame = found.predictions[detector]
    scored = frame.select("seq_id", score=-pl.col(f"p_value_{detector}"), flagged=pl.col(f"flagged_{detector}"))
    yield line(name, "log", detector, rounds.join(scored, on="seq_id"))
    both = frame.filter(pl.col("test_case").is_in(["failed", "correct"])).select("seq_id", "run", "anomaly")
    yield line(name, "log, against no fault", detector, both.join(scored, on="seq_id"))
    runs = found.runs[detector]
    flagged = pl.col("p_value") <= LEVEL + 1e-12 if runs.tellable else pl.lit(None, pl.Boolean)
    units = runs.frame.with_columns(anomaly=pl.col("test_case") == "failed", flagged=flagged)
    yield line(name, "run", detector, units.filter(pl.col("test_case").is_in(["failed", "silent"])))
    against = units.filter(pl.col("test_case").is_in(["failed", "correct"]))
    yield line(name, "run, against no fault", detector, against)


def named(found: Detection, detector: str, faults: pl.DataFrame) -> str:
    """How often the service to look at first, and the one with most ERROR events, is that of the fault."""
    services = found.runs[detector].services
    hits, errors, n = 0, 0.0, 0
    for row in faults.filter(pl.col("case") == "failed").iter_rows(named=True):
        one = services.filter((pl.col("run") == row["run"]) & (pl.col("test_case") == row["case"]))
        truth = faulty(row["component"], one["service"].to_list())
        if truth is None:
            continue
        n += 1
        hits += one["service"][0] == truth
        most = one.filter((pl.col("n_error") == pl.col("n_error").max()) & (pl.col("n_error") > 0))["service"].to_list()
        errors += (truth in most) / max(1, len(most))
    return f"the faulty service is the one to look at first in {hits} of {n} runs, has most ERROR events in {errors:g}"


def faulty(component: str, services: list[str]) -> str | None:
    """The service of a component: all words of its name stand in the path, else the server or API of the package."""
    words = set(component.replace("/", " ").replace("_", " ").replace(".", " ").split())
    exact = [name for name in services if set(name.split("-")) <= words]
    package = component.strip("/").split("/")[0]
    default = [name for name in (f"{package}-server", f"{package}-api") if name in services]
    return next(iter(sorted(exact, key=len, reverse=True) + default), None)


def page(lines: list[Line], names: Mapping[str, str]) -> str:
    """The result as Markdown."""
    head = ["set", "per", "detector", "normal / anomalous", *SHOWN.values()]
    text = [
        "# Real public logs",
        "",
        "Made by `python benchmarks/public.py`; its first lines say where the sets are. Intervals are 95 %, over runs. F1,",
        "recall and FP rate are at the detector's own level (p-value at most 0.05). Sets marked * were looked at while the",
        "detector was designed: they show that it does what it did then, not what it will do on others. Of HDFS the table that",
        "was measured holds far more anomalies than the 2.9 % of reality: read AP and F1 next to the FP rate.",
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *(one.markdown() for one in lines),
        "",
        *(f"- {text}" for text in NAMED),
        *(f"- {name}: {names[name]}" for name in names),
        "",
    ]
    return "\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", action="append", default=[], metavar="NAME=DIR")
    parser.add_argument("--table", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--faults", action="append", default=[], metavar="NAME=FILE.csv")
    parser.add_argument("--loglead", type=Path, metavar="PYTHON")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    lines: list[Line] = []
    faults = {name: Path(path) for name, _, path in (pair.partition("=") for pair in chosen.faults)}
    sets = [(pair.partition("="), True) for pair in chosen.tree] + [
        (pair.partition("="), False) for pair in chosen.table
    ]
    for (name, _, path), of_tree in sets:
        found = (
            tree(name, Path(path), chosen.loglead, faults.get(name))
            if of_tree
            else table(name, Path(path), chosen.loglead)
        )
        for one in found:
            lines.append(one)
            print(one.markdown(), flush=True)
    said = {one.name: PUBLISHED[one.name] for one in lines if one.name in PUBLISHED}
    if chosen.out:
        chosen.out.write_text(page(lines, said), encoding="utf-8")


if __name__ == "__main__":
    main()
