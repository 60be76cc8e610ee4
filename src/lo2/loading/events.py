"""Events of single logs with file and line number: for ``--save-events`` and for explanations, never for features."""

import re
from collections.abc import Iterator
from itertools import chain, pairwise

import numpy as np
import polars as pl

from lo2.loading.blocks import Reader
from lo2.loading.clock import real_times
from lo2.loading.inventory import LogFile
from lo2.loading.scan import Index, Scan, scan
from lo2.loading.startup import is_startup
from lo2.patterns import alternation
from lo2.schema import EVENTS

_HEAD = re.compile(r"\d\d:\d\d:\d\d\.\d{3} \[([^\]\n]*)\]  (?:([\w-]{22}) | )")
_BODY = re.compile(r"(DEBUG|INFO|WARN|ERROR|TRACE|FATAL) +(\S+) (\S+) - (.*)", re.DOTALL)
_LEVEL = re.compile(r"\[?(DEBUG|INFO|WARNING|WARN|ERROR|TRACE|FATAL|SEVERE|CRITICAL)\b")


def read_events(file: LogFile, *, profile: str = "lo2", normalise: bool = True) -> pl.DataFrame:
    """Events of one log, in file order (columns of ``lo2.schema.EVENTS`` without the template).

    Continuation lines stay with their event, joined by line feeds; those before the first header make an event of
    their own without a level. ``line`` counts physical lines from 1.
    """
    blocks = list(Reader(file))
    index = Index()
    scanned = scan(iter(blocks), index, profile=profile)
    raw = [line for block in blocks for line in block.removesuffix(b"\n").split(b"\n")]
    bodies = [body.decode("utf-8", "replace") for body in index]
    masked = (
        pl.Series(bodies, dtype=pl.String).str.replace_all(*alternation(profile)).to_list() if normalise else bodies
    )
    startup = [is_startup(text) for text in masked]
    rows = [
        _event(file, raw, bodies, masked, startup, scanned, first, last, when)
        for (first, last), when in zip(_spans(scanned), _moments(file, scanned), strict=True)
    ]
    schema = {name: column.dtype for name, column in EVENTS.items() if name != "e_event_drain_id"}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _spans(scanned: Scan) -> list[tuple[int, int]]:
    """First and last-plus-one physical line of every event."""
    starts = np.flatnonzero(scanned.header).tolist()
    if len(scanned.codes) and (not starts or starts[0] > 0):
        starts = [0, *starts]
    return list(pairwise([*starts, len(scanned.codes)]))


def _moments(file: LogFile, scanned: Scan) -> Iterator[int | None]:
    times = scanned.times
    moments, real = (times, True) if scanned.absolute else real_times(file.run, times)
    orphan = len(_spans(scanned)) - int(scanned.header.sum())
    known = moments.tolist() if real and times.size else [None] * int(scanned.header.sum())
    return chain([None] * orphan, known)


def _event(
    file: LogFile,
    raw: list[bytes],
    bodies: list[str],
    masked: list[str],
    startup: list[bool],
    scanned: Scan,
    first: int,
    last: int,
    when: int | None,
) -> tuple[object, ...]:
    codes = scanned.codes[first:last].tolist()
    head = _HEAD.match(raw[first].decode("utf-8", "replace")) if scanned.header[first] else None
    own = bodies[codes[0]] if scanned.header[first] else ""
    rest = "".join(bodies[c] for c in (codes[1:] if scanned.header[first] else codes))
    parts = _BODY.match(own) if head else None
    level = parts[1] if parts else (found[1] if (found := _LEVEL.search(own[:60])) else None)
    text = "".join(masked[c] for c in codes)
    return (
        file.seq_id,
        when,
        head[1] if head else None,
        head[2] if head else None,
        level,
        parts[2] if parts else None,
        parts[3] if parts else None,
        (parts[4] if parts else own) + rest,
        text,
        startup[codes[0]],
        file.relative,
        first + 1,
    )
