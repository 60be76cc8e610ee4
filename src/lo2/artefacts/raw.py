"""Texts of the raw logs, for looking for their values in what is shared: whatever the archives are called."""

import gzip
import os
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from lo2.errors import InputError

_LOG = re.compile(r"\.log(\.gz)?$")
_PACKED = re.compile(r"\.(zip|tar|tgz|tar\.\w+)$", re.IGNORECASE)
_BROKEN = (OSError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile, tarfile.TarError)


def raw_texts(root: Path) -> Iterator[str]:
    """Texts of all logs of a folder or an archive, those in archives below it included; damaged ``.gz`` are empty.

    Raises
    ------
    InputError
        If an archive cannot be read.
    """
    for path in [root] if root.is_file() else (Path(top) / name for top, _, names in os.walk(root) for name in names):
        is_zip = zipfile.is_zipfile(path)
        if _LOG.search(path.name):
            yield _log_text(path.name, path.read_bytes())
        elif is_zip or tarfile.is_tarfile(path):
            try:
                with path.open("rb") as stream:
                    yield from _packed_texts(stream, is_zip=is_zip)
            except _BROKEN as error:
                raise InputError(f"{path}: {error}. Mend it, move it away, or pass --without-raw-root") from error


def _packed_texts(archive: IO[bytes], *, is_zip: bool) -> Iterator[str]:
    for name, stream in _members(archive, is_zip=is_zip):
        if inner := _PACKED.search(name):
            yield from _packed_texts(stream, is_zip=inner[1].lower() == "zip")
        else:
            yield _log_text(name, stream.read())


def _members(archive: IO[bytes], *, is_zip: bool) -> Iterator[tuple[str, IO[bytes]]]:
    """Logs and archives in an archive."""
    if is_zip:
        with zipfile.ZipFile(archive) as packed:
            wanted = (name for name in packed.namelist() if _LOG.search(name) or _PACKED.search(name))
            yield from ((name, packed.open(name)) for name in wanted)
    else:
        with tarfile.open(fileobj=archive) as bundle:
            for one in bundle:
                if one.isfile() and (_LOG.search(one.name) or _PACKED.search(one.name)):
                    yield one.name, cast(IO[bytes], bundle.extractfile(one))


def _log_text(name: str, data: bytes) -> str:
    try:
        return (gzip.decompress(data) if name.endswith(".gz") else data).decode("utf-8", "replace")
    except (OSError, EOFError, zlib.error):  # damaged: it was not loaded either
        return ""
