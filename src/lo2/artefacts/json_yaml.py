"""JSON and YAML from elsewhere, decoded and parsed within bounds: size, depth, number of values, aliases.

A YAML alias may stand for a million nodes, and a merge key copies them; a deep list ends the stack of a C parser. So
the text is measured before anything is made of it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lo2.visible import visible

MAX_BYTES = 32 << 20
MAX_VALUES = 4_000_000
# Of a YAML document, whose nodes weigh much until they are values.
MAX_NODES = 500_000
MAX_DEPTH = 40


class DocumentError(ValueError):
    """A document that is damaged, too large, too deep, or no mapping; the callers name the file."""


def read_bounded_text(path: Path, *, most: int = MAX_BYTES) -> str:
    """Text of a file of at most ``most`` bytes.

    Raises
    ------
    DocumentError
        If it is no plain file, larger, or not UTF-8.
    """
    if not path.is_file():
        raise DocumentError("it is no file")
    if path.stat().st_size > most:
        raise DocumentError(f"it has {path.stat().st_size:,} bytes, more than {most:,}")
    return decode_bounded_text(path.read_bytes())


def decode_bounded_text(data: bytes) -> str:
    """UTF-8 text of ``data``, which is an error of ours if it is none."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError(f"it is not UTF-8 ({error.reason} at byte {error.start})") from error


def parse_json(text: str) -> dict[str, Any]:
    """Mapping that a JSON text holds.

    Examples
    --------
    >>> parse_json('{"a": [1]}')
    {'a': [1]}
    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
    ...
    lo2.artefacts.json_yaml.DocumentError: it is nested too deeply
    """
    _check_text_bounds(len(text), text.count(",") + text.count("[") + text.count("{"))
    try:
        return _checked_yaml_mapping(json.loads(text, parse_constant=_refuse_json_constant))
    except RecursionError as error:
        raise DocumentError("it is nested too deeply") from error
    except DocumentError:
        raise
    except ValueError as error:
        raise DocumentError(f"it is no JSON ({_short_yaml_error(error)})") from error


def parse_yaml(text: str) -> dict[str, Any]:
    """Mapping that a YAML text holds; empty for an empty text.

    Examples
    --------
    >>> parse_yaml("a: [1, 2]")
    {'a': [1, 2]}
    >>> parse_yaml("a: &a [1]\\nb: [*a, *a]")["b"]
    [[1], [1]]
    >>> parse_yaml("a: &a [*a]")
    Traceback (most recent call last):
    ...
    lo2.artefacts.json_yaml.DocumentError: an alias stands inside of what it stands for
    """
    import yaml  # commands that read no card start without it

    _check_text_bounds(len(text), 0)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_yaml_bounds(text, yaml, loader)
        found = yaml.load(text, Loader=loader)  # one of the safe ones
        return {} if found is None else _checked_yaml_mapping(found)
    except RecursionError as error:
        raise DocumentError("it is nested too deeply") from error
    except DocumentError:
        raise
    # Values that match a type and are none: dates without such a day, numbers without digits.
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, OverflowError, KeyError) as error:
        raise DocumentError(f"it is no YAML ({_short_yaml_error(error)})") from error


def _check_yaml_bounds(text: str, yaml: Any, loader: Any) -> None:
    """Refuse a text whose aliases, depth or number of nodes are beyond bounds, without making anything of it."""
    sizes: dict[str | None, int | None] = {}
    open_nodes: list[tuple[str | None, int]] = []
    total = documents = 0
    for event in yaml.parse(text, Loader=loader):
        documents += isinstance(event, yaml.DocumentStartEvent)
        if isinstance(event, yaml.AliasEvent):
            size = sizes.get(event.anchor, 0)
            if size is None:
                raise DocumentError("an alias stands inside of what it stands for")
            total += size
        elif isinstance(event, yaml.ScalarEvent):
            if event.value == "<<" and event.implicit[0]:
                raise DocumentError("it merges keys, which no lo2 writes")
            total += 1
            sizes |= {event.anchor: 1} if event.anchor else {}
        elif isinstance(event, yaml.CollectionStartEvent):
            total += 1
            open_nodes.append((event.anchor, total))
            sizes |= {event.anchor: None} if event.anchor else {}
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            sizes |= {anchor: total - before + 1} if anchor else {}
        if len(open_nodes) > MAX_DEPTH:
            raise DocumentError("it is nested too deeply")
        if total > MAX_NODES or documents > 1 or len(sizes) > 100_000:
            raise DocumentError("it holds several documents, or more values than lo2 writes")


def _check_text_bounds(size: int, values: int) -> None:
    if size > MAX_BYTES or values > MAX_VALUES:
        raise DocumentError(f"it has {size:,} characters or {values:,} values, more than lo2 writes")


def _checked_yaml_mapping(found: Any) -> dict[str, Any]:
    if type(found) is not dict:
        raise DocumentError(f"it holds no mapping but a {type(found).__name__}")
    deep = [(found, 1)]
    while deep:
        part, depth = deep.pop()
        if depth > MAX_DEPTH:
            raise DocumentError("it is nested too deeply")
        inner = part.values() if isinstance(part, Mapping) else part
        deep.extend((one, depth + 1) for one in inner if type(one) in (dict, list))
    return found


def _refuse_json_constant(name: str) -> Any:
    raise DocumentError(f"it holds {name}, which is no number of JSON")


def _short_yaml_error(error: Exception) -> str:
    """First words of an error, which may quote the document."""
    return visible(" ".join(str(error).split()))[:160]
