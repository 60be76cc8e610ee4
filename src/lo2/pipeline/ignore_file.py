"""The ignore file on the disk: read with a safe reader, accepted findings added, written whole or not at all."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from lo2.artefacts.files import write_bytes
from lo2.diff.comparison import Comparison
from lo2.diff.ignored import Ignored, accept_as_ignored, parse_ignored
from lo2.errors import InputError, InputNotFoundError


def read_ignore_file(path: Path, today: date) -> Ignored:
    """Entries of the file.

    Raises
    ------
    InputNotFoundError
        If it is not there.
    InputError
        If it is no ignore file.
    """
    if not path.is_file():
        raise InputNotFoundError(f"{path} does not exist. --add-ignore ID --reason TEXT --ignore-file {path} makes it")
    return parse_ignored(_ignore_file_yaml(path), today)


def add_to_ignore_file(
    path: Path, found: Comparison, ids: Iterable[str], *, reason: str, until: str | None, today: date
) -> None:
    """Add findings to the file, which is made where it is missing."""
    document = _ignore_file_yaml(path) if path.is_file() else None
    if document is not None:
        parse_ignored(document, today)
    import yaml

    values = accept_as_ignored(document, found, ids, reason=reason, until=until, today=today)
    write_bytes(path, yaml.safe_dump(values, sort_keys=False, allow_unicode=False, width=120).encode())


def _ignore_file_yaml(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is no YAML that can be read ({str(error).splitlines()[0]})") from error
