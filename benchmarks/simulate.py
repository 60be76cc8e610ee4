"""Written MB of full-scale v1 runs per CPU second of the simulator: ``python benchmarks/simulate.py [RUNS]``."""

import sys
import tempfile
import time
from pathlib import Path

from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

TARGET_MB_PER_SECOND = 20.0


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    rates = []
    for seed in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            begin = time.process_time()
            made = simulate(Path(folder) / "logs", SimulateOptions(runs=1, seed=seed))
            spent = time.process_time() - begin
        rates.append(made.size_bytes / 1e6 / spent)
        size_mb = made.size_bytes / 1e6
        print(f"seed {seed}: {size_mb:.0f} MB, {made.lines} lines in {spent:.2f} CPU s = {rates[-1]:.1f} MB/s")
    print(f"median {sorted(rates)[len(rates) // 2]:.1f} MB/s, target {TARGET_MB_PER_SECOND:.0f}")


if __name__ == "__main__":
    main()
