"""A full-scale v1 run as the reference to the published figures, and readers of trees."""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

HEADER = re.compile(
    r"^(\d\d:\d\d:\d\d\.\d{3}) \[([^\]]+)\] {2}(?:([A-Za-z0-9_-]{22}) | )(DEBUG|INFO|WARN|ERROR) {1,2}"
    r"(\S+) (\S+) - (.*)$"
)
PUBLISHED = Path(__file__).parent / "published"


@dataclass(frozen=True)
class Line:
    """One line with a header, and its number in the file."""

    number: int
    time: str
    thread: str
    cid: str | None
    level: str
    logger: str
    method: str
    message: str


def read_lines(path: Path) -> list[Line]:
    rows = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [Line(n, *match.groups()) for n, row in enumerate(rows, 1) if (match := HEADER.match(row))]


def logs(test: Path) -> dict[str, Path]:
    """Files of the services of a test."""
    found = {
        path.stem.removeprefix("light-oauth2-oauth2-").removesuffix("-1"): path for path in test.glob("*-oauth2-*.log")
    }
    return dict(sorted(found.items()))


def the_run(root: Path) -> Path:
    (run,) = [path for path in root.iterdir() if path.is_dir()]
    return run


def tree_bytes(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def read_table(name: str) -> list[dict[str, str]]:
    with (PUBLISHED / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def truth(root: Path) -> list[dict[str, str]]:
    with (root / "truth.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def levels(test: Path) -> Counter[str]:
    return Counter(line.level for path in logs(test).values() for line in read_lines(path))


@pytest.fixture(scope="session")
def v1_root(tmp_path_factory) -> Path:
    """Tree of one v1 run at full scale, all cases, all services."""
    root = tmp_path_factory.mktemp("v1")
    simulate(root, SimulateOptions(runs=1, seed=7))
    return root


@pytest.fixture(scope="session")
def v1_run(v1_root) -> Path:
    return the_run(v1_root)


@pytest.fixture(scope="session")
def token_correct(v1_run) -> list[Line]:
    return read_lines(logs(v1_run / "correct")["token"])


@pytest.fixture(scope="session")
def token_logs(tmp_path_factory) -> list[Line]:
    """Token logs of `correct` of four more runs, pooled, since luck decides which half of a line pair is left."""
    root = tmp_path_factory.mktemp("token")
    simulate(root, SimulateOptions(runs=4, errors_per_run=0, service_types=("token",), seed=8))
    return [line for path in sorted(root.rglob("*-oauth2-token-1.log")) for line in read_lines(path)]
