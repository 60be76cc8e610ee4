"""Shared by all tests: commands run as a user runs them, and one small workspace that has seen every phase."""

import contextlib
import io
import os
import runpy
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
os.environ.pop("MPLBACKEND", None)
os.environ["SOURCE_DATE_EPOCH"] = "1762128000"  # 2025-11-03
# A shell has what it runs in the background ignore Ctrl-C, and so would every program that is started here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

Run = Callable[..., subprocess.CompletedProcess[str]]


def run_here(
    call: Callable[[], object], arguments: tuple[object, ...], cwd: Path, expect: int
) -> subprocess.CompletedProcess[str]:
    """Call a program's entry in this process, in ``cwd``, and hand back what it printed and its exit code."""
    argv, path, before = sys.argv, list(sys.path), Path.cwd()
    handler, hook = signal.getsignal(signal.SIGINT), sys.unraisablehook  # a program that ends leaves Ctrl-C ignored
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    sys.argv = [str(argument) for argument in arguments]
    os.chdir(cwd)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            call()
    except SystemExit as end:
        code = end.code or 0
    finally:
        os.chdir(before)
        sys.argv, sys.path[:] = argv, path
        sys.unraisablehook = hook
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)
    assert code == expect, f"exit {code}\n{out.getvalue()}\n{err.getvalue()}"
    return subprocess.CompletedProcess(sys.argv, expect, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def lo2() -> Run:
    """``lo2(command, ..., cwd=, expect=0)``: the program with these arguments."""
    from lo2.cli.main import main

    return lambda *arguments, cwd, expect=0: run_here(main, ("lo2", *arguments), cwd, expect)


@pytest.fixture(scope="session")
def script() -> Run:
    """``script("demo/lo2_e2e/LO2_samples.py", ..., cwd=, expect=0)``: a script of the repository."""

    def run(path: str, *arguments: object, cwd: Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
        file = REPOSITORY / path
        sys.path.insert(0, str(file.parent))
        return run_here(lambda: runpy.run_path(str(file), run_name="__main__"), (file, *arguments), cwd, expect)

    return run


@pytest.fixture(scope="session")
def python() -> Run:
    """``python("-c", code, cwd=, NAME=value)``: an interpreter of its own, with these environment variables."""

    def run(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def finished_workspace(tmp_path_factory, lo2: Run, script: Run) -> Path:
    """Folder in which the guide's three scripts ran on a small simulated tree; not to be written to."""
    folder = tmp_path_factory.mktemp("workspace")
    small = ("--scale", 0.02, "--service-types", "token,client", "--errors-per-run", 6)
    lo2("simulate", "logs", "--runs", 5, "--seed", 1, *small, cwd=folder)
    lo2("simulate", "fresh", "--runs", 3, "--seed", 2, *small, cwd=folder)
    script("demo/lo2_e2e/run_lo2_loader.py", "--root", "logs", "--save-events", "--save-base-sequences", cwd=folder)
    script("demo/lo2_e2e/LO2_samples.py", "--save-model", "models/lo2_if.joblib", "--models", "knn_words", cwd=folder)
    script("demo/lo2_e2e/lo2_phase_f_explainability.py", cwd=folder)
    return folder


@pytest.fixture
def workspace(finished_workspace: Path, tmp_path: Path) -> Path:
    """Copy of the finished workspace that a test may change."""
    return Path(shutil.copytree(finished_workspace, tmp_path / "workspace"))
