"""Streams guarded where the program prints: hidden characters become visible, what an encoding lacks an escape.

A terminal obeys control characters, whoever wrote them; log text, names of files and members of archives come from
strangers. Only what the program itself draws (bars, colours) goes past the first rule, through ``raw``.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from lo2.visible import inert_text, visible_lines


class Stream:
    """A text stream that makes visible what is written to it, and never fails for want of a character.

    Examples
    --------
    >>> import io
    >>> narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    >>> target = Stream(narrow)
    >>> _ = target.write("caf\\u00e9\\x1b[2J"); target.flush()
    >>> narrow.buffer.getvalue()
    b'caf\\\\xe9\\\\x1b[2J'
    """

    def __init__(self, target: IO[str], *, drawing: bool = False) -> None:
        self._target, self._drawing = target, drawing

    def write(self, text: str) -> int:
        """Write ``text``; its length, as it came."""
        shown = text if self._drawing else inert_text(visible_lines(text))
        encoding = getattr(self._target, "encoding", None) or "utf-8"
        self._target.write(shown.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write every line."""
        for line in lines:
            self.write(line)

    @property
    def raw(self) -> "Stream":
        """The stream without its guard, for bars and tables that the program draws itself."""
        return Stream(self._target, drawing=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Within, stdout and stderr are such streams; closed ones lead nowhere."""
    before = sys.stdout, sys.stderr
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        shown = [stream if isinstance(stream, Stream) else Stream(stream or nowhere) for stream in before]
        sys.stdout, sys.stderr = shown
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def drawing_stream(stream: Any) -> Any:
    """``stream`` for what the program draws itself."""
    return stream.raw if isinstance(stream, Stream) else stream
