"""A packed root next to its decompressor: ``python benchmarks/packed.py ROOT``, in turn, medians of three.

ROOT is a tree of ``lo2 simulate ROOT --runs 3 --dataset v1``. It is packed as ``.tar.gz`` and ``.zip``, loaded with two
jobs, and set against ``gunzip`` and ``unzip -p`` of the same to nowhere.
"""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from measure import measure

REPEATS = 3
UNPACK = {"gztar": "gunzip -c {} >/dev/null", "zip": "unzip -p {} >/dev/null"}


def main(root: Path) -> int:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        for kind, unpack in UNPACK.items():
            packed = shutil.make_archive(str(folder / "logs"), kind, root)
            load = [sys.executable, "-m", "lo2", "load", "--root", packed, "--quiet", "--jobs", "2"]
            commands = {"unpack": ["sh", "-c", unpack.format(packed)]}
            commands["lo2"] = [*load, "--output-dir", str(folder / "result"), "--models-dir", str(folder)]
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
            for _ in range(REPEATS):
                for name, command in commands.items():
                    shutil.rmtree(folder / "result", ignore_errors=True)
                    one = measure(command, interval=0)
                    if one.returncode:
                        return 1
                    found[name].append((one.seconds, one.cpu_seconds))
            seconds, cpu = (
                {name: statistics.median(pair[i] for pair in pairs) for name, pairs in found.items()} for i in (0, 1)
            )
            ratio = seconds["lo2"] / seconds["unpack"]
            told = "\t".join(f"{name} {seconds[name]:.2f} s, {cpu[name]:.2f} CPU s" for name in commands)
            print(f"{kind}\t{told}\tratio {ratio:.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
