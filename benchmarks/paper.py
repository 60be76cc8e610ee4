"""The published protocols and ours on one copy of LO2, next to the published figures.

    python benchmarks/paper.py ROOT                  on your copy of the data set
    python benchmarks/paper.py ROOT --simulated      marks every figure of this run with (s)

Protocols: stage 1 of the LO2 paper (correct and one random error case per run, services pooled, random 50/50 split of
rows); stage 2 (one decision tree per fault and service, tf-idf of words, random 50/50); which of the faults it was
(macro-F1 per service, once split by row as published, once by whole runs; over all test cases, and over those whose
logs show a trace in that service); and ours (normal-only, whole runs held out).
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from lo2.artefacts.layout import Home
from lo2.evaluation.headline import headline
from lo2.evaluation.options import ScoreOptions
from lo2.evaluation.signals import detectable_rows, signals
from lo2.loading.inventory import LoadOptions
from lo2.models.matrix import make_vocabulary, token_matrix
from lo2.models.split import split_runs
from lo2.models.training import predict, train
from lo2.pipeline.load import load_run
from lo2.pipeline.sequences import read_sequences

PUBLISHED = {
    "stage 1, decision tree, F1": "> 0.7 (v1)",
    "stage 1, decision tree, AUC": "about 0.73 (v1)",
    "stage 1, Isolation Forest on normals, AUC": "about 0.5 (v1)",
    "stage 2, mean F1, token": "0.98 (v1)",
    "stage 2, mean F1, client": "0.95 (v1)",
    "stage 2, mean F1, key": "0.35 (v1)",
    "which fault, macro-F1, token, rows split": "0.976 (v1, leaking), 0.623 (v2)",
}


def tfidf(frame: pl.DataFrame, rows: np.ndarray) -> np.ndarray:
    """Tf-idf of word counts, vocabulary and weights from the training rows."""
    vocabulary = make_vocabulary(frame.filter(pl.Series(rows))["e_words"])
    counts = token_matrix(frame["e_words"], vocabulary, counts=frame["e_words_count"])
    return TfidfTransformer().fit(counts[np.flatnonzero(rows)]).transform(counts)


def halves(n: int, rng: np.random.Generator) -> np.ndarray:
    """Random half of the rows for training, as published: runs end up on both sides."""
    return rng.permutation(n) < n // 2


def stage_1(frame: pl.DataFrame, rng: np.random.Generator) -> dict[str, float]:
    """Correct and one random error case per run, services pooled, random 50/50."""
    cases = frame.filter("anomaly").select("run", "test_case").unique().sort("run", "test_case")
    drawn = cases.group_by("run", maintain_order=True).agg(
        pl.col("test_case").sample(1, seed=int(rng.integers(1 << 30))).first()
    )
    chosen = pl.concat([frame.filter(~pl.col("anomaly")), frame.join(drawn, on=["run", "test_case"], how="semi")])
    side, labels = halves(chosen.height, rng), chosen["anomaly"].to_numpy()
    X = tfidf(chosen, side)
    tree = DecisionTreeClassifier(random_state=0).fit(X[side], labels[side])
    normal = side & ~labels
    forest = IsolationForest(random_state=0).fit(tfidf(chosen, normal)[normal])
    scores = -forest.score_samples(tfidf(chosen, normal)[~side])
    return {
        "stage 1, decision tree, F1": f1_score(labels[~side], tree.predict(X[~side])),
        "stage 1, decision tree, AUC": roc_auc_score(labels[~side], tree.predict_proba(X[~side])[:, 1]),
        "stage 1, Isolation Forest on normals, AUC": roc_auc_score(labels[~side], scores),
    }


def stage_2(frame: pl.DataFrame, rng: np.random.Generator) -> dict[str, float]:
    """One tree per fault and service: mean F1 per service."""
    found = {}
    for service in sorted(frame["service"].unique()):
        rows, values = frame.filter(pl.col("service") == service), []
        for case in sorted(rows.filter("anomaly")["test_case"].unique()):
            pair = rows.filter(~pl.col("anomaly") | (pl.col("test_case") == case))
            side, labels = halves(pair.height, rng), pair["anomaly"].to_numpy()
            if len(set(labels[side])) < 2 or len(set(labels[~side])) < 2:
                continue
            X = tfidf(pair, side)
            tree = DecisionTreeClassifier(random_state=0).fit(X[side], labels[side])
            values.append(f1_score(labels[~side], tree.predict(X[~side])))
        if values:
            found[f"stage 2, mean F1, {service}"] = float(np.mean(values))
    return found


def which_fault(frame: pl.DataFrame, rng: np.random.Generator, *, what: str = "which fault") -> dict[str, float]:
    """Macro-F1 over the test cases per service: rows split as published, then whole runs."""
    found = {}
    runs = sorted(frame["run"].unique())
    first = set(np.array(runs)[rng.permutation(len(runs)) < len(runs) // 2].tolist())
    for service in sorted(frame["service"].unique()):
        rows = frame.filter(pl.col("service") == service)
        if rows["test_case"].n_unique() < 3:
            continue
        sides = {"rows": halves(rows.height, rng), "runs": rows["run"].is_in(list(first)).to_numpy()}
        labels = rows["test_case"].to_numpy()
        for name, side in sides.items():
            X = tfidf(rows, side)
            forest = RandomForestClassifier(n_estimators=200, random_state=0, n_jobs=2).fit(X[side], labels[side])
            value = f1_score(labels[~side], forest.predict(X[~side]), average="macro", zero_division=0)
            found[f"{what}, macro-F1, {service}, {name} split"] = float(value)
    return found


def ours(frame: pl.DataFrame) -> dict[str, float | None]:
    """Normal-only detectors, whole runs held out: AUC per service."""
    found: dict[str, float | None] = {}
    sides = split_runs(frame)
    shown = signals(frame)
    for name in ("if", "knn_words"):
        predictions = predict(train(name, frame, sides), frame, sides)
        for what, rows in {"all": predictions, "detectable": detectable_rows(predictions, shown)}.items():
            for service in sorted(frame["service"].unique()):
                part = rows.filter(pl.col("service") == service)
                metric = headline(part, model=name, options=ScoreOptions(resamples=200))["auc"]
                found[f"ours, {name}, AUC, {service}, {what}"] = metric.value
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--simulated", action="store_true", help="the tree was made by lo2 simulate")
    parser.add_argument(
        "--keep-startup", action="store_true", help="keep the lines that leak the test order, as published"
    )
    parser.add_argument("--runs", type=int, default=None)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lo2-paper-") as folder:
        home = Home(Path(folder) / "result", Path(folder) / "models")
        load_run(args.root, home, LoadOptions(runs=args.runs, keep_startup=args.keep_startup))
        frame = read_sequences(home.path("sequences")).frame
    rng = np.random.default_rng(args.seed)
    figures = {**stage_1(frame, rng), **stage_2(frame, rng), **which_fault(frame, rng)}
    figures |= which_fault(detectable_rows(frame, signals(frame)), rng, what="which detectable fault")
    figures |= ours(frame)
    print(f"{frame['run'].n_unique()} runs, {frame.height} sequences{' (s)' if args.simulated else ''}; "
          f"start-up lines {'kept' if args.keep_startup else 'left out'}")  # fmt: skip
    print(f"{'protocol and figure':<52} {'real':>8} {'simulated':>12}  published")
    for name in dict.fromkeys([*figures, *PUBLISHED]):
        value = figures.get(name)
        text = "-" if value is None else f"{value:.3f}"
        columns = ("-", f"{text} (s)") if args.simulated else (text, "-")
        print(f"{name:<52} {columns[0]:>8} {columns[1]:>12}  {PUBLISHED.get(name, '-')}")


if __name__ == "__main__":
    main()
