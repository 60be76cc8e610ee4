"""AUC per called service on simulated v2 trees: forest, reference row and others, signal by signal.

    python benchmarks/simulated_v2.py --seeds 101,102,103 --runs 40 --scale 0.05 --models if,if_binary_words

Every seed gives a tree of its own, loaded and deleted again. All rows are scored out of sample (five folds of whole
runs); a case's AUC sets its sequences of the service it calls against the normal ones of that service. Intervals draw
whole runs. All figures are simulated (s).
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from lo2.artefacts.layout import Home
from lo2.engine import EngineOptions
from lo2.metrics.bootstrap import run_bootstrap
from lo2.metrics.ranking import TieGroups, auc_of
from lo2.models.training import train_cross_fitted
from lo2.pipeline.learnt_variables import learn_table_variables, with_template_texts
from lo2.pipeline.load import load_run
from lo2.pipeline.sequences import read_sequences
from lo2.simulate.cases import CASES
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

VALUE = {"update_client_404_ownerId", "update_service_404_user_id", "get_token_404", "delete_token_404"}
ROWS = ("traced", "value", "none")


def signal(case: str) -> str:
    """traced (a line, an error or a stack trace), value (only a value differs), or none."""
    return "value" if case in VALUE else "traced" if CASES[case].marks else "none"


def sequences(seed: int, args: argparse.Namespace) -> pl.DataFrame:
    """Sequences of a fresh tree."""
    folder = Path(tempfile.mkdtemp(prefix="lo2-v2-", dir=args.work))
    try:
        options = SimulateOptions(runs=args.runs, dataset=args.dataset, scale=args.scale, thin=args.thin, seed=seed)
        simulate(folder / "tree", options)
        home = Home(folder / "result", folder / "models")
        load_run(folder / "tree", home, engine=EngineOptions())
        heavy = ["e_event_drain_id", "e_event_drain_id_count"]
        heavy += ["e_trigrams", "e_trigrams_count", "e_event_sequence"] if args.heavy else []
        table = with_template_texts(read_sequences(home.path("sequences"), heavy=heavy), home.path("sequences"))
        # Of all normal rows: whole runs are left out below, and what varies varies in all of them.
        return learn_table_variables(
            table, pl.Series(["train" if normal else "test" for normal in table.frame["normal"]])
        )[0].frame
    finally:
        shutil.rmtree(folder)


def measure(predictions: pl.DataFrame, model: str, resamples: int) -> list[dict[str, object]]:
    """Mean AUC over the cases of each called service and kind of signal, with run-bootstrap intervals."""
    boot = run_bootstrap(predictions["run"].to_numpy(), resamples=resamples)
    found = []
    for service in sorted({case.service for case in CASES.values()}):
        for kind in ROWS:
            cases = [case.name for case in CASES.values() if case.service == service and signal(case.name) == kind]
            if not cases:
                continue
            values = np.stack([_case(predictions, model, service, case, boot) for case in cases])
            replicates = values.mean(axis=0)
            interval = boot.interval(replicates[1:])
            found.append(
                {"model": model, "service": service, "signal": kind, "cases": len(cases), "auc": float(replicates[0])}
                | {"low": interval.low, "high": interval.high, "worst_case": float(values[:, 0].min())}
            )
    return found


def _case(predictions: pl.DataFrame, model: str, service: str, case: str, boot) -> np.ndarray:
    rows = (predictions["service"] == service) & (~predictions["anomaly"] | (predictions["test_case"] == case))
    index = rows.arg_true().to_numpy()
    chosen = predictions[index]
    groups = TieGroups.from_scores(chosen[f"score_{model}"].to_numpy(), chosen["anomaly"].to_numpy())
    value = auc_of(*groups.tie_counts(np.ones((1, len(index)))))
    return np.concatenate([value, boot.replicate(lambda w: auc_of(*groups.tie_counts(w)), rows=index)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", default="101,102,103")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--scale", type=float, default=0.05)
    parser.add_argument("--thin", type=int, default=1)
    parser.add_argument("--dataset", default="v2")
    parser.add_argument("--models", default="if,if_binary_words")
    parser.add_argument("--resamples", type=int, default=500)
    parser.add_argument(
        "--heavy", action="store_true", help="also read trigrams and event order, for models that need them"
    )
    parser.add_argument("--work", default=None)
    args = parser.parse_args()
    rows = []
    for seed in map(int, args.seeds.split(",")):
        table = sequences(seed, args)
        for model in args.models.split(","):
            predictions = train_cross_fitted(model, table, seed=0)
            rows += [{"seed": seed, **row} for row in measure(predictions, model, args.resamples)]
            print(f"seed {seed}: {model} done", flush=True)
    result = pl.DataFrame(rows)
    summary = result.group_by("model", "signal", "service", maintain_order=True).agg(
        pl.col("cases").first(), pl.col("auc").mean(), pl.col("auc").min().alias("worst_seed"),
        pl.col("low").min(), pl.col("high").max(), pl.col("worst_case").min(),
    ).sort("model", "signal", "service")  # fmt: skip
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=150, float_precision=3, tbl_hide_dataframe_shape=True):
        print(
            f"(s) {args.dataset}, scale {args.scale}, {args.runs} runs, seeds {args.seeds}; low/high: lowest and highest of the seeds' 95 % intervals"
        )
        print(summary)
        print(result.filter(pl.col("signal") == "none").sort("model", "service", "seed"))


if __name__ == "__main__":
    main()
