"""``lo2 score`` on runs of an OpenStack that the model never saw: which runs are flagged, and which lines are shown of them.

python benchmarks/score.py --logs own-logs/openstack --labels own-logs/openstack_labels.csv

Three of four runs train (their ``correct`` cases), the fourth is scored. Faults are planted by the data's authors, one component
each; the truth of a failed run is the first error line of that component's logs.
"""

import argparse
import csv
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

from diff import first_error
from lo2.artefacts.layout import Home
from lo2.loading.inventory import LoadOptions
from lo2.pipeline.detect import detect_run
from lo2.pipeline.load import load_run
from lo2.pipeline.options import DetectOptions, ScoreRunOptions
from lo2.pipeline.score import Scored, score_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    given = parser.parse_args()
    with given.labels.open(newline="") as stream:
        faults = {row["run"]: row["component"] for row in csv.DictReader(stream) if row["case"] == "failed"}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number, run in enumerate(sorted(path for path in given.logs.iterdir() if path.is_dir()), 1):
            shutil.copytree(run, folder / ("train" if number % 4 else "new") / run.name)
        home = Home(folder / "out", folder / "models")
        load_run(folder / "train", home, LoadOptions(normal="correct"))
        detect_run(home, DetectOptions(skip_if=True, models=("knn_words",), save_model=True))
        started = time.process_time()
        scored = score_run(home, ScoreRunOptions(root=folder / "new"))
        print(f"CPU of scoring, explaining and comparing: {time.process_time() - started:.1f} s\n")
        table(scored, folder / "new", faults)


def table(scored: Scored, root: Path, faults: dict[str, str]) -> None:
    found = scored.found.findings
    by_case = Counter(one.path.partition("/")[2] for one in found.runs)
    flagged = Counter(one.path.partition("/")[2] for one in found.runs if one.flagged)
    print("flagged: " + ", ".join(f"{flagged[case]} of {n} {case}" for case, n in sorted(by_case.items())) + "\n")
    print("| flagged run | lines | shown | findings | fault's first error line shown |\n|---|---:|---:|---|---|")
    for number, (path, lines) in enumerate(found.targets):
        mine = [one for one in found.findings if one.target == number]
        kinds = ", ".join(f"{n} {kind}" for kind, n in Counter(one.kind for one in mine).most_common())
        run, _, case = path.partition("/")
        component = faults.get(run, "").strip("/").split("/")[0]
        first = first_error(root / path, component) if case == "failed" else None
        shown = {(one.file, n) for one in mine if one.line and one.end_line for n in range(one.line, one.end_line + 1)}
        hit = "-" if first is None else "yes" if (f"{path}/{first[0]}", first[1]) in shown else "no"
        print(f"| {path} | {lines:,} | {len(shown)} | {kinds} | {hit} |")


if __name__ == "__main__":
    main()
