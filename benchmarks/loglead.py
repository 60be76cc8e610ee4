"""lo2 against LogLead 2.0 on the same tree, in turn: ``python benchmarks/loglead.py ROOT --python ENV/bin/python``.

Both read the raw logs, mask, and make words, character trigrams, templates (LogLead: Drain) and sequence features;
whole processes from start to exit, timed without sampling; PSS of all of them from a pair of its own. ENV has ``tests/interop/requirements.txt``. LogLead takes about
160 MB of memory per MB of logs: make ROOT no larger than the machine allows, for example

    lo2 simulate ROOT --runs 1 --errors-per-run 34   # about 130 MB, 21 GB of memory
    lo2 simulate ROOT --runs 1 --errors-per-run 2    # about 14 MB
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Measured, measure

LOGLEAD = """
import sys
import polars as pl
from loglead.enhancers import EventLogEnhancer, SequenceEnhancer
from loglead.loaders import LO2Loader

loader = LO2Loader(filename=sys.argv[1], n_runs=10**6, errors_per_run=10**6)
loader.execute()
events = EventLogEnhancer(loader.df)
events.normalize()
events.words("e_message_normalized")
events.trigrams("e_message_normalized")
events.parse_drain()
sequences = SequenceEnhancer(df=events.df, df_seq=loader.df_seq)
for step in (sequences.seq_len, sequences.start_time, sequences.end_time, sequences.duration):
    step()
sequences.events("e_event_drain_id")
sequences.tokens("e_words")
sequences.tokens("e_trigrams")
print(sequences.df_seq.height)
"""


def size_mb(root: Path) -> float:
    return sum(p.stat().st_size for p in root.glob("*/*/*oauth2-oauth2-*.log")) / 1e6


def warm(root: Path) -> None:
    """Logs and libraries into the page cache: LogLead drives both out."""
    for log in root.glob("*/*/*.log"):
        log.read_bytes()
    subprocess.run([sys.executable, "-m", "lo2", "load", "--help"], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument(
        "--python", type=Path, required=True, help="interpreter of the environment that has LogLead 2.0"
    )
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    found: dict[str, list[Measured]] = {"LogLead": [], "lo2": []}
    with tempfile.TemporaryDirectory() as folder:
        load = [sys.executable, "-m", "lo2", "load", "--root", str(options.root), "--quiet"]
        for i in range(options.pairs + 1):
            pair = {
                "LogLead": [str(options.python), "-c", LOGLEAD, str(options.root)],
                "lo2": [*load, "--output-dir", f"{folder}/{i}", "--models-dir", folder],
            }
            for name, command in pair.items():
                warm(options.root)
                interval = 0.0 if i else 0.1  # the first pair is there for its memory
                one = measure(command, interval=interval, env={"PYTHONPATH": ""} if name == "LogLead" else None)
                if one.returncode:
                    raise SystemExit(f"{name} failed")
                found[name].append(one)
                print(f"{name}\t{one.seconds:.2f} s\t{one.cpu_seconds:.2f} CPU s\t{one.peak_mb:.0f} MB", flush=True)
    print(f"{size_mb(options.root):.1f} MB of logs, medians of {options.pairs}")
    for what, rows in (("seconds", slice(1, None)), ("cpu_seconds", slice(1, None)), ("peak_mb", slice(1))):
        theirs, ours = (statistics.median(getattr(one, what) for one in found[name][rows]) for name in found)
        print(f"{what}: LogLead {theirs:.2f}, lo2 {ours:.2f}, ratio {theirs / ours:.1f}")


if __name__ == "__main__":
    main()
