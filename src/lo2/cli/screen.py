"""The screen: results on stdout, notes and bars of progress on stderr; JSON, inventory, quality, understood logs."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lo2.cli.hints import hints_with_flags
from lo2.cli.streams import drawing_stream
from lo2.options import option
from lo2.pipeline.understood import understood_doubts, understood_sentence
from lo2.visible import visible, visible_json
from lo2.wording import counted_noun

if TYPE_CHECKING:
    from rich.console import Console

    from lo2.loading.inventory import Inventory
    from lo2.pipeline.estimate import Estimate
    from lo2.pipeline.load import OnPart
    from lo2.pipeline.parts import PartDone

_SHOWN = 12


@dataclass(frozen=True)
class Verbosity:
    """How much is said on stderr."""

    verbose: bool = option(False, "Also say how long each phase took and what it wrote", flag="--verbose -v", more=True)
    quiet: bool = option(False, "Say only what went wrong", flag="--quiet -q")


@dataclass(frozen=True)
class JsonOptions:
    """How a result is printed."""

    json: bool = option(False, "Print the result as JSON")


def console_out() -> Console:
    """Console for results; wide where nobody watches, so that tables are not cut in files."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 140
    return Console(file=drawing_stream(sys.stdout), width=width, highlight=False, soft_wrap=False)


def console_err() -> Console:
    """Console for progress and notes."""
    from rich.console import Console

    return Console(file=drawing_stream(sys.stderr), highlight=False, width=None if sys.stderr.isatty() else 140)


def say_result(text: str) -> None:
    """Print one result line as it is, whatever brackets it holds."""
    print(text)


def note(text: str, verbosity: Verbosity | None = None) -> None:
    """Print one note to stderr unless quiet."""
    if verbosity is None or not verbosity.quiet:
        print(hints_with_flags(text), file=sys.stderr)


def show_phase_logs(verbosity: Verbosity) -> None:
    """Print what the phases log, such as how long each took, for those who asked for more."""
    told = logging.getLogger("lo2")
    told.handlers = [logging.StreamHandler(sys.stderr)] if verbosity.verbose else []
    told.setLevel(logging.INFO if verbosity.verbose else logging.NOTSET)


def print_json(value: Any) -> None:
    """Print a value for a machine: JSON that no terminal and no build server acts on."""
    # What the terminal cannot show is escaped by the rules of JSON, not of the terminal.
    narrow = "utf" not in str(getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    print(visible_json(json.dumps(value, indent=2, ensure_ascii=narrow, allow_nan=False, default=str)))


@contextmanager
def load_progress_bar(verbosity: Verbosity) -> Iterator[OnPart]:
    """Callback per finished run: a bar on a terminal, a plain line every few seconds otherwise."""
    meter = _Meter(time.monotonic())
    if verbosity.quiet:
        yield lambda part, inventory: None
        return
    if not sys.stderr.isatty():
        yield lambda part, inventory: meter.line(part, inventory)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=console_err(), transient=True) as bar:
        task = bar.add_task("load", total=None, rate="")

        def show_progress(part: PartDone, inventory: Inventory) -> None:
            meter.add(part)
            bar.update(
                task,
                completed=meter.read_bytes,
                total=inventory.size_bytes,
                rate=meter.rate(),
                description=f"{meter.done}/{len(inventory.shards)} runs",
            )

        yield show_progress


class _Meter:
    def __init__(self, started: float) -> None:
        self.started = self.said = started
        self.runs = 0.0
        self.lines = self.size_bytes = self.read_bytes = self.fresh_bytes = 0

    @property
    def done(self) -> int:
        return int(self.runs + 1e-6)

    def add(self, part: PartDone) -> None:
        self.runs += 1 / part.pieces
        self.read_bytes += part.read_bytes
        if not part.reused:
            self.fresh_bytes += part.read_bytes
            self.lines += part.lines
            self.size_bytes += part.size_bytes

    def rate(self) -> str:
        seconds = max(time.monotonic() - self.started, 1e-9)
        return f"{self.size_bytes / seconds / 1e6:.0f} MB/s, {self.lines / seconds:,.0f} lines/s"

    def line(self, part: PartDone, inventory: Inventory) -> None:
        self.add(part)
        now = time.monotonic()
        if now - self.said > 5 or self.done == len(inventory.shards):
            self.said = now
            left = (now - self.started) / max(self.fresh_bytes, 1) * (inventory.size_bytes - self.read_bytes)
            print(f"{self.done}/{len(inventory.shards)} runs, {self.rate()}, {left:.0f} s left", file=sys.stderr)


def print_load_inventory(inventory: Inventory, expected: Estimate, plan: str, free_bytes: int) -> None:
    """What a load would read, how long it may take and how much disk."""
    files = sum(len(s.files) for s in inventory.shards)
    say_result(f"{inventory.root}: {len(inventory.shards)} runs, {files} logs, {inventory.size_bytes / 1e6:,.1f} MB")
    measured = f"measured on {expected.sample_bytes / 1e6:.1f} MB: {expected.mb_per_second:.0f} MB/s a worker"
    say_result(f"expected: about {expected.seconds:,.0f} s with {plan} ({measured})")
    disk, free = expected.disk_bytes / 1e6, free_bytes / 1e6
    say_result(f"disk: about {disk:,.1f} MB, {free:,.0f} MB are free{'' if disk < free else '. THAT IS TOO LITTLE'}")
    for reason, count in inventory.left_out.items():
        say_result(f"left out: {count} ({reason}, such as {inventory.left_out_examples[reason]!r})")
    for path, why in inventory.bad:
        say_result(f"unreadable: {path!r} ({why})")
    for text in inventory.notes:
        say_result(text)
    for one in expected.notes:
        say_result(one)


def print_load_quality(report: dict[str, Any], reused: int, verbosity: Verbosity) -> None:
    """Closing summary of a load on stderr: read, understood, skipped, replaced."""
    size = f"{report['lines']:,} lines, {report['bytes'] / 1e6:,.1f} MB"
    again = f"; {reused} runs were already done" if reused else ""
    note(f"read {report['runs']} runs, {report['sequences']} logs, {size}{again}", verbosity)
    for text in report["notes"]:
        note(text, verbosity)
    for reason, count in report["left_out"].items():
        note(f"left out: {count} ({reason}, such as {report['left_out_examples'][reason]!r})", verbosity)
    for name, why in report["bad_files"]:
        note(f"unreadable: {name} ({why})")
    for key, what in (("replaced_bytes", "bytes replaced"), ("truncated_bytes", "bytes of overlong lines cut off")):
        if report[key]:
            note(f"{sum(report[key].values()):,} {what} in {counted_noun(len(report[key]), 'file')}", verbosity)
    print_understood(report["understood"], verbosity)
    if report["profile"] == "lo2" and report["unknown_headers"]["files"]:
        first = report["unknown_headers"]["first"]
        unknown = report["unknown_headers"]["files"]
        note(f"{unknown} logs have an unknown header, first {first['file']}: {first['line']!r}")
    if report["undated_runs"]:
        note(f"{report['undated_runs']} runs have no date in their name: start and end stay null", verbosity)
    if report["coarse_messages"]:
        coarse = report["coarse_messages"]
        note(f"{coarse} distinct messages beyond the limit keep their words, but no text in the table of templates")


def print_table(title: str, columns: list[str], rows: list[list[str]], *, right: tuple[int, ...] = ()) -> None:
    """Print a table of plain cells; cells are text, never markup."""
    from rich.table import Table
    from rich.text import Text

    named = Text(visible(title)) if title else None
    view = Table(title=named, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for i, name in enumerate(columns):
        view.add_column(Text(visible(name)), justify="right" if i in right else "left", overflow="fold")
    for row in rows:
        view.add_row(*(Text(visible(cell)) for cell in row))
    console = console_out()
    with console.capture() as captured:
        console.print(view)
    # Drawn with colours of ours, the cells made visible: not to be escaped again.
    print("\n".join(line.rstrip() for line in captured.get().split("\n")).rstrip("\n"), file=drawing_stream(sys.stdout))


def print_understood(rows: list[dict[str, Any]], verbosity: Verbosity) -> None:
    """One line per service on stderr, the largest first, and what to look at twice."""
    rows = _order_understood(rows)
    shown = rows if verbosity.verbose else rows[:_SHOWN]
    for row in shown:
        note(understood_sentence(row), verbosity)
    if len(rows) > len(shown):
        note(f"and {len(rows) - len(shown)} more services (-v shows all)", verbosity)
    doubtful = [text for row in rows for text in understood_doubts(row)]
    for text in doubtful[:_SHOWN]:
        note(f"look twice: {text}")
    if len(doubtful) > _SHOWN:
        note(f"look twice: at {len(doubtful) - _SHOWN} more (`understood` in lo2_quality.json)")


def preview_understood(rows: list[dict[str, Any]], examples: Mapping[str, list[str]]) -> None:
    """The same as a result, from a sample, with masked examples below each service."""
    for row in _order_understood(rows):
        say_result(understood_sentence(row))
        for text in examples.get(row["service"], []):
            say_result(f"    {text[:160]}")
        for text in understood_doubts(row):
            say_result(f"  look twice: {text}")


def _order_understood(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (-row["events"], row["service"]))
