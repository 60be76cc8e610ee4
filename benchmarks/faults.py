"""Kills, Ctrl-C, full disks, closed outputs and missing rights, on every command: a table of what was left.

    python benchmarks/faults.py --times 4 --work /var/tmp/faults
    python benchmarks/faults.py --commands load,pack --markdown

Every command starts from the same finished result, with what it makes itself taken away, so that it does its whole work.
A fault is survived where no file under a final name is half a file, no process of the command lives a second later, the
exit code is the fault's (130 after Ctrl-C, 1 for disks and rights) with one sentence and no traceback, and the same
command then ends well.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crash import fault, files

from lo2.artefacts.files import TEMPORARY
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

WHERE = ["--output-dir", "result", "--models-dir", "models"]
COMMANDS: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "load": (["load", "../logs", *WHERE, "--jobs", "2"], ("result", "models")),
    "detect": (["detect", *WHERE, "--save-model", "--jobs", "2"], ("result/metrics", "models")),
    "explain": (["explain", *WHERE, "--jobs", "2"], ("result/explainability",)),
    "report": (["report", *WHERE], ("result/report.html", "result/report.json")),
    "score": (["score", "../other", *WHERE, "--jobs", "2"], ("result/scored",)),
    "run": (["run", "../logs", *WHERE, "--jobs", "2"], ("result", "models")),
    "pack": (["pack", *WHERE, "--out", "a.zip", "--root", "../logs", "--overwrite"], ("a.zip",)),
    "unpack": (["unpack", "../a.zip", "--into", "unpacked"], ("unpacked",)),
    "restore": (["restore", "--all", *WHERE], ("result/report.html", "result/explainability")),
    "diff": (["diff", "../logs/GOOD", "../logs/BAD", "--html", "d.html"], ("d.html",)),
}
"""Command line in a folder next to `logs`, and what it makes."""
FAULTS = (
    "kill",
    "Ctrl-C",
    "Ctrl-C three times",
    "disk of 0",
    "disk of 4,000",
    "full output",
    "closed output",
    "rights",
)


@dataclass
class Outcome:
    """What became of the tries of one command under one fault."""

    tries: int = 0
    ended: int = 0
    slowest: float = 0.0
    codes: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Bench:
    """Folders: finished results to begin with, and the place where a try happens."""

    folder: Path

    def place(self, name: str) -> Path:
        """A finished place without what the command makes."""
        found = self.folder / "try"
        shutil.rmtree(found, ignore_errors=True)
        shutil.copytree(self.folder / "finished", found)
        for made in COMMANDS[name][1]:
            path = found / made
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
        return found

    def start(self, name: str, place: Path, before: Sequence[str] = (), **given: object) -> subprocess.Popen[bytes]:
        """The command, in a session of its own."""
        command = [*before, sys.executable, "-m", "lo2", *COMMANDS[name][0]]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "start_new_session": True} | given
        return subprocess.Popen(command, cwd=place, **pipes)  # type: ignore[call-overload, no-any-return]


def alive(session: int) -> list[int]:
    """Processes of a session that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(its) == session and state not in "ZX":
            found.append(int(path.parent.name))
    return found


def gone_after(session: int) -> float:
    """Seconds until no process of the session runs, at most two."""
    started = time.monotonic()
    while alive(session) and time.monotonic() - started < 2:
        time.sleep(0.01)
    return time.monotonic() - started


def half(place: Path) -> list[str]:
    """Files under final names that are not whole; temporary ones count only where ``place`` was left by an exit."""
    return [f"{name}: {why}" for name, path in files(place).items() if (why := fault(path))]


def said(text: bytes, out: Outcome) -> None:
    """Traces of a bug in what a command wrote."""
    if b"Traceback" in text:
        out.wrong.append("traceback: " + text.decode("utf-8", "replace")[-200:])


def again(bench: Bench, name: str, place: Path, out: Outcome) -> None:
    """The same command must end well on what was left."""
    done = bench.start(name, place)
    text = done.communicate()[1]
    if done.returncode != (3 if name == "diff" and done.returncode == 3 else 0):
        out.wrong.append(f"then {done.returncode}: {text.decode('utf-8', 'replace')[-200:]}")


def interrupted(bench: Bench, name: str, seconds: float, presses: int, out: Outcome) -> None:
    """``presses`` times Ctrl-C (0: a kill) at a random moment."""
    place = bench.place(name)
    run = bench.start(name, place)
    moment = random.uniform(0.1, 1.0) * seconds
    try:
        text = run.communicate(timeout=moment)[1]
        out.ended += 1
    except subprocess.TimeoutExpired:
        for press in range(presses):
            time.sleep(0.05 * bool(press))
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGINT)
        if not presses:
            run.kill()
        text = run.communicate()[1]
        out.codes.add(run.returncode)
        if presses and run.returncode not in (0, 130):
            out.wrong.append(f"exit {run.returncode} after Ctrl-C: {text.decode('utf-8', 'replace')[-200:]}")
    left = gone_after(run.pid)
    out.slowest = max(out.slowest, left)
    if left > 1:
        out.wrong.append(f"a worker lived {left:.1f} s")
    said(text, out)
    out.wrong += half(place)
    again(bench, name, place, out)


def limited(bench: Bench, name: str, limit: int, out: Outcome) -> None:
    """A disk that takes so many bytes a file."""
    place = bench.place(name)

    def narrow() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    run = bench.start(name, place, preexec_fn=narrow)
    ended(run, place, out, {1}, temporary=True)
    again(bench, name, place, out)


def ended(run: subprocess.Popen[bytes], place: Path, out: Outcome, codes: set[int], *, temporary: bool = False) -> None:
    """One of these codes, a sentence where it is not 0, nothing half."""
    text = run.communicate()[1]
    out.codes.add(run.returncode)
    if run.returncode not in codes:
        out.wrong.append(f"exit {run.returncode}: {text.decode('utf-8', 'replace')[-200:]}")
    if run.returncode == 1 and b"lo2: " not in text:
        out.wrong.append("no sentence")
    said(text, out)
    out.wrong += half(place)
    if temporary:
        out.wrong += [f"left {path.name}" for path in place.rglob(f"{TEMPORARY}*")]


def unheard(bench: Bench, name: str, out: Outcome, *, full: bool) -> None:
    """Standard output that is full, or that nobody reads."""
    place = bench.place(name)
    if full:
        with Path("/dev/full").open("wb") as stream:
            ended(bench.start(name, place, stdout=stream), place, out, {0, 1, 3})
        return
    reader, writer = os.pipe()
    os.close(reader)
    run = bench.start(name, place, stdout=writer)
    os.close(writer)
    ended(run, place, out, {0, 1, 3})


def without_rights(bench: Bench, name: str, out: Outcome) -> None:
    """A place where nothing may be written, and a folder of logs that may not be read."""
    place, closed = bench.place(name), bench.folder / "logs" / "closed"
    closed.mkdir()
    folders = [place, *(path for path in place.rglob("*") if path.is_dir())]
    for path, mode in [(closed, 0), *((path, 0o555) for path in folders)]:
        path.chmod(mode)
    rights = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    try:
        run = bench.start(name, place, rights)
        ended(run, place, out, {1, 4})
    finally:
        closed.rmdir()
        for path in folders:
            path.chmod(0o755)


TRIES: dict[str, Callable[[Bench, str, float, Outcome], None]] = {
    "kill": lambda bench, name, seconds, out: interrupted(bench, name, seconds, 0, out),
    "Ctrl-C": lambda bench, name, seconds, out: interrupted(bench, name, seconds, 1, out),
    "Ctrl-C three times": lambda bench, name, seconds, out: interrupted(bench, name, seconds, 3, out),
    "disk of 0": lambda bench, name, _, out: limited(bench, name, 0, out),
    "disk of 4,000": lambda bench, name, _, out: limited(bench, name, 4_000, out),
    "full output": lambda bench, name, _, out: unheard(bench, name, out, full=True),
    "closed output": lambda bench, name, _, out: unheard(bench, name, out, full=False),
    "rights": lambda bench, name, _, out: without_rights(bench, name, out),
}


def prepare(bench: Bench) -> None:
    """Logs, others to score, a finished result, an archive."""
    options = {"service_types": ("token", "code"), "scale": 0.01}
    simulate(bench.folder / "logs", SimulateOptions(runs=6, errors_per_run=2, seed=1, **options))  # type: ignore[arg-type]
    simulate(bench.folder / "other", SimulateOptions(runs=2, errors_per_run=1, seed=2, **options))  # type: ignore[arg-type]
    good, bad, *_ = sorted(path.name for path in (bench.folder / "logs").iterdir() if path.is_dir())
    COMMANDS["diff"][0][1:3] = [f"../logs/{good}", f"../logs/{bad}"]
    finished = bench.folder / "finished"
    finished.mkdir()
    for name in ("run", "pack"):
        done = bench.start(name, finished)
        if done.wait():
            raise SystemExit(f"{name} failed: {done.stderr.read().decode() if done.stderr else ''}")
    shutil.copy(finished / "a.zip", bench.folder / "a.zip")


def main() -> None:
    """Try all, print a line each and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=4, help="tries of each fault that comes at a random moment")
    parser.add_argument("--commands", default=",".join(COMMANDS))
    parser.add_argument("--faults", default=",".join(FAULTS).replace("4,000", "4 000"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path)
    given = parser.parse_args()
    os.environ["SOURCE_DATE_EPOCH"] = "1762128000"
    random.seed(given.seed)
    chosen = [one.replace("4 000", "4,000") for one in given.faults.split(",")]
    if given.work:
        given.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(Path(tempfile.mkdtemp(prefix="lo2-faults-", dir=given.work)))
    bench.folder.chmod(0o755)
    found: dict[str, dict[str, Outcome]] = {}
    try:
        prepare(bench)
        for name in given.commands.split(","):
            started = time.monotonic()
            again(bench, name, bench.place(name), normal := Outcome())
            seconds = time.monotonic() - started
            if normal.wrong:
                raise SystemExit(f"{name}: {normal.wrong}")
            for what in chosen:
                out = found.setdefault(name, {})[what] = Outcome()
                for _ in range(given.times if what in FAULTS[:3] else 1):
                    out.tries += 1
                    TRIES[what](bench, name, seconds, out)
                facts = {"command": name, "fault": what, "tries": out.tries, "too_late": out.ended}
                facts |= {"codes": sorted(out.codes), "slowest_end": round(out.slowest, 2), "wrong": out.wrong}
                print(json.dumps(facts), flush=True)
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
    print(table(found, chosen))
    raise SystemExit(any(out.wrong for row in found.values() for out in row.values()))


def table(found: dict[str, dict[str, Outcome]], chosen: list[str]) -> str:
    """Tries, exit codes and what went wrong, one row a command."""
    lines = [f"| command | {' | '.join(chosen)} |", "|---" * (len(chosen) + 1) + "|"]
    for name, row in found.items():
        cells = []
        for what in chosen:
            out = row[what]
            codes = ", ".join(map(str, sorted(out.codes))) or "-"
            cells.append(f"{out.tries - len(out.wrong)} of {out.tries} (exit {codes})")
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    slowest = max(out.slowest for row in found.values() for out in row.values())
    return "\n".join([*lines, "", f"slowest end of a worker: {slowest:.2f} s"])


if __name__ == "__main__":
    main()
