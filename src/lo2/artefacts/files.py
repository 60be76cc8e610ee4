"""Files written whole or not at all (temporary name, sync, rename): bytes, text, JSON, YAML, CSV, Parquet; hashes."""

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lo2.visible import HIDDEN, visible, visible_json, visible_lines

if TYPE_CHECKING:
    import polars as pl

TEMPORARY = ".lo2tmp-"
_LITTLE = 16 << 20
ROW_GROUP_SIZE = 65_536
# The same characters for the regular expressions of Polars, which know no surrogates and neither do its texts.
_HIDDEN_CELL = "[" + HIDDEN.replace("\ud800-\udfff", "") + "]"


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
        sync_to_disk(part)
        part.replace(path)
        sync_to_disk(path.parent)
    finally:
        part.unlink(missing_ok=True)


def sync_to_disk(path: Path) -> None:
    """Flush a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some file systems cannot do it for folders; the rename has happened then.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def sweep_temporary_files(folder: Path, *, deep: bool = True) -> int:
    """Remove what killed writers left in ``folder`` (``deep``: and below); only safe while its lock is held."""
    left = [path for path in _temporary_files_in(folder, deep=deep) if not path.is_symlink()]
    for path in left:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return len(left)


def sweep_own_temporary_files(path: Path) -> int:
    """Remove what killed writers of this very ``path`` left next to it."""
    if not path.parent.is_dir():
        return 0
    left = [
        one for one in path.parent.iterdir() if one.name.startswith(TEMPORARY) and one.name.endswith(f"-{path.name}")
    ]
    for one in left:
        one.unlink(missing_ok=True)
    return len(left)


def _temporary_files_in(folder: Path, *, deep: bool) -> list[Path]:
    """Temporary files and folders in ``folder``, links not followed; ``glob`` would read its name as a pattern."""
    found = []
    for top, folders, names in os.walk(folder):
        found += [Path(top) / name for name in (*folders, *names) if name.startswith(TEMPORARY)]
        folders[:] = [name for name in folders if deep and not name.startswith(TEMPORARY)]
    return found


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``, whole or not at all."""
    with atomic_write(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text; line feeds and tabs stay, every other character that hides or reorders is made visible."""
    write_bytes(path, visible_lines(text).encode())


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
    return visible_json(json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def write_json(path: Path, payload: Mapping[str, Any]) -> None:
    """Write ``json_text(payload)``."""
    write_text(path, json_text(payload))


def yaml_text(payload: Mapping[str, Any]) -> str:
    """``payload`` as YAML 1.1, keys in the order given."""
    import yaml

    text: str = yaml.safe_dump(dict(payload), sort_keys=False, allow_unicode=True, width=120)
    if visible_lines(text) == text:
        return text
    # YAML escapes by rules of its own: all that is not ASCII then.
    escaped: str = yaml.safe_dump(dict(payload), sort_keys=False, allow_unicode=False, width=120)
    return escaped


def write_csv(path: Path, frame: "pl.DataFrame") -> None:
    """Write ``frame`` as CSV; cells that look like formulas are made safe, hidden characters visible, numbers stay."""
    import polars as pl

    texts = frame.select(pl.col(pl.String).str.replace(r"^([=+\-@\t\r])", "'${1}"))
    hidden = [column for column in texts if column.str.contains(_HIDDEN_CELL).any()]
    safe = frame.with_columns(texts).with_columns(c.map_elements(visible, return_dtype=pl.String) for c in hidden)
    with atomic_write(path) as part:
        safe.rename({name: visible(name) for name in safe.columns}).write_csv(part)


def write_parquet(
    path: Path,
    frame: "pl.DataFrame | pl.LazyFrame",
    *,
    row_group_size: int = ROW_GROUP_SIZE,
    passing: bool = False,
) -> None:
    """Write ``frame`` with fixed row groups and compression, so that equal frames give equal bytes.

    What is ``passing``, read again soon and never shared, is compressed less, which takes half the time.
    """
    import polars as pl

    with atomic_write(path) as part:
        write = frame.sink_parquet if isinstance(frame, pl.LazyFrame) else frame.write_parquet
        try:
            if passing:
                write(part, compression="lz4", row_group_size=row_group_size)
            else:
                write(part, compression="zstd", compression_level=3, row_group_size=row_group_size)
        except pl.exceptions.ComputeError as error:
            # What the disk refuses reaches us as an error of the format.
            if not any(words in str(error) for words in ("transport error", "underlying IO error")):
                raise
            full = shutil.disk_usage(path.parent).free < _LITTLE  # else a limit on the size of a file
            raise OSError(errno.ENOSPC if full else errno.EFBIG, "The table could not be written", str(path)) from error


def scan_parquet(path: Path | Sequence[Path]) -> "pl.LazyFrame":
    """Lazy rows of a Parquet, or of several of the same columns; ``[``, ``*``, ``?`` in names mean themselves.

    Examples
    --------
    >>> import tempfile
    >>> import polars as pl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_parquet(Path(folder) / "a[1]*.parquet", pl.DataFrame({"n": [1, 2]}))
    ...     scan_parquet(Path(folder) / "a[1]*.parquet").collect()["n"].to_list()
    [1, 2]
    """
    import polars as pl

    return pl.scan_parquet(path if isinstance(path, Path) else list(path), glob=False)


def read_parquet(path: Path, *, columns: Sequence[str] | None = None) -> "pl.DataFrame":
    """Rows of a Parquet: ``columns``, or all."""
    import polars as pl

    return pl.read_parquet(path, columns=None if columns is None else list(columns), glob=False)


def read_csv(path: Path) -> "pl.DataFrame":
    """Rows of a CSV."""
    import polars as pl

    return pl.read_csv(path, glob=False)


def sha256(path: Path) -> str:
    """Hash of a file's bytes, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_sums_text(hashes: Mapping[str, str]) -> str:
    """Text of a ``SHA256SUMS`` for the hashes of these names."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))


def sha256_bytes(data: bytes) -> str:
    """Hash of ``data``, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
