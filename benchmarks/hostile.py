"""Worst cases end in a result or a clear error, in bounded memory: ``python benchmarks/hostile.py [NAME ...]``.

Every case is loaded by ``lo2 load`` in a process of its own; prints exit code, time, MB/s and PSS of all processes.
"""

import os
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import measure

HEAD = b"16:29:40.148 [XNIO-1 task-1]  keNUio1dQP-rs6SyE15iUw "


def log(root: Path, run: int = 0, case: str = "correct", name: str = "token.log") -> Path:
    path = root / f"light-oauth2-data-{1_700_000_000 + run}" / case / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def unique_bodies(root: Path) -> None:
    """315 MB in 4 runs of 30 logs whose every line is masked to a line of its own."""
    rng = random.Random(1)
    letters = "ghijklmnopqrstuvwxyz"
    for i in range(120):
        with log(root, i % 4, f"case{i // 4}" if i // 4 else "correct").open("wb") as handle:
            for _ in range(25_000):
                word = "".join(rng.choices(letters, k=12))
                handle.write(HEAD + f"DEBUG c.n.Some{word[:4]} run - {word} of {word[6:]} and\n".encode())


def unique_ids(root: Path) -> None:
    """300 MB whose lines differ in ids that the masks know."""
    rng = random.Random(1)
    for run in range(3):
        with log(root, run).open("wb") as handle:
            for _ in range(1_000_000):
                handle.write(HEAD + f"DEBUG c.n.UserMapStore load - Load:{rng.getrandbits(32):08x}\n".encode())


def one_line(root: Path) -> None:
    """A single line of 1 GB."""
    with log(root).open("wb") as handle:
        for _ in range(1_000):
            handle.write(b"x" * 1_000_000)


def nuls(root: Path) -> None:
    """200 MB of NUL bytes, some line feeds."""
    with log(root).open("wb") as handle:
        for _ in range(2_000):
            handle.write(b"\x00" * 99_999 + b"\n")


def random_bytes(root: Path) -> None:
    """200 MB of random bytes."""
    with log(root).open("wb") as handle:
        for _ in range(200):
            handle.write(os.urandom(1_000_000))


def empty_lines(root: Path) -> None:
    """100 MB of line feeds."""
    log(root).write_bytes(b"\n" * 100_000_000)


def deep_folders(root: Path) -> None:
    """A log below 300 folders, next to an honest one."""
    log(root).write_bytes(HEAD + b"DEBUG a b - c\n")
    folder = root
    for _ in range(300):
        folder = folder / "deeper"
    folder.mkdir(parents=True)
    (folder / "token.log").write_bytes(HEAD + b"DEBUG a b - c\n")


def tiny_files(root: Path) -> None:
    """100,000 files of a few lines in 20 runs."""
    text = (HEAD + b"DEBUG a.b c - d\n") * 5
    for i in range(100_000):
        log(root, i % 20, "correct" if i < 20 else f"case{i}").write_bytes(text)


def special_files(root: Path) -> None:
    """A FIFO, a link to itself, a link to the root."""
    path = log(root)
    path.write_bytes(HEAD + b"DEBUG a b - c\n")
    os.mkfifo(path.with_name("user.log"))
    path.with_name("code.log").symlink_to("code.log")
    path.with_name("loop").symlink_to(root)


CASES: dict[str, Callable[[Path], None]] = {
    one.__name__: one
    for one in (
        unique_bodies,
        unique_ids,
        one_line,
        nuls,
        random_bytes,
        empty_lines,
        deep_folders,
        tiny_files,
        special_files,
    )
}


def main(names: list[str]) -> int:
    failed = 0
    for name in names or list(CASES):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "logs"
            root.mkdir()
            CASES[name](root)
            size = sum(p.stat().st_size for p in root.rglob("*.log") if p.is_file() and not p.is_symlink()) / 1e6
            command = [
                sys.executable,
                "-m",
                "lo2",
                "load",
                "--root",
                str(root),
                "--output-dir",
                f"{folder}/result",
                "--models-dir",
                folder,
            ]
            found = measure([*command, "--jobs", "2", "--quiet"], interval=0.2)
            print(f"{name}\texit {found.returncode}\t{size:.0f} MB\t{found.seconds:.1f} s\t{size / found.seconds:.0f} MB/s"
                f"\t{found.cpu_seconds:.1f} CPU s\tpeak {found.peak_mb:.0f} MB", flush=True)  # fmt: skip
            failed += found.returncode not in (0, 1, 4)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
