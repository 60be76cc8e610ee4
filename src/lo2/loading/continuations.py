"""Continuations: kinds of lines that go on with the event before them (stack traces, indented lines, braces)."""

import re

import numpy as np
from numpy.typing import NDArray

from lo2.loading.index import AnyIndex, Spans, new_index

_RAISED = (
    rb"(?:[A-Za-z_][\w$]*\.)*[A-Z]\w*(?:Exception|Error|Throwable|Failure|Warning|Interrupt|Exit)(?:: |:?$)|\*\*\* "
)
_TRACEBACK = rb"Traceback \(most recent"
_CONTINUES = (
    rb"\s|$|at \S|\.\.\. \d+ |Caused by|Suppressed: |During handling of|The above exception|goroutine \d+ \[|"
    rb"created by |[\w./$*()-]+\([^ ]*\)$|exit status \d|[})\]]+[,;]?$|\^|\{|-{4,}|={4,}$|\+ |\| |>{1,3} |"
    rb"\+-{2,}|</|stack backtrace:|note: |[A-Za-z0-9+/=]{40,}$"
)
_NAMED = rb"(?:[A-Za-z_]\w*\.){1,8}[A-Z]\w*(?:: |:?$)"  # an exception of any name ends the trace above it
_KIND = re.compile(b"|".join(b"(%b)" % pattern for pattern in (_RAISED, _TRACEBACK, _CONTINUES, _NAMED)))


NEVER, ALWAYS, AMONG = 0, 1, 2
"""Kinds of lines that no row takes: an event of its own, a continuation, one where the line before was one."""
_KINDS = ((NEVER, AMONG, NEVER, ALWAYS, AMONG), (NEVER, ALWAYS, ALWAYS, ALWAYS, AMONG))
"""By whether a log is headed and by the part of the pattern that matches."""
_FEW, _MOST = 64, 4_096
_BLANK = np.isin(np.arange(256), list(b" \t\n\r\f\v"))


def continuation_kind(line: bytes, *, headed: bool) -> int:
    """Whether a line goes on with the event before it: ``NEVER``, ``ALWAYS``, or ``AMONG`` others that do.

    ``headed`` says that events of this log begin with a known header.

    Examples
    --------
    >>> [continuation_kind(line, headed=True) for line in (b"Caused by: x", b"cart opened", b"shop.Refused: x")]
    [1, 0, 2]
    """
    match = _KIND.match(line)
    return NEVER if match is None else _KINDS[headed][match.lastindex or 0]


def continues_event(line: bytes, *, headed: bool, after: bool) -> bool:
    """Whether a line that no row takes continues the event before it: indented, part of a stack trace, a closing brace.

    ``headed`` says that events of this log begin with a known header, ``after`` that the line before continued one.

    Examples
    --------
    >>> [continues_event(line, headed=True, after=False) for line in (b"Caused by: x", b"cart opened")]
    [True, False]
    """
    found = continuation_kind(line, headed=headed)
    return found == ALWAYS or (found == AMONG and after)


class Kinds:
    """Kinds of many lines: each distinct one is looked at once, so that a log of line feeds costs little a line.

    Examples
    --------
    >>> text = bytearray(b"up\\n  at x\\nup\\n")
    >>> Kinds(headed=True).of(text, np.array([0, 3, 10]), np.array([2, 9, 12])).tolist()
    [0, 1, 0]
    """

    def __init__(self, *, headed: bool) -> None:
        self._headed = headed
        self._index: AnyIndex | None = None
        self._known = np.empty(0, np.uint8)

    def of(self, text: bytearray, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Kinds of the lines at these places; each has a byte behind it, the line feed or a carriage return."""
        found = np.full(starts.size, ALWAYS, np.uint8)
        first = np.frombuffer(text, np.uint8)[starts]  # of an empty line that of what ends it, a blank too
        rest = np.flatnonzero(~_BLANK[first])
        found[rest] = self._told(text, starts[rest], ends[rest])
        return found

    def _told(self, text: bytearray, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Kinds of lines that begin with no blank."""
        if starts.size < _FEW:
            return self._continuation_kinds_of_lines(text, starts, ends)
        if self._index is None or len(self._index) > _MOST:
            self._index, self._known = new_index(), self._known[:0]
        numbers = self._index.number(Spans(text, starts, ends)).astype(np.int64)
        before = np.maximum.accumulate(np.concatenate([[self._known.size - 1], numbers[:-1]]))
        new = numbers > before
        self._known = np.concatenate([self._known, self._continuation_kinds_of_lines(text, starts[new], ends[new])])
        return self._known[numbers]

    def _continuation_kinds_of_lines(
        self, text: bytearray, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        places = zip(starts.tolist(), ends.tolist(), strict=True)
        return np.fromiter(
            (continuation_kind(bytes(text[a:b]), headed=self._headed) for a, b in places), np.uint8, starts.size
        )
