"""A table of faults of the surroundings, tried on every command: one sentence, a known exit code, no traceback."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lo2.artefacts import files
from lo2.cli import faults, main
from lo2.cli.main import COMMANDS, run
from lo2.errors import InputError
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

# A call of every command that would do its work; `{out}` and `{models}` are where, `{root}` what is read.
WHERE = ["--output-dir", "{out}", "--models-dir", "{models}"]
CALLS = {name: [name, *WHERE] for name in COMMANDS} | {
    "diff": ["diff", "{root}", "{root}", "--html", "{out}/page.html"],
    "demo": ["demo", *WHERE, "-q"],
    "run": ["run", "--root", "{root}", *WHERE, "-q"],
    "simulate": ["simulate", "{out}", "--runs", "2", "--errors-per-run", "1", "--service-types", "token"],
    "load": ["load", "--root", "{root}", *WHERE, "--jobs", "1", "-q"],
    "detect": ["detect", *WHERE, "-q"],
    "score": ["score", "--root", "{root}", *WHERE, "-q"],
    "restore": ["restore", "--all", *WHERE],
    "pack": ["pack", *WHERE, "--out", "{out}/a.zip", "--without-raw-root"],
    "unpack": ["unpack", "{root}/a.zip", "--into", "{out}"],
    "compare": ["compare", "one", "two", *WHERE],
}
FAULTS = {
    "a file where a folder should be": {"out": "plain/x", "models": "plain/y"},
    "a name too long": {"out": "a" * 300, "models": "b" * 300},
    "a path too long": {"out": "a/" * 2500 + "x"},
    "a place that cannot be written": {"out": "/proc/lo2", "models": "/proc/lo2-models"},
    "a device": {"root": "/dev/null", "out": "/dev/null"},
    "links in a circle": {"root": "circle", "out": "circle/x"},
    "a name that is not UTF-8": {"root": os.fsdecode(b"no\xff"), "out": os.fsdecode(b"out\xff")},
    "a root that is not there": {"root": "nowhere"},
    "a name with commands": {"root": "\x1b[2J\u202enowhere", "out": "\x1b]0;x\x07"},
    "a pattern": {"root": "[a-z]*?", "out": "o*[t]"},
    "an empty value": {"out": "", "root": ""},
}


def called(name: str, **places: str) -> list[str]:
    return [part.format(**{"out": "out", "models": "models", "root": "logs", **places}) for part in CALLS[name]]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").touch()
    (tmp_path / "circle").symlink_to("circle")
    return tmp_path


@pytest.mark.parametrize("what", FAULTS)
@pytest.mark.parametrize("name", sorted(CALLS.keys() & COMMANDS.keys() - {"demo"}))
def test_every_command_says_what_is_wrong(here, capsys, name, what):
    code = run(called(name, **FAULTS[what]))
    shown = capsys.readouterr()
    assert code in range(7)
    assert "Traceback" not in shown.err
    assert not {"\x1b", "\u202e", "\x07"} & set(shown.out + shown.err)
    if code:
        assert shown.err.startswith("lo2: ") or "\nlo2: " in shown.err


@pytest.mark.parametrize("name", sorted(CALLS.keys() & COMMANDS.keys() - {"simulate", "unpack", "compare", "demo"}))
@pytest.mark.parametrize("flag", ["--output-dir", "--models-dir"])
def test_an_empty_value_is_refused_and_not_the_working_directory(here, capsys, name, flag):
    for empty in ([flag, ""], [f"{flag}="]):
        assert run([*called(name), *empty]) == 2
        assert f"{flag} is given an empty value" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(CALLS.keys() & COMMANDS.keys() - {"demo"}))
def test_a_deleted_working_directory_is_said(tmp_path, monkeypatch, capsys, name):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert run(called(name)) in range(5)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(COMMANDS))
@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device", "out/x"), PermissionError(errno.EACCES, "Permission denied", "x"),
     OSError(errno.EROFS, "Read-only file system", "x"), MemoryError(), OSError("x (os error 28)"),
     NotImplementedError("That compression method is not supported"), InputError("x is no log\x1b[2J"),
     UnicodeEncodeError("utf-8", "a\udcff", 1, 2, "surrogates not allowed"), KeyboardInterrupt(), BrokenPipeError()],
    ids=lambda error: f"{type(error).__name__} {getattr(error, 'errno', '')}",
)  # fmt: skip
def test_whatever_a_command_meets_ends_in_a_sentence(monkeypatch, capsys, name, error):
    monkeypatch.setattr(main, "_parsed_call", _raising(error))
    code = run([name, *_least(name)])
    shown = capsys.readouterr().err
    assert code == 130 if isinstance(error, KeyboardInterrupt) else code in (0, 1, 4)
    assert "\x1b" not in shown
    assert isinstance(error, BrokenPipeError) or shown.lstrip().startswith("lo2: ")


def _raising(error, parsed=main._parsed_call):
    """In place of what arguments call, once they are parsed."""

    def command():
        raise error

    return lambda *given: parsed(*given) and command


def _least(name: str) -> list[str]:
    return {
        "compare": ["a", "b"],
        "diff": ["a", "b"],
        "unpack": ["a", "--into", "b"],
        "pack": ["--out", "a"],
        "simulate": ["x"],
    }.get(name, ["--root", "x"] if name in ("load", "run") else [])


def test_a_bug_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(main, "_parsed_call", _raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        run(["ledger"])


@pytest.fixture(scope="module")
def logs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    simulate(folder / "logs", SimulateOptions(runs=3, errors_per_run=1, scale=0.01, seed=3, service_types=("token",)))
    return folder / "logs"


def program(arguments, **options) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "lo2", *arguments], stderr=subprocess.PIPE, **options)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_narrow_terminal_gets_escapes_and_no_error(here, encoding):
    env = {**os.environ, "PYTHONIOENCODING": encoding, "LC_ALL": "C"}
    for arguments in (["load", "--root", "caf\u00e9\u2028"], ["detect", "--list-models"], ["ledger"]):
        done = program(arguments, stdout=subprocess.PIPE, env=env, cwd=here)
        assert b"Traceback" not in done.stderr
        assert b"\xe2\x80\xa8" not in done.stderr


def test_closed_and_full_outputs_are_no_bugs(here):
    reader, writer = os.pipe()
    os.close(reader)
    closed = program(["--help"], stdout=writer, cwd=here)
    os.close(writer)
    assert (closed.returncode, closed.stderr) == (0, b"")
    if Path("/dev/full").exists():
        with Path("/dev/full").open("wb") as full:
            done = program(["detect", "--list-models"], stdout=full, cwd=here)
        assert done.returncode == 1
        assert done.stderr.startswith(b"lo2: ")
        assert b"disk is full" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="limits are a matter of Unix")
@pytest.mark.parametrize("limit", [0, 1000, 4000])
def test_a_disk_that_fills_up_ends_with_exit_1_and_nothing_half(here, logs, limit):
    import resource

    def narrow() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = program(
        ["load", "--root", str(logs), "--jobs", "1", "-q"], stdout=subprocess.PIPE, cwd=here, preexec_fn=narrow
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith(b"lo2: ")
    assert b"Traceback" not in done.stderr
    left = [path for path in here.rglob("*") if path.name.startswith(files.TEMPORARY)]
    assert left == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_the_right_to_write_is_named(here, logs, capsys):
    (here / "out").mkdir(mode=0o555)
    assert run(["load", "--root", str(logs), "--output-dir", "out", "-q"]) == 1
    assert "right" in capsys.readouterr().err


def test_names_of_files_and_columns_reach_no_terminal(here, capsys):
    text = "a\x1b[31mb\u202ec\x9b"
    from lo2.cli.screen import note, print_json, print_table, say_result

    with main.guarded_streams():
        say_result(text)
        note(text)
        print_table(text, [text], [[text]])
        print_json({"a": text})
    shown = capsys.readouterr()
    assert not {"\x1b", "\u202e", "\x9b"} & set(shown.out + shown.err)
    assert "\\x1b[31m" in shown.out
    assert '"a\\u001b[31mb\\u202ec\\u009b"' in shown.out


def test_every_text_and_table_that_is_written_shows_what_hides(tmp_path):
    import json

    import polars as pl
    import yaml

    text = "a\x1b[31mb\u202ec\x9b\U000e0041"
    files.write_text(tmp_path / "a.txt", f"{text}\r\n\tb\n")
    files.write_csv(tmp_path / "a.csv", pl.DataFrame({text: [text, "=1", None], "n": [1, 2, 3]}))
    files.write_json(tmp_path / "a.json", {"k": text, "lone": "\ud800"})
    (tmp_path / "a.yml").write_text(files.yaml_text({"k": text}))
    for path in tmp_path.iterdir():
        assert not {"\x1b", "\u202e", "\x9b", "\r", "\U000e0041"} & set(path.read_bytes().decode())
    assert (tmp_path / "a.txt").read_text().endswith("\\x0d\n\tb\n")
    assert json.loads((tmp_path / "a.json").read_text())["k"] == text
    assert yaml.safe_load((tmp_path / "a.yml").read_text())["k"] == text
    assert pl.read_csv(tmp_path / "a.csv")["n"].to_list() == [1, 2, 3]


def test_advice_fits_what_happened():
    full = faults.fault(OSError(errno.ENOSPC, "No space left on device", "out/x"))
    assert full.exit_code == 1
    assert "disk is full" in full.text
    assert faults.fault(FileNotFoundError(errno.ENOENT, "No such file", "x")).exit_code == 4
    assert faults.fault(KeyError("x")) is None
    assert shutil.disk_usage("/").total
