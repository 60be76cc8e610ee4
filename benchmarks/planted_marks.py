"""How often the planted fault is among the first five tokens or lines of an explanation, detector by detector.

    python benchmarks/planted_marks.py --runs 30 --seed 11 --models if,knn_words,lr_words

Simulates a v2 tree, detects and explains. Counted are the planted marks (``truth.csv``) of correctly flagged test
sequences that survived into the sequence and whose rate per event exceeds that of every training sequence of the
service. All figures are simulated (s).
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl

from lo2.explain.attributions import attributions
from lo2.explain.explanation import lines_that_explain
from lo2.explain.lines import DistinctLine, lines_of_events
from lo2.loading.events import event_frames
from lo2.loading.inventory import LoadOptions, take_inventory
from lo2.models.split import split_runs
from lo2.models.table import MODELS
from lo2.models.training import predict, train
from lo2.pipeline.load import load
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

FIRST = 5


def marks_to_find(sequences: pl.DataFrame, split: pl.Series, truth: pl.DataFrame) -> dict[str, list[str]]:
    """Marks of each test sequence whose rate exceeds every training sequence's of the service."""
    planted: dict[str, set[str]] = {}
    for run, case, service, mark in truth.select("run", "case", "service", "mark").unique().iter_rows():
        planted.setdefault(f"{run}__{case}__{service}", set()).add(mark)
    typical: dict[tuple[str, str], float] = {}
    every = {mark for marks in planted.values() for mark in marks}
    for row in sequences.filter(split == "train").iter_rows(named=True):
        for mark in every:
            key = row["service"], mark
            typical[key] = max(typical.get(key, 0.0), rate(row, mark))
    found = {}
    for row in sequences.filter((split == "test") & pl.Series(sequences["seq_id"].is_in(sorted(planted)))).iter_rows(
        named=True
    ):
        marks = [m for m in sorted(planted[row["seq_id"]]) if rate(row, m) > typical.get((row["service"], m), 0.0)]
        if marks:
            found[row["seq_id"]] = marks
    return found


def rate(row: dict, mark: str) -> float:
    """Occurrences of words that hold ``mark``, per event."""
    held = sum(n for word, n in zip(row["e_words"], row["e_words_count"], strict=True) if mark in word)
    return held / max(row["seq_len"], 1)


def measure(
    name: str,
    sequences: pl.DataFrame,
    split: pl.Series,
    marks: dict[str, list[str]],
    lines_of: Callable[[str], list[DistinctLine]],
) -> tuple[int, int, int, int, Counter]:
    """(marks, among the tokens, among the lines, among either, missed marks by name) of detector ``name``."""
    fitted = train(name, sequences, split, seed=0)
    predictions = predict(fitted, sequences, split).filter(f"pred_{name}_threshold")
    flagged = sorted(set(predictions["seq_id"]) & set(marks))
    reference = sequences.filter(split == "train")
    rows = sequences.filter(sequences["seq_id"].is_in(flagged)).sort("seq_id")
    found = attributions(fitted, rows, reference=reference)
    parts = {key[0]: part for key, part in found.frame.group_by("seq_id", maintain_order=True)}
    carried = lines_that_explain(fitted, found, rows, reference, lambda row: lines_of(row["seq_id"]))
    shown = {frame["seq_id"][0]: frame["text"].head(FIRST).to_list() for frame in carried if frame.height}
    total = by_token = by_line = by_either = 0
    missed: Counter = Counter()
    for seq_id in flagged:
        first = parts[seq_id]["token"].head(FIRST).to_list() if seq_id in parts else []
        for mark in marks[seq_id]:
            in_tokens, in_lines = any(mark in t for t in first), any(mark in t for t in shown.get(seq_id, []))
            total, by_token, by_line = total + 1, by_token + in_tokens, by_line + in_lines
            by_either += in_tokens or in_lines
            if not (in_tokens or in_lines):
                missed[mark] += 1
    return total, by_token, by_line, by_either, missed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--scale", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--services", default="", help="default: all")
    parser.add_argument("--models", default=",".join(MODELS))
    args = parser.parse_args()
    services = tuple(filter(None, args.services.split(",")))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        simulate(
            root,
            SimulateOptions(runs=args.runs, dataset="v2", scale=args.scale, seed=args.seed, service_types=services),
        )
        sequences = load(root).sequences
        files = {file.seq_id: file for file in take_inventory(root, LoadOptions()).files}
        lines_of = cache(lambda seq_id: lines_of_events(pl.concat(event_frames([files[seq_id]]))))
        split = split_runs(sequences)
        marks = marks_to_find(sequences, split, pl.read_csv(root / "truth.csv"))
        print(f"v2 simulated (s), {args.runs} runs, scale {args.scale}, seed {args.seed}, {sequences.height} sequences")
        print("| detector | marks in flagged sequences | in 5 tokens | in 5 lines | in either | missed most |")
        print("|---|---|---|---|---|---|")
        for name in args.models.split(","):
            total, *hits, missed = measure(name, sequences, split, marks, lines_of)
            shares = " | ".join(f"{hit / max(total, 1):.1%}" for hit in hits)
            print(
                f"| {name} | {total} | {shares} | {', '.join(f'{m} {n}' for m, n in missed.most_common(3))} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
