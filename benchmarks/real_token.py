"""Is the real token log normal to models that saw simulated ones only?

    python benchmarks/real_token.py REAL_ROOT --runs 120 --models if,knn_words

Simulates full-scale v1 `correct` token logs, reduces them as the real one was (its first 100 lines and all lines
without a time stamp are missing), trains on 60 % of the runs, holds out 40 runs or more, and scores the real log with
its conformal p-value. Prints the words that no simulated training log holds: expected none.
"""

import argparse
import re
import shutil
import tempfile
from pathlib import Path

import lo2
from lo2.models.options import SplitOptions
from lo2.models.split import split_runs
from lo2.models.training import predict, train
from lo2.pipeline.api import as_sequences
from lo2.pipeline.learnt_variables import learn_table_variables, merge_learnt_variables
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

_HEADER = re.compile(rb"\d\d:\d\d:\d\d\.\d{3} \[")


def reduce_log(path: Path) -> None:
    """Drop what the real log has lost: the first 100 lines, and lines without a time stamp."""
    lines = path.read_bytes().split(b"\n")[100:]
    path.write_bytes(b"\n".join(line.strip() for line in lines if _HEADER.match(line)) + b"\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("real", type=Path, help="folder with the real run light-oauth2-data-1719592986")
    parser.add_argument("--runs", type=int, default=120)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--models", default="if,knn_words")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lo2-real-"))
    try:
        simulate(folder, SimulateOptions(runs=args.runs, errors_per_run=0, service_types=("token",), seed=args.seed))
        for path in folder.glob("*/correct/*token*.log"):
            reduce_log(path)
        simulated = as_sequences(lo2.load(folder))
    finally:
        shutil.rmtree(folder)
    real = as_sequences(lo2.load(args.real, runs=1, service_types=("token",)))
    row = real.frame.row(0, named=True)
    print(f"real log: {row['seq_len']} events, {row['e_words_len']} words, {row['e_trigrams_len']} trigrams, "
          f"{len(row['e_event_drain_id'])} templates, {row['start_time']} to {row['end_time']}")  # fmt: skip
    sides = split_runs(simulated.frame, SplitOptions(holdout_fraction=0.35, test_fraction=0.05))
    (table, variables), seen = learn_table_variables(simulated, sides), simulated.frame
    simulated, real = table.frame, merge_learnt_variables(real, variables).frame
    holdout = int((sides == "holdout").sum())
    known = set(seen.filter(sides == "train")["e_words"].explode())
    print(f"(s) {simulated.height} simulated token logs, {holdout} held out")
    print(f"novel words of the real log: {sorted(set(row['e_words']) - known) or 'none'}")
    for name in args.models.split(","):
        fitted = train(name, simulated, sides, seed=0)
        found = predict(fitted, real).row(0, named=True)
        scores = fitted.reference.holdout["token"]
        print(f"{name}: score {found[f'score_{name}']:.4f}, p-value {found[f'p_value_{name}']:.3f}, threshold "
              f"{fitted.thresholds.overall:.4f}, hold-out {scores.min():.4f} to {scores.max():.4f}")  # fmt: skip


if __name__ == "__main__":
    main()
