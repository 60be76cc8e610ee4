"""Workers forked early: only from a process of one thread, used once, replaced by fresh ones when one is killed."""

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from lo2.artefacts.layout import Home
from lo2.engine import EngineOptions
from lo2.pipeline.load import load_run
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forked on Linux alone")

BEGIN = """
import multiprocessing, os, signal, sys
from lo2.engine import EngineOptions, start_early_workers, run_in_parallel
from lo2.forks import may_fork_safely, keep_numpy_threads_out

OPTIONS = EngineOptions(jobs=2)
"""


def printed(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_a_process_is_alone_until_a_library_starts_threads():
    assert printed(
        "keep_numpy_threads_out(); import numpy; print(may_fork_safely()); import polars; print(may_fork_safely())"
    ) == ["True", "False"]


def test_early_workers_hold_what_they_were_asked_to_import_and_the_parent_does_not():
    code = """
def holds(n):
    return n, "wave" in sys.modules, os.environ["OMP_NUM_THREADS"], os.getppid() == int(os.environ["PARENT"])

os.environ["PARENT"] = str(os.getpid())
with start_early_workers(OPTIONS, 0, ["wave"]):
    print(sorted(run_in_parallel(holds, range(5), OPTIONS)) == [(n, True, "1", True) for n in range(5)])
print("wave" in sys.modules, multiprocessing.active_children())
"""
    assert printed(code) == ["True", "False", "[]"]


def test_early_workers_that_nobody_took_end():
    code = """
with start_early_workers(OPTIONS, 0, []):
    print(len(multiprocessing.active_children()))
print(len(multiprocessing.active_children()))
"""
    assert printed(code) == ["2", "0"]


@pytest.mark.parametrize("options", ["EngineOptions()", "EngineOptions(jobs=1)", 'EngineOptions(backend="sequential")'])
def test_little_work_or_one_job_starts_no_worker(options):
    code = f"with start_early_workers({options}, 1_000, []): print(len(multiprocessing.active_children()))"
    assert printed(code) == ["0"]


@pytest.mark.parametrize(
    ("body", "expected"), [("return os.getpid()", "here"), ("raise InputError", "error"), ("os._exit(9)", "anew")]
)
def test_what_is_made_apart_comes_from_another_process_or_is_made_anew(tmp_path, body, expected):
    code = f"""
from lo2.engine import early_worker_result
from lo2.errors import InputError

def work():
    if os.getpid() == ME and {body.startswith("os")}:
        return "anew"
    {body}

ME = os.getpid()
found = early_worker_result(OPTIONS, 0, work)
try:
    result = found()
    print(result if result == "anew" else "here" if result != ME else "in the same process")
except InputError:
    print("error")
print(multiprocessing.active_children())
"""
    assert printed(code) == [expected, "[]"]


def test_a_killed_early_worker_costs_its_shard_a_retry(tmp_path):
    code = f"""
from pathlib import Path
MARK = Path({str(tmp_path / "died")!r})

def work(n):
    if n == 2 and not MARK.exists():
        MARK.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return n

with start_early_workers(OPTIONS, 0, []):
    print(*sorted(run_in_parallel(work, range(4), OPTIONS)), MARK.exists())
"""
    assert printed(code) == ["0", "1", "2", "3", "True"]


@pytest.mark.parametrize("kind", ["folder", "zip", "gztar", "xztar"])
def test_early_workers_give_the_bytes_of_one_process(tmp_path, kind):
    root = tmp_path / "logs"
    simulate(root, SimulateOptions(runs=6, errors_per_run=4, scale=0.02, seed=3, service_types=("token", "code")))
    if kind != "folder":
        root = Path(shutil.make_archive(str(root), kind, root))
    one = Home(tmp_path / "one", tmp_path / "models")
    load_run(root, one, engine=EngineOptions(backend="sequential"))
    two = Home(tmp_path / "two", tmp_path / "models")
    places = ["--root", root, "--output-dir", two.result, "--models-dir", two.models, "--jobs", "2", "--quiet"]
    subprocess.run([sys.executable, "-m", "lo2", "load", *map(str, places)], check=True, capture_output=True)
    one_hash, two_hash = (sha256(Path(home.path("sequences")).read_bytes()).hexdigest() for home in (one, two))
    assert one_hash == two_hash
