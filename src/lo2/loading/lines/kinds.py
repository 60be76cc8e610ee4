"""Continuation kinds of many lines that no row takes: each distinct line is looked at once, indented or not."""

import numpy as np
from numpy.typing import NDArray

from lo2.loading.formats.continuations import ALWAYS, kind_of_continuation
from lo2.loading.lines.index import AnyIndex, Spans, new_index

_FEW, _MOST = 64, 4_096
_BLANK = np.isin(np.arange(256), list(b" \t\n\r\f\v"))


class Kinds:
    """Kinds of many lines: each distinct one is looked at once, so that a log of line feeds costs little a line.

    Examples
    --------
    >>> text = bytearray(b"up\\n  at x\\nup\\n")
    >>> Kinds(headed=True).continuation_kinds(text, np.array([0, 3, 10]), np.array([2, 9, 12])).tolist()
    [0, 1, 0]
    """

    def __init__(self, *, headed: bool) -> None:
        self._headed = headed
        self._index: AnyIndex | None = None
        self._known = np.empty(0, np.uint8)

    def continuation_kinds(
        self, text: bytearray, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """Kinds of the lines at these places; each has a byte behind it, the line feed or a carriage return."""
        found = np.full(starts.size, ALWAYS, np.uint8)
        first = np.frombuffer(text, np.uint8)[starts]  # of an empty line that of what ends it, a blank too
        rest = np.flatnonzero(~_BLANK[first])
        found[rest] = self._unindented_kinds(text, starts[rest], ends[rest])
        return found

    def _unindented_kinds(
        self, text: bytearray, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """Kinds of lines that begin with no blank."""
        if starts.size < _FEW:
            return self._continuation_line_kinds(text, starts, ends)
        if self._index is None or len(self._index) > _MOST:
            self._index, self._known = new_index(), self._known[:0]
        numbers = self._index.number_bodies(Spans(text, starts, ends)).astype(np.int64)
        before = np.maximum.accumulate(np.concatenate([[self._known.size - 1], numbers[:-1]]))
        new = numbers > before
        self._known = np.concatenate([self._known, self._continuation_line_kinds(text, starts[new], ends[new])])
        return self._known[numbers]

    def _continuation_line_kinds(
        self, text: bytearray, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        places = zip(starts.tolist(), ends.tolist(), strict=True)
        return np.fromiter(
            (kind_of_continuation(bytes(text[a:b]), headed=self._headed) for a, b in places), np.uint8, starts.size
        )
