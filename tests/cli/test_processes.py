"""Real processes: what is left when the parent is killed, interrupted, or finds a lock."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lo2.artefacts.files import TEMPORARY
from lo2.artefacts.layout import Home
from lo2.artefacts.lock import lock
from lo2.cli.main import run
from lo2.errors import LockedError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

# Every worker notes its number and waits; `main` stands for a command, with its way of handling Ctrl-C.
SCRIPT = """
import os, sys, time
from contextlib import nullcontext
from pathlib import Path
from lo2.cli import main
from lo2.engine import EngineOptions, start_early_workers, run_in_parallel

def work(n):
    assert ("wave" in sys.modules) == bool(os.environ["EARLY"])
    Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["PIDS"], str(os.getpid())).touch()
    time.sleep(120)

def command(arguments):
    options = EngineOptions(jobs=2)
    with start_early_workers(options, 0, ["wave"]) if os.environ["EARLY"] else nullcontext():
        list(run_in_parallel(work, [1, 2, 3, 4], options))

main._parsed_call = lambda target, arguments: lambda: command(arguments)
main.main(["load"])
"""


@pytest.fixture(params=["", "early"])
def started(request, tmp_path):
    """A process that waits for two workers, and their numbers."""
    script, pids = tmp_path / "script.py", tmp_path / "pids"
    script.write_text(SCRIPT)
    pids.mkdir()
    parent = subprocess.Popen(
        [sys.executable, script],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PIDS": str(pids), "EARLY": request.param, "OPENBLAS_NUM_THREADS": "1"},
    )
    wait_until(lambda: len(list(pids.iterdir())) == 2, 60)
    workers = [int(path.name) for path in pids.iterdir()]
    yield parent, workers
    for number in [parent.pid, *workers]:
        if alive(number):
            os.kill(number, signal.SIGKILL)
    parent.communicate()


def wait_until(holds, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def alive(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_a_parent_that_is_killed(started, number):
    parent, workers = started
    os.kill(parent.pid, number)
    parent.wait()
    assert wait_until(lambda: not any(alive(pid) for pid in workers), 5)


@pytest.mark.parametrize("presses", [1, 3])
def test_ctrl_c_ends_with_130_one_sentence_and_no_worker(started, presses):
    parent, workers = started
    for _ in range(presses):
        os.killpg(parent.pid, signal.SIGINT)
        time.sleep(0.05)
    _, shown = parent.communicate(timeout=30)
    assert parent.returncode == 130
    assert shown.startswith("lo2: interrupted")
    assert "Traceback" not in shown
    assert wait_until(lambda: not any(alive(pid) for pid in workers), 5)


def test_workers_never_get_ctrl_c_and_what_a_sudden_end_leaves_is_not_complained_of(tmp_path):
    code = (
        "import os, signal\nfrom lo2.engine import EngineOptions, run_in_parallel\n"
        "def masked(n): return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])\n"
        "found = run_in_parallel(masked, [1, 2, 3, 4], EngineOptions(jobs=2))\n"
        "print(next(found), next(found), flush=True); os._exit(130)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("True True\n", "")


def test_ctrl_c_during_imports_ends_with_130_and_no_traceback(tmp_path):
    code = (
        "import sys; sys.argv = ['lo2']; import lo2.cli; print('ready', flush=True)\n"
        "from lo2.cli.main import main; main(['detect', '--list-models'])"
    )
    for pause in (0.0, 0.01, 0.05, 0.15, 0.3, 0.6):
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, **streams) as program:
            assert program.stdout.readline() == "ready\n"
            time.sleep(pause)
            program.send_signal(signal.SIGINT)
            _, shown = program.communicate(timeout=30)
        assert program.returncode in (0, 130), shown
        assert "Traceback" not in shown


def test_ctrl_c_that_falls_into_a_callback_is_not_lost(tmp_path):
    code = (
        "import os, signal, time, weakref\nfrom lo2.cli import main\nclass X: pass\n"
        "def command(arguments):\n"
        "    x = X(); r = weakref.ref(x, lambda _: (os.kill(os.getpid(), signal.SIGINT), time.sleep(0.1)))\n"
        "    del x\n    time.sleep(30)\n"
        "main._parsed_call = lambda target, arguments: lambda: command(arguments); main.main(['load'])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=25)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_after_all_is_done_changes_nothing(tmp_path):
    code = (
        "import atexit, os, signal; from lo2.cli.main import main\n"
        "atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT)); main(['--version'])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def hold(home: Home) -> subprocess.Popen:
    script = (
        "import sys\nfrom pathlib import Path\nfrom lo2.artefacts.layout import Home\nfrom lo2.artefacts.lock import lock\n"
        "with lock(Home(*map(Path, sys.argv[1:]))):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    places = [home.result, home.models, *([home.metrics_dir] if home.metrics_dir else [])]
    holder = subprocess.Popen([sys.executable, "-c", script, *places], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_pack_waits_for_nobody_who_writes(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    holder = hold(Home(tmp_path / "out", tmp_path / "models"))
    try:
        assert run(["pack", "--output-dir", "out", "--models-dir", "models", "--out", "a.zip"]) == 5
    finally:
        holder.communicate()
    assert "Another run" in capsys.readouterr().err


def test_pack_makes_no_folders_where_there_is_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["pack", "--out", "a.zip"]) == 4
    assert list(tmp_path.iterdir()) == []


def test_a_metrics_folder_of_two_results_has_one_writer(tmp_path):
    shared = tmp_path / "metrics"
    holder = hold(Home(tmp_path / "a", tmp_path / "models-a", shared))
    try:
        with pytest.raises(LockedError, match="metrics"), lock(Home(tmp_path / "b", tmp_path / "models-b", shared)):
            pass
    finally:
        holder.communicate()
    with lock(Home(tmp_path / "b", tmp_path / "models-b", shared)):
        pass


def test_what_a_killed_writer_left_is_swept_files_and_folders(tmp_path):
    home = Home(tmp_path / "out[1]", tmp_path / "models", tmp_path / "metrics")
    left = [home.result / "enhanced" / f"{TEMPORARY}a", home.models / f"{TEMPORARY}b", home.metrics / f"{TEMPORARY}c"]
    for path in left:
        path.mkdir(parents=True)
        (path / "half").touch()
    (home.models / "variant").mkdir()
    (home.models / "variant" / f"{TEMPORARY}d").touch()
    with lock(home):
        pass
    assert not any(path.exists() for path in left)
    assert (home.models / "variant" / f"{TEMPORARY}d").exists()
