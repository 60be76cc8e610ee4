"""Members of archives as streams: windows of the archive's file, or of the one stream kept open and read ahead."""

import atexit
import io
import os
import threading
import zipfile
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import IO, Any, cast

from lo2.loading.sources.compression import Owner, compression_ending, decompressed_stream
from lo2.loading.sources.inflate import PIECE, Deflated

_WAITING = 8
_SLOW = (".bz2", ".xz")


def open_member(root: str, outer: str, offset: int, size: int) -> IO[bytes]:
    """Stream over one member's bytes."""
    if offset < 0:
        return _STREAMS.opened(root, outer)
    if outer or compression_ending(root):
        window = Window(_STREAMS.unpacked(root, outer), offset, size)
    else:
        window = Window(_open_whole_archive(root), offset, size, own=True)
    return cast(IO[bytes], window)


def _open_whole_archive(root: str) -> IO[bytes]:
    """Stream over an archive as it is; what reads it asks for large pieces."""
    return cast(IO[bytes], io.FileIO(root))


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
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """The next bytes, of a stream that is unpacked as they come where many are asked for."""
        if size < 0:
            return self.readall()
        wanted = min(size, max(0, self._size - self._at))
        if not wanted:
            return b""
        try:
            self._stream.seek(self._offset + self._at)
            large = wanted >= PIECE and isinstance(self._stream, Forward)
            data = cast(Forward, self._stream).read1(wanted) if large else self._stream.read(wanted)
        except (ValueError, OverflowError) as error:
            raise EOFError(f"the archive names a place that it does not have ({error})") from error
        if not data:
            raise EOFError("the archive ends within this file")
        self._at += len(data)
        return data

    def close(self) -> None:
        """Close the stream too if it is the window's own."""
        if self._own and not self.closed:
            self._stream.close()
        super().close()


class Forward(io.RawIOBase):
    """A compressed stream of which windows are read, best in their order: backwards may mean from its beginning.

    With ``ahead`` a thread reads on while what it gave is worked on, and at most so many pieces wait: worth it where
    unpacking is slow.
    """

    def __init__(self, stream: IO[bytes], *, ahead: bool = False) -> None:
        self._stream = stream
        self._thread = ThreadPoolExecutor(1, "lo2-unpack") if ahead else None
        self._coming: deque[Future[bytes]] = deque()
        self._past, self._whole = b"", b""
        self._piece = memoryview(b"")
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes; backwards means from the beginning."""
        return True

    def tell(self) -> int:
        """Place in the stream."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """So many bytes, or what is left."""
        found, missing = [], size
        while missing and self._fill_window():
            some = self._piece if missing < 0 else self._piece[:missing]
            found.append(some)
            self._piece = self._piece[len(some) :]
            self._at += len(some)
            missing -= len(some) if missing > 0 else 0
        return b"".join(found)

    def read1(self, size: int) -> bytes:
        """At most so many bytes, without joining what was unpacked in pieces."""
        some = self._piece[:size] if self._fill_window() else self._piece
        whole = len(some) == len(self._whole)
        self._piece = self._piece[len(some) :]
        self._at += len(some)
        return self._whole if whole else bytes(some)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place counted from the beginning or from here."""
        target = offset + (self._at if whence == io.SEEK_CUR else 0)
        if target < self._at and not self._back_in_window(self._at - target):
            self._drop_read_ahead()
            self._at = self._stream.back(target) if isinstance(self._stream, Owner) else self._stream.seek(0)
        while self._at < target and self._fill_window():
            step = min(len(self._piece), target - self._at)
            self._piece = self._piece[step:]
            self._at += step
        return self._at

    def close(self) -> None:
        """End the thread and close the stream."""
        if not self.closed:
            self._drop_read_ahead()
            if self._thread is not None:
                self._thread.shutdown()
            self._stream.close()
        super().close()

    def _back_in_window(self, size: int) -> bool:
        """Whether so many bytes are still there: the end mark of a tar is looked at twice."""
        seen = len(self._whole) - len(self._piece)
        if size > seen + len(self._past):
            return False
        if size > seen:
            self._past, self._whole = b"", self._past[len(self._past) - (size - seen) :] + self._whole
            seen = size
        self._piece = memoryview(self._whole)[seen - size :]
        self._at -= size
        return True

    def _fill_window(self) -> bool:
        """Whether anything is left; the next piece is there then."""
        if not self._piece:
            piece = self._stream.read(PIECE) if self._thread is None else self._read_window_ahead(self._thread)
            if piece:
                self._past, self._whole = self._whole, piece
                self._piece = memoryview(piece)
        return bool(self._piece)

    def _read_window_ahead(self, thread: ThreadPoolExecutor) -> bytes:
        while len(self._coming) < _WAITING:
            self._coming.append(thread.submit(self._stream.read, PIECE))
        piece = self._coming[0].result()  # what fails stays in front, as does the end
        if piece:
            self._coming.popleft()
        return piece

    def _drop_read_ahead(self) -> None:
        """Forget what was read ahead."""
        self._past, self._whole = b"", b""
        self._piece = memoryview(b"")
        for coming in self._coming:
            coming.cancel()
        wait(self._coming)
        self._coming.clear()


def member_data_offset(root: str, info: zipfile.ZipInfo) -> int:
    """Where the data of a member of a zip begin: behind its own header."""
    with _open_whole_archive(root) as whole:
        whole.seek(info.header_offset + 26)
        lengths = whole.read(4)
    return info.header_offset + 30 + sum(int.from_bytes(lengths[i : i + 2], "little") for i in (0, 2))


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
            archive = self.archive(root)
            stream, info = archive.open(name), archive.getinfo(name)
            if info.compress_type != zipfile.ZIP_DEFLATED:
                return stream
            stream.close()  # it was looked at whether its own header tells the same
            raw = cast(
                IO[bytes],
                Window(_open_whole_archive(root), member_data_offset(root, info), info.compress_size, own=True),
            )
            return cast(IO[bytes], Owner(raw, Deflated(raw, info.file_size, info.CRC, name), PIECE))
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
            packed = bool(compression_ending(outer or root))
            stream = decompressed_stream(raw, outer or root) if packed else cast(IO[bytes], Owner(raw, raw))
            self.tar = [cast(IO[bytes], Forward(stream, ahead=compression_ending(outer or root) in _SLOW))]
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
