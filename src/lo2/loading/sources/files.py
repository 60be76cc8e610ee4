"""A log file, how it is opened and how large it is; the shard of a run; what was left out, added up by reason."""

import os
from collections import Counter
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import IO, cast

from lo2.loading.sources.compression import compression_ending
from lo2.loading.sources.identity import printable_name, sequence_id
from lo2.loading.sources.members import open_member


@dataclass(frozen=True, slots=True)
class LogFile:
    """One raw log; ``outer`` and ``offset`` place it in an archive (``lo2.loading.sources.archives``).

    Names are text; ``stored`` is the name to open where that is not the same. Files with the same ``seq_id`` are one
    sequence and stand together in order of time: rotated files, and replicas one after the other. ``number`` tells
    places apart whose run, case and service are the same. ``anomaly`` is the label: by the case, or from a file of
    labels, None where that has none.
    """

    run: str
    test_case: str
    service: str
    root: str
    relative: str
    size_bytes: int
    mtime_ns: int
    outer: str = ""
    offset: int | None = None
    stored: str = ""
    number: int = 0
    anomaly: bool | None = None

    @property
    def path(self) -> str:
        """Where it lies; in an archive: archive, then name."""
        return os.path.join(self.root, self.stored or self.relative)  # noqa: PTH118

    @property
    def streamed(self) -> bool:
        """Whether it lies in a compressed tar, which can only be read from its beginning."""
        return (
            self.offset is not None and self.offset >= 0 and (bool(self.outer) or bool(compression_ending(self.root)))
        )

    def open(self) -> IO[bytes]:
        """Stream over the bytes as they are stored.

        Raises
        ------
        EOFError
            If the file is shorter than it was when it was listed.
        """
        if self.offset is not None:
            return open_member(self.root, self.outer, self.offset, self.size_bytes)
        # Read in large pieces but by the libraries of some: a buffer would only copy. Closed by whoever reads.
        plain = compression_ending(self.relative) in ("", ".gz")
        stream = cast(IO[bytes], FileIO(self.path)) if plain else Path(self.path).open("rb")  # noqa: SIM115
        now = os.fstat(stream.fileno()).st_size
        if now < self.size_bytes:
            stream.close()
            raise EOFError(f"it had {self.size_bytes} bytes when it was listed and has {now} now")
        return stream

    @property
    def seq_id(self) -> str:
        """``run__test_case__service``, escaped (``lo2.loading.sources.identity``)."""
        return sequence_id(self.run, self.test_case, self.service, self.number)


@dataclass(frozen=True)
class Shard:
    """One run: the unit of work, of resume and of every split."""

    run: str
    files: tuple[LogFile, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes on disk (compressed where the files are)."""
        return sum(f.size_bytes for f in self.files)


@dataclass
class LeftOut:
    """What is not read: counted by reason, with the first path by name of each; and what cannot be read."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    bad: list[tuple[str, str]] = field(default_factory=list)

    def add(self, reason: str, path: str, count: int = 1) -> None:
        """Count ``path`` under ``reason``."""
        if count:
            self.counts[reason] += count
            path = printable_name(path)
            self.examples[reason] = min(path, self.examples.get(reason, path))

    def add_unreadable(self, path: str, why: str) -> None:
        """``path`` cannot be read: a bad file."""
        self.bad.append((printable_name(path), printable_name(why)))
