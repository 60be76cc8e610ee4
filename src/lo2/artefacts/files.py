"""Whole files or none: every write goes to a temporary name in the same folder, is synced, then renamed."""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

TEMPORARY = ".lo2tmp-"
ROW_GROUP_SIZE = 65_536


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Temporary path to write to; renamed to ``path`` when the block ends well, removed when it does not.

    The suffix is kept, so that writers which look at it (``savefig``) work.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder) / "a.txt") as part:
    ...         _ = part.write_text("whole")
    ...     (Path(folder) / "a.txt").read_text()
    'whole'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f"{TEMPORARY}{secrets.token_hex(6)}-{path.name}"
    try:
        yield part
        sync(part)
        part.replace(path)
        sync(path.parent)
    finally:
        part.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path, *, deep: bool = True) -> int:
    """Remove what killed writers left in ``folder`` (``deep``: and below); only safe while its lock is held."""
    found = folder.rglob(f"{TEMPORARY}*") if deep else folder.glob(f"{TEMPORARY}*")
    left = [path for path in found if path.is_file() and not path.is_symlink()]
    for path in left:
        path.unlink()
    return len(left)


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``, whole or not at all."""
    with atomic_write(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with line feeds as they are."""
    write_bytes(path, text.encode())


def json_text(payload: Mapping[str, Any]) -> str:
    """``payload`` as JSON with sorted keys and a ``format`` number; NaN and infinity are refused.

    Examples
    --------
    >>> print(json_text({"b": 1, "a": None}), end="")
    {
      "a": null,
      "b": 1,
      "format": 1
    }
    """
    value = {"format": 1, **payload}
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, payload: Mapping[str, Any]) -> None:
    """Write ``json_text(payload)``."""
    write_text(path, json_text(payload))


def yaml_text(payload: Mapping[str, Any]) -> str:
    """``payload`` as YAML 1.1, keys in the order given."""
    import yaml

    return yaml.safe_dump(dict(payload), sort_keys=False, allow_unicode=True, width=120)


def write_csv(path: Path, frame: "pl.DataFrame") -> None:
    """Write ``frame`` as CSV; text cells that look like formulas are made safe, numbers stay."""
    import polars as pl

    safe = frame.with_columns(pl.col(pl.String).str.replace(r"^([=+\-@\t\r])", "'${1}"))
    with atomic_write(path) as part:
        safe.write_csv(part)


def write_parquet(path: Path, frame: "pl.DataFrame | pl.LazyFrame", *, row_group_size: int = ROW_GROUP_SIZE) -> None:
    """Write ``frame`` with fixed row groups and compression, so that equal frames give equal bytes."""
    import polars as pl

    with atomic_write(path) as part:
        write = frame.sink_parquet if isinstance(frame, pl.LazyFrame) else frame.write_parquet
        write(part, compression="zstd", compression_level=3, row_group_size=row_group_size)


def sha256(path: Path) -> str:
    """Hash of a file's bytes, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sums(hashes: Mapping[str, str]) -> str:
    """Text of a ``SHA256SUMS`` for the hashes of these names."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))


def sha256_bytes(data: bytes) -> str:
    """Hash of ``data``, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
