"""Wall time and memory of a command with all its processes: proportional set size (PSS), so shared pages count once."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_CACHE = str(Path(tempfile.gettempdir()) / f"lo2-benchmarks-{os.getuid()}")


@dataclass(frozen=True)
class Measured:
    """One run of a command."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    returncode: int
    samples: tuple[tuple[float, float], ...] = ()


def measure(command: list[str], *, interval: float = 0.05, env: dict[str, str] | None = None) -> Measured:
    """Run ``command`` to its end, sampling the PSS of its process tree (started in a session of its own).

    Sampling slows down what is sampled, by a fifth and more: take times with ``interval=0``, which does without.
    """
    # Installed programs are compiled once; PYTHONDONTWRITEBYTECODE would have every process do it anew.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begin, before = time.perf_counter(), os.times()
    process = subprocess.Popen(
        command,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={"PYTHONPYCACHEPREFIX": _CACHE, **kept, **(env or {})},
    )
    samples = []
    while interval and process.poll() is None:
        samples.append((time.perf_counter() - begin, pss_mb(process.pid)))
        time.sleep(interval)
    errors = process.communicate()[1].decode()
    seconds, after = time.perf_counter() - begin, os.times()
    if process.returncode:
        print(errors[-2000:], file=sys.stderr)
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return Measured(seconds, spent, max((mb for _, mb in samples), default=0.0), process.returncode, tuple(samples))


def pss_mb(session: int) -> float:
    """Proportional set size of all processes of a session and of what they started."""
    return sum(_pss_kb(pid) for pid in _tree(session)) / 1e3


def _tree(root: int) -> list[int]:
    """Processes of the session or below its first process; workers of some pools open sessions of their own."""
    parents, found = {}, set()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
            if int(fields[3]) == root:
                found.add(int(entry.name))
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found and pid not in found}
        found |= more
        grown = bool(more)
    return sorted(found | ({root} & set(parents)))


def _pss_kb(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:  # gone meanwhile
        pass
    return 0


if __name__ == "__main__":
    result = measure(sys.argv[1:])
    print(
        f"{result.seconds:.2f} s, {result.cpu_seconds:.2f} CPU s, peak {result.peak_mb:.0f} MB, exit {result.returncode}"
    )
    sys.exit(result.returncode)
