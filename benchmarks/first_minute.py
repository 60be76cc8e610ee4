"""first_minute.py [SEED...]: does the demo say what is wrong? The three lines of its closing screen against ``truth.csv``.

For every seed (ten unless given) ``lo2 demo`` runs in a folder of its own. Each of the three hits must be of the test
side, of another fault and another run, name a sequence into which the simulator planted something, and show a line that
carries a planted mark of that run, case and service. Exit 1 where one does not. About a minute a seed on two cores.
"""

import sys
import tempfile
from pathlib import Path

import polars as pl

from lo2.artefacts.layout import Home
from lo2.pipeline.demo import demo_run
from lo2.pipeline.options import DemoOptions
from lo2.report.values import ReportSummary

SEEDS = tuple(range(42, 52))


def wrong_hits(summary: ReportSummary, truth: pl.DataFrame) -> list[str]:
    """What is wrong with the three hits of a report, in one sentence each."""
    hits = summary.findings[:3]
    found = [] if len(hits) == 3 else [f"there are {len(hits)} hits, not 3"]
    seen = {kind: {getattr(one.row, kind) for one in hits} for kind in ("run", "test_case")}
    found += [f"two hits are of one {kind}" for kind, names in seen.items() if len(names) < len(hits)]
    for one in hits:
        row, text = one.row, one.line.text if one.line else ""
        same = (pl.col("run") == row.run) & (pl.col("case") == row.test_case) & (pl.col("service") == row.service)
        marks = truth.filter(same)["mark"].unique().to_list()
        if row.split != "test" or not any(mark in text for mark in marks):
            found.append(f"{row.seq_id} ({row.split}) shows {text!r}, planted are {sorted(marks)}")
    return found


def main(seeds: list[int]) -> int:
    """Run the demo for every seed, print a line each."""
    failed = 0
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            result = demo_run(Home(place / "result", place / "models"), DemoOptions(place / "logs", seed=seed))
            wrong = wrong_hits(result.summary, pl.read_csv(place / "logs" / "truth.csv", infer_schema=False))
        failed += bool(wrong)
        print(
            f"seed {seed}: {result.summary.verdict.found}. {'; '.join(wrong) or 'three lines carry planted marks'}",
            flush=True,
        )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main([int(seed) for seed in sys.argv[1:]] or list(SEEDS)))
