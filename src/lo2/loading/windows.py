"""Bytes of single logs in an archive: windows of its file, or of the one compressed stream that a thread keeps open."""

import atexit
import io
import os
import threading
import zipfile
from pathlib import Path
from typing import IO, Any, cast

from lo2.loading.compression import ending, unpacked

_BUFFER = 1 << 20


def open_member(root: str, outer: str, offset: int, size: int) -> IO[bytes]:
    """Stream over one member's bytes."""
    if offset < 0:
        return _STREAMS.opened(root, outer)
    if outer or ending(root):
        window = Window(_STREAMS.unpacked(root, outer), offset, size)
    else:
        window = Window(Path(root).open("rb"), offset, size, own=True)  # noqa: SIM115 - closed by the window
    return cast(IO[bytes], io.BufferedReader(window, _BUFFER))


class Window(io.RawIOBase):
    """A part of a stream as a stream of its own; it ends with an error where the stream ends early."""

    def __init__(self, stream: IO[bytes], offset: int, size: int, *, own: bool = False) -> None:
        self._stream, self._offset, self._size, self._own = stream, offset, size, own
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move within the window."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes."""
        wanted = max(0, min(len(buffer), self._size - self._at))
        if not wanted:
            return 0
        try:
            self._stream.seek(self._offset + self._at)
            data = self._stream.read(wanted)
        except (ValueError, OverflowError) as error:
            raise EOFError(f"the archive names a place that it does not have ({error})") from error
        if not data:
            raise EOFError("the archive ends within this file")
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Close the stream too if it is the window's own."""
        if self._own and not self.closed:
            self._stream.close()
        super().close()


class _Streams(threading.local):
    """What this thread keeps open: one zip file, one compressed tar."""

    def __init__(self) -> None:
        self.key: tuple[object, ...] = ()
        self.tar_key: tuple[object, ...] = ()
        self.zip: zipfile.ZipFile | None = None
        self.tar: list[IO[bytes]] = []

    def archive(self, root: str) -> zipfile.ZipFile:
        facts = Path(root).stat()
        key = (root, facts.st_mtime_ns, facts.st_size)
        if self.zip is None or self.key != key:
            self.close()
            self.zip, self.key = zipfile.ZipFile(root), key
        return self.zip

    def opened(self, root: str, name: str) -> IO[bytes]:
        try:
            return self.archive(root).open(name)
        except (NotImplementedError, RuntimeError, ValueError) as error:
            # A compression that is not known; a password; a name before the data that is not UTF-8 though it says so.
            raise OSError(f"it cannot be unpacked ({error})") from error

    def unpacked(self, root: str, outer: str) -> IO[bytes]:
        """Decompressed stream of a tar; another one takes its place."""
        facts = Path(root).stat()
        key = (root, outer, facts.st_mtime_ns, facts.st_size)
        if not self.tar or self.tar_key != key:
            self.forget()
            raw = self.opened(root, outer) if outer else Path(root).open("rb")  # noqa: SIM115 - closed by forget()
            self.tar = [unpacked(raw, outer or root)]
            self.tar_key = key
        return self.tar[-1]

    def forget(self) -> None:
        while self.tar:
            self.tar.pop().close()

    def close(self) -> None:
        self.forget()
        if self.zip is not None:
            self.zip.close()
        self.zip = None


_STREAMS = _Streams()
archive_of = _STREAMS.archive
"""The zip file of a path, kept open by this thread."""
unpacked_tar = _STREAMS.unpacked
"""The decompressed stream of a compressed tar, or of a tar in a zip, kept open by this thread."""
release = _STREAMS.close
"""Close what this thread keeps open."""
atexit.register(release)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=release)  # a file that two processes read would be at two places at once
