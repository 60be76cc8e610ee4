"""How large the house is and how far a value walks through it: ``python benchmarks/house.py``, a table in Markdown.

Counts of ``src/lo2``, and what a small ``lo2 run`` passes: the frames of this package above the first score, and the
functions that are handed the folders of a data state (``Home``), as Python calls them.
"""

import ast
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

SOURCE = Path(__file__).parent.parent / "src" / "lo2"


def counts() -> dict[str, int]:
    """Lines, lines of code (neither empty, nor comment, nor docstring), modules, functions, their median length."""
    lines = code = 0
    lengths, modules = [], sorted(SOURCE.rglob("*.py"))
    for path in modules:
        text = path.read_text(encoding="utf-8")
        told = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lengths.append((node.end_lineno or node.lineno) - node.lineno + 1)
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                told |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        for number, line in enumerate(text.splitlines(), 1):
            lines += 1
            code += bool(line.strip()) and not line.lstrip().startswith("#") and number not in told
    return {
        "lines": lines, "lines of code": code, "modules": len(modules), "functions": len(lengths),
        "lines of a function, median": int(statistics.median(lengths)),
    }  # fmt: skip


def walked(commands: list[list[str]]) -> dict[str, int]:
    """Functions of this package that are handed a ``Home`` while ``commands`` run one after the other."""
    from lo2.artefacts.layout import Home
    from lo2.cli.main import run
    from lo2.models.base import Fitted

    handed: set[tuple[str, str]] = set()
    depth: list[int] = []
    score = Fitted.score.__code__

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(str(SOURCE)):
            return
        if frame.f_code is score and not depth:
            depth.append(_frames(frame))
        names = frame.f_code.co_varnames[: frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount]
        if any(isinstance(frame.f_locals.get(name), Home) for name in names):
            handed.add((frame.f_code.co_filename, frame.f_code.co_qualname))

    found = {}
    for command in commands:
        handed.clear()
        depth.clear()
        _watched(look, lambda command=command: run(command))  # type: ignore[misc]
        name = command[0]
        found[f"functions handed a Home: {name}"] = len(handed)
        found["places among them: " + name] = len({file for file, _ in handed})
        if depth:
            found[f"frames before the first score: {name}"] = depth[0]
    return found


def _watched(look: Callable[[FrameType, str, Any], None], call: Callable[[], int]) -> None:
    sys.setprofile(look)
    try:
        code = call()
    finally:
        sys.setprofile(None)
    if code:
        sys.exit(f"a command ended with {code}")


def _frames(frame: FrameType | None) -> int:
    """Frames of this package above and with ``frame``."""
    number = 0
    while frame is not None:
        number += frame.f_code.co_filename.startswith(str(SOURCE))
        frame = frame.f_back
    return number


def main() -> None:
    """Print the table."""
    from lo2.simulate.options import SimulateOptions
    from lo2.simulate.tree import simulate

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        options = SimulateOptions(runs=5, errors_per_run=2, service_types=("token",), scale=0.02, seed=3)
        simulate(Path("logs"), options)
        quiet = ["--if-n-estimators", "10"]
        facts = counts() | walked(
            [
                ["load", "logs", "--jobs", "1", "-q"],
                ["detect", *quiet, "--save-model", "-q"],
                ["explain", "-q"],
                ["run", "logs", "--jobs", "1", *quiet, "-q", "--variant", "again"],
            ]
        )
        os.chdir("/")
    print("| | today |\n|---|---|")
    for name, value in facts.items():
        print(f"| {name} | {value:,} |")


if __name__ == "__main__":
    main()
