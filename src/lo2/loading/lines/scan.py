"""The scan of a log: blocks of raw bytes to numbers of distinct bodies, event flags and times.

Contract of the seam: ``scan_blocks(blocks, index)`` gives per physical line the number of its body in ``index``, which
it extends. A header line's body is what follows time, thread and correlation id: ``LEVEL logger method - message``. A
continuation line's body is the whole line behind a line feed, so that the two never collide. Work per line is
vectorised or done by C, with or without the compiled twin (``lines.index``); nothing here decodes text. With
``shapes`` ids that the masks replace anyway may be stand-ins of the same shape (``lines.standins``), which keeps
``index`` small.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lo2.loading.lines.index import AnyIndex, Codes
from lo2.loading.sources.blocks import LEARNT

if TYPE_CHECKING:
    from lo2.loading.formats.recognition import Format
    from lo2.loading.formats.user_formats import Given
    from lo2.loading.lines.parser import Parser


@dataclass(frozen=True)
class Scan:
    """One log: arrays over its physical lines and events.

    ``times`` are milliseconds since the Unix epoch, or as ``times.stamps`` says where a stamp lacks year or date;
    for LO2's own profile since midnight (``absolute`` is False). ``owners`` number the ``services`` of lines that a
    collector mixed; ``zones`` count the times whose zone is not known, by its name.
    """

    codes: NDArray[np.uint32]
    header: NDArray[np.bool_]
    times: NDArray[np.int64]
    absolute: bool
    format: "Format | None" = None
    first_unknown: str = ""
    owners: NDArray[np.int64] | None = None
    services: tuple[str, ...] = ()
    zones: Mapping[str, int] = field(default_factory=dict)


def scan_blocks(
    blocks: Iterable[bytes],
    index: AnyIndex,
    *,
    profile: str = "lo2",
    shapes: bool = False,
    after: Callable[[Codes], None] | None = None,
    given: "Given | None" = None,
) -> Scan:
    """Numbers of the bodies, flags of events (per physical line) and times in ms (per event).

    ``after`` takes the numbers of every block instead, and may empty a full ``index``; none come back then. ``given``
    is the format it is read by, else what its first lines say.

    Examples
    --------
    >>> from lo2.loading.lines.index import new_index
    >>> line = b"16:29:40.148 [hz.thread-8]   DEBUG c.n.UserMapStore load - Load:66c2c2bd" + bytes([10])
    >>> index = new_index()
    >>> scan_blocks([line, b"at frame" + bytes([10]), line], index).codes.tolist(), list(index)[0]
    ([0, 1, 0], b'DEBUG c.n.UserMapStore load - Load:66c2c2bd')
    """
    stream = iter(blocks)
    first = _first_scanned_blocks(stream, LEARNT if profile == "tree" else 1)
    step = _scan_step_of_log(index, given, collapsed=shapes) if profile == "tree" else None
    rest = chain([first] if first else [], stream)
    whole = rest if step is None else step.whole_lines(rest)
    parts = []
    for block in whole:
        if step is None:
            codes, header, times = index.number_logback(block, shapes=shapes)
        else:
            bodies, header, times = step(block)
            codes = index.number_bodies(bodies)
        if after is not None:
            after(codes)
            codes = codes[:0]
        parts.append((codes, header, times))
    if not parts:
        return Scan(np.empty(0, np.uint32), np.empty(0, bool), np.empty(0, np.int64), step is not None)
    codes, header, times = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
    unknown = first[:120].split(b"\n")[0].decode("utf-8", "replace") if first and not header.any() else ""
    if step is None:
        return Scan(codes, header, times, absolute=False, first_unknown=unknown)
    owners = np.concatenate(step.owners) if step.owners else None
    return Scan(codes, header, times, True, step.format, unknown, owners, tuple(step.peeler.services), dict(step.zones))


def _first_scanned_blocks(stream: Iterator[bytes], least: int) -> bytes:
    """The first blocks joined to so many bytes: what is learnt must not depend on where blocks are cut."""
    found, size = [], 0
    while size < least and (block := next(stream, None)) is not None:
        found.append(block)
        size += len(block)
    return b"".join(found)


def _scan_step_of_log(index: AnyIndex, given: "Given | None", *, collapsed: bool) -> "Parser":
    from lo2.loading.lines.parser import Parser

    return Parser(index.uses, given, collapsed)
