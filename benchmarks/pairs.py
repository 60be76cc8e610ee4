"""CPU seconds of one command with two versions of the sources, in turn: which is dearer, and by how much?

    python benchmarks/pairs.py OLD/src src --prepare 'run ROOT --output-dir out --models-dir models -q' \\
        'pack --output-dir out --models-dir models --root ROOT --out {n}.zip'

Each version works in a folder of its own, prepared once by itself; then both run in turn, so that what else the machine
does falls on both. ROOT stands for `--root`. CPU seconds are those of the command and all its processes.
"""

import argparse
import os
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


def cpu(source: Path, place: Path, words: list[str]) -> float:
    """CPU seconds of one call."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-m", "lo2", *words], cwd=place, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{source}: {shlex.join(words)} ended with {done.returncode}: {done.stderr[-500:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Prepare, run in turn, print each pair and the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("command")
    parser.add_argument("--prepare", default="")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--times", type=int, default=7)
    given = parser.parse_args()
    sources = [given.old.absolute(), given.new.absolute()]
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / name for name in ("old", "new")]

        def words(text: str, number: int) -> list[str]:
            return [
                str(given.root.absolute()) if one == "ROOT" else one.replace("{n}", str(number))
                for one in shlex.split(text)
            ]

        for source, place in zip(sources, places, strict=True):
            place.mkdir()
            if given.prepare:
                cpu(source, place, words(given.prepare, 0))
        found = []
        for number in range(given.times):
            order = (0, 1) if number % 2 == 0 else (1, 0)
            one = {side: cpu(sources[side], places[side], words(given.command, number)) for side in order}
            found.append((one[0], one[1]))
            print(f"{number + 1}: {one[0]:.2f} {one[1]:.2f}", flush=True)
    old, new = (statistics.median(side) for side in zip(*found, strict=True))
    ratio = statistics.median(b / a for a, b in found)
    print(f"median CPU seconds: old {old:.2f}, new {new:.2f}; new / old in {given.times} pairs: {ratio:.2f}")


if __name__ == "__main__":
    main()
