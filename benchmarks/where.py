"""Where the time of a load goes: seconds of the processor per GB of log, by step and by format, one process.

    python benchmarks/where.py [--mb 40] [--own DIR] [--only text,json]

Logs are generated, each kind as one large file and as many of 50 KB; ``--own DIR`` adds a tree of real logs. A step counts
what runs inside it and in no other step; the rest of the process, such as taking stock of the files, is ``other``. The
steps take their time with the clock of the process, which costs a little itself: compare columns, not totals.
"""

import argparse
import gzip
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lo2.artefacts.layout import Home
from lo2.engine import EngineOptions
from lo2.features import messages
from lo2.loading.inventory import LoadOptions
from lo2.loading.lines import index, parser
from lo2.loading.sources.blocks import Reader
from lo2.pipeline import load, parts, shards
from lo2.simulate.options import SimulateOptions
from lo2.simulate.tree import simulate

START = 1_714_600_000
VERBS, THINGS = ("opened", "priced", "closed", "sent"), ("cart", "order", "mail", "bill")
AGENTS = (
    "curl/8.5.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:125.0) Gecko/20100101 Firefox/125.0",
)
PATHS = ("/healthz", "/cart", "/orders/{}", "/static/app.{}.js", "/api/v1/users/{}/items")
STEPS: tuple[tuple[str, object, str], ...] = (
    ("learn", parser.Parser, "_learn_to_parse"),
    ("peel_envelopes", parser.Peeler, "peel_envelopes"),
    ("header", parser.Parser, "_parse_lines"),
    ("collapse", parser, "collapse_digits"),
    ("count", index.Index, "number_bodies"),
    ("count", index.CompiledIndex, "number_bodies"),
    ("header", index.Index, "number_logback"),
    ("header", index.CompiledIndex, "number_logback"),
    ("fields", shards._Folder, "_settle_shard"),
    ("mask", messages, "mask_canonical"),
    ("fold", messages.Messages, "fold_bodies"),
    ("bags", shards, "_shard_table"),
    ("traits", shards, "message_traits"),
    ("write", parts, "write_parquet"),
    ("merge", load, "_write_loaded_tables"),
)


class Clock:
    """Own seconds of nested steps."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._open: list[float] = []

    def enter(self) -> float:
        self._open.append(0.0)
        return time.process_time()

    def leave(self, name: str, begin: float) -> None:
        spent = time.process_time() - begin
        self.seconds[name] += spent - self._open.pop()
        if self._open:
            self._open[-1] += spent

    def wrap(self, name: str, holder: Any, attribute: str) -> None:
        """Have a function's time counted."""
        inner = getattr(holder, attribute)

        def timed(*arguments: Any, **options: Any) -> Any:
            begin = self.enter()
            try:
                return inner(*arguments, **options)
            finally:
                self.leave(name, begin)

        setattr(holder, attribute, timed)

    def wrap_reading(self) -> None:
        """The same for the blocks of files."""
        inner: Callable[[Reader], Iterator[bytes]] = Reader.__iter__

        def timed(reader: Reader) -> Iterator[bytes]:
            blocks = inner(reader)
            while True:
                begin = self.enter()
                try:
                    block = next(blocks, None)
                finally:
                    self.leave("read", begin)
                if block is None:
                    return
                yield block

        Reader.__iter__ = timed  # type: ignore[method-assign]


def line(kind: str, rng: random.Random, i: int) -> str:
    """One line of a generated log."""
    then = datetime.fromtimestamp(START + i / 50, UTC)
    text = f"{rng.choice(VERBS)} {rng.choice(THINGS)} {rng.randrange(10**9)} for {rng.getrandbits(64):016x}"
    if kind == "json":
        more = f'"user":"u{rng.randrange(500)}","took":{rng.randrange(2000)},"code":{rng.choice((200, 200, 200, 404))}'
        return f'{{"time":"{then.isoformat()}","level":"info","logger":"shop.Pay","msg":"{text}",{more}}}\n'
    if kind == "logfmt":
        return (
            f'time={then.isoformat()} level=info msg="{text}" user=u{rng.randrange(500)} took={rng.randrange(2000)}ms\n'
        )
    if kind == "access":
        path = rng.choice(PATHS).format(rng.randrange(1000))
        return (
            f'10.{i % 8}.{i % 100}.{i % 200} - - [{then:%d/%b/%Y:%H:%M:%S +0000}] "GET {path} HTTP/1.1" '
            f'{rng.choice((200, 200, 200, 304, 404))} {rng.randrange(20_000)} "-" "{rng.choice(AGENTS)}"\n'
        )
    if kind == "unique":
        numbers = (rng.randrange(1000) for _ in range(4))
        text = f"{rng.choice(VERBS)} {rng.choice(THINGS)} {next(numbers)} of {next(numbers)} in row {next(numbers)}:{next(numbers)}"
    return f"{then:%Y-%m-%d %H:%M:%S},{i % 1000:03d} INFO shop.Pay - {text}\n"


def write(kind: str, root: Path, size: int, each: int) -> None:
    """A log of about so many bytes, in files of at most ``each``."""
    rng, i, left, number = random.Random(1), 0, size, 0
    while left > 0:
        packed = kind.endswith(".gz")
        path = root / f"run{number // 50 + 1}" / "correct" / f"shop{number % 50}.log{'.gz' if packed else ''}"
        path.parent.mkdir(parents=True, exist_ok=True)
        written = 0
        with gzip.open(path, "wt") if packed else path.open("w") as log:
            while written < min(each, left):
                text = line(kind.removesuffix(".gz"), rng, i)
                written += log.write(text)
                i += 1
        left -= written
        number += 1


def measure(root: Path, clock: Clock) -> tuple[dict[str, float], int]:
    """Seconds per GB by step, and the bytes that were read."""
    clock.seconds.clear()
    with tempfile.TemporaryDirectory() as place:
        begin = time.process_time()
        done = load.load_run(
            root, Home(Path(place), Path(place)), LoadOptions(), engine=EngineOptions(backend="sequential")
        )
        total = time.process_time() - begin
    size = done.quality["bytes"]
    found = {name: clock.seconds[name] for name in ("read", *(step[0] for step in STEPS))}
    found["other"] = total - sum(found.values())
    return {name: spent / size * 1e9 for name, spent in found.items()} | {"all": total / size * 1e9}, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=40)
    parser.add_argument("--own", type=Path)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    clock = Clock()
    clock.wrap_reading()
    for name, holder, attribute in STEPS:
        clock.wrap(name, holder, attribute)
    rows: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as place:
        roots: dict[str, Path] = {}
        for kind in (
            arguments.only.split(",")
            if arguments.only
            else ("lo2", "text", "text.gz", "json", "logfmt", "access", "unique")
        ):
            if kind == "lo2":
                roots[kind] = Path(place) / kind
                simulate(roots[kind], SimulateOptions(runs=max(1, arguments.mb // 40), errors_per_run=10))
                continue
            for name, each in (("large", 1 << 40), ("small", 50_000)):
                root = roots[f"{kind}, {name}"] = Path(place) / f"{kind}-{name}"
                write(kind, root, arguments.mb * 1_000_000, each)
        if arguments.own:
            roots["own"] = arguments.own
        for name, root in roots.items():
            measure(root, clock) if name != "own" else None  # what is learnt and compiled once
            rows[f"{name}"], size = measure(root, clock)
            rows[name] |= {"MB": size / 1e6, "MB/s": 1000 / rows[name]["all"]}
    names = list(next(iter(rows.values())))
    print("| | " + " | ".join(names) + " |\n|---|" + "---:|" * len(names))
    for label, row in rows.items():
        print(f"| {label} | " + " | ".join(f"{row[name]:.1f}" for name in names) + " |")


if __name__ == "__main__":
    main()
