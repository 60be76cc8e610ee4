"""Documents: frozen dataclasses as plain JSON values, back again, and the JSON schema that says what they hold.

A dataclass is the one place where the shape of a document stands; the three functions read its annotations. Known are
text, numbers, truth, None, tuples, mappings with text as keys, unions with None, and dataclasses of all these.
"""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

_PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def plain(value: Any) -> Any:
    """``value`` as JSON holds it: dataclasses as mappings, tuples as lists, numbers that are none as null.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Line:
    ...     text: str
    ...     places: tuple[int, ...] = ()
    >>> plain(Line("up", (1, 2)))
    {'text': 'up', 'places': [1, 2]}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    return value


def restored(kind: Any, value: Any) -> Any:
    """What :func:`plain` made of a value of type ``kind``, as that again; keys of later versions are left out.

    Raises
    ------
    ValueError
        Naming the type that was expected and what was found.

    Examples
    --------
    >>> restored(tuple[tuple[str, float], ...], [["up", 1]])
    (('up', 1.0),)
    >>> restored(str, 3)
    Traceback (most recent call last):
    ValueError: expected string, found int
    """
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise ValueError(f"expected the fields of {kind.__name__}, found {type(value).__name__}")
        hints = _document_field_types(kind)
        return kind(**{name: restored(hint, value[name]) for name, hint in hints.items() if name in value})
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        return restored(next(one for one in inner if one is not type(None)), value)
    if origin is tuple and isinstance(value, list | tuple):
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(restored(one, part) for one, part in zip(kinds, value, strict=True))
    if origin is not None and isinstance(value, Mapping):
        return {key: restored(inner[1], one) for key, one in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is Any or (kind in _PLAIN and type(value) is kind):
        return value
    raise ValueError(f"expected {_PLAIN.get(kind, kind)}, found {type(value).__name__}")


def schema_of(kind: type, *, title: str) -> dict[str, Any]:
    """JSON schema (draft 2020-12) of the documents of a dataclass.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Line:
    ...     text: str
    >>> schema_of(Line, title="a line")["$defs"]["Line"]["properties"]
    {'text': {'type': 'string'}}
    """
    named: dict[str, Any] = {}
    root = _json_schema_of_dataclass(kind, named)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return {**head, **root, "$defs": dict(sorted(named.items()))}


def _json_schema_of_dataclass(kind: Any, named: dict[str, Any]) -> dict[str, Any]:
    if is_dataclass(kind) and isinstance(kind, type):
        if kind.__name__ not in named:
            named[kind.__name__] = {}
            hints = _document_field_types(kind)
            properties = {name: _json_schema_of_dataclass(hint, named) for name, hint in hints.items()}
            text = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
            named[kind.__name__] = {
                "type": "object", "description": text, "properties": properties, "required": list(hints),
            }  # fmt: skip
        return {"$ref": f"#/$defs/{kind.__name__}"}
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_json_schema_of_dataclass(one, named) for one in inner]}
    if origin is tuple and inner[-1] is Ellipsis:
        return {"type": "array", "items": _json_schema_of_dataclass(inner[0], named)}
    if origin is tuple:
        parts = [_json_schema_of_dataclass(one, named) for one in inner]
        return {"type": "array", "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}
    if origin is not None:
        return {"type": "object", "additionalProperties": _json_schema_of_dataclass(inner[1], named)}
    return {} if kind is Any else {"type": _PLAIN[kind]}


@cache
def _document_field_types(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
