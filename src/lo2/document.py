"""Document values: frozen dataclasses as plain JSON values, and restored from them.

A dataclass is the one place where the shape of a document stands: both functions read its annotations, and so does
``tools/make_docs.py``, which writes the JSON schemas. Known are text, numbers, truth, None, tuples, mappings with text
as keys, unions with None, and dataclasses of all these.
"""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

_PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def document_values(value: Any) -> Any:
    """``value`` as JSON holds it: dataclasses as mappings, tuples as lists, numbers that are none as null.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Line:
    ...     text: str
    ...     places: tuple[int, ...] = ()
    >>> document_values(Line("up", (1, 2)))
    {'text': 'up', 'places': [1, 2]}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: document_values(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: document_values(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [document_values(one) for one in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    return value


def document_restored(kind: Any, value: Any) -> Any:
    """What :func:`document_values` made of a value of type ``kind``, as that again; keys of later versions stay out.

    A field whose metadata names a ``former`` key is read from that where its own is not there.

    Raises
    ------
    ValueError
        Naming the type that was expected and what was found.

    Examples
    --------
    >>> document_restored(tuple[tuple[str, float], ...], [["up", 1]])
    (('up', 1.0),)
    >>> document_restored(str, 3)
    Traceback (most recent call last):
    ValueError: expected string, found int
    """
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise ValueError(f"expected the fields of {kind.__name__}, found {type(value).__name__}")
        hints = _document_field_types(kind)
        former = {field.name: field.metadata.get("former", "") for field in fields(kind)}
        keys = {name: name if name in value else former[name] for name in hints}
        return kind(
            **{name: document_restored(hint, value[keys[name]]) for name, hint in hints.items() if keys[name] in value}
        )
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        return document_restored(next(one for one in inner if one is not type(None)), value)
    if origin is tuple and isinstance(value, list | tuple):
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(document_restored(one, part) for one, part in zip(kinds, value, strict=True))
    if origin is not None and isinstance(value, Mapping):
        return {key: document_restored(inner[1], one) for key, one in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is Any or (kind in _PLAIN and type(value) is kind):
        return value
    raise ValueError(f"expected {_PLAIN.get(kind, kind)}, found {type(value).__name__}")


@cache
def _document_field_types(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
