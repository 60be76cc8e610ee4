"""Kinds of values in files from elsewhere (flag, whole, number, text, array, each, pairs, table), and their faults.

A kind never calls anything of the value it looks at: exact classes, lengths and numbers only. The texts of refusals
name a type, never the value, whose ``repr`` may be endless.
"""

import math
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

Kind = Callable[[Any], bool]
MOST = 10_000_000
_WHOLE = ("int64", "int32", "uint32")
_NUMBERS = ("float64", "float32", *_WHOLE)


def _imported_numpy_kinds(*names: str) -> tuple[type, ...]:
    """Types of NumPy; none while nobody has imported it, since no value can be of them: documents need it not."""
    return _numpy_kind_types(names) if "numpy" in sys.modules else ()


@cache
def _numpy_kind_types(names: tuple[str, ...]) -> tuple[type, ...]:
    import numpy as np

    return tuple(getattr(np, name) for name in names)


def none(value: Any) -> bool:
    """Whether it is None."""
    return value is None


def flag(value: Any) -> bool:
    """Whether it is true or false."""
    return type(value) in (bool, *_imported_numpy_kinds("bool_"))


def number(low: float = -math.inf, high: float = math.inf) -> Kind:
    """A finite number between two bounds; true and false are none.

    Examples
    --------
    >>> number(0)(1.5), number(0)(-1), number()(float("nan")), number()(True), number()(10**999)
    (True, False, False, False, False)
    """
    return lambda value: (
        type(value) in (int, float, *_imported_numpy_kinds(*_NUMBERS))
        and (not isinstance(value, int) or abs(value) < 1 << 63)
        and math.isfinite(value)
        and bool(low <= value <= high)
    )


def whole(low: int = 0, high: int = MOST) -> Kind:
    """A whole number between two bounds."""
    return lambda value: type(value) in (int, *_imported_numpy_kinds(*_WHOLE)) and bool(low <= value <= high)


def text(*choices: str, longest: int = 1000) -> Kind:
    """One of ``choices``; without any, a text of at most ``longest`` characters."""
    return lambda value: type(value) is str and (value in choices if choices else len(value) <= longest)


def exactly(*values: Any) -> Kind:
    """One of these very objects."""
    return lambda value: any(value is one for one in values)


def either(*kinds: Kind) -> Kind:
    """Any of several kinds."""
    return lambda value: any(kind(value) for kind in kinds)


def each(kind: Kind, *holders: type, most: int = MOST) -> Kind:
    """A list (or another of ``holders``) whose members are all of a kind.

    Examples
    --------
    >>> each(whole())([1, 2]), each(whole())((1, 2)), each(whole(), tuple)((1, 2))
    (True, False, True)
    """
    classes = holders or (list,)
    return lambda value: type(value) in classes and len(value) <= most and all(kind(part) for part in value)


def pairs(key: Kind, kind: Kind, *holders: type) -> Kind:
    """A dictionary (or another of ``holders``) whose keys and values are of two kinds."""
    classes = holders or (dict,)
    return lambda value: type(value) in classes and all(key(k) and kind(v) for k, v in value.items())


def array(letters: str = "f", ndim: int = 1) -> Kind:
    """An array of finite numbers with one of these kinds of dtype (``f``, ``i``, ``u``, ``b``)."""

    def is_array(value: Any) -> bool:
        if type(value) not in _imported_numpy_kinds("ndarray") or value.ndim != ndim or value.dtype.kind not in letters:
            return False
        import numpy as np

        return value.dtype.kind != "f" or bool(np.isfinite(value).all())

    return is_array


def table(fields: Mapping[str, Kind], *required: str) -> Kind:
    """A dictionary of these fields; those ``required`` must be there, others must not."""
    return lambda value: type(value) is dict and not faults(value, fields, required=required, others=False)


def faults(
    values: Mapping[Any, Any], kinds: Mapping[str, Kind], *, required: tuple[str, ...] = (), others: bool
) -> list[str]:
    """What is wrong with a mapping: fields that are missing, of another kind, or (unless ``others``) unknown.

    Examples
    --------
    >>> faults({"n": "many", "x": 1}, {"n": whole(), "s": text()}, required=("s",), others=False)
    ["it lacks 's'", "'n' is a str of the wrong kind or size", "it holds an unknown 'x'"]
    """
    wrong = [f"it lacks {name!r}" for name in required if name not in values]
    for name, value in values.items():
        if type(name) is not str or (name not in kinds and not others):
            wrong.append(
                f"it holds an unknown {name[:60]!r}" if type(name) is str else "it holds a name that is no text"
            )
        elif name in kinds and not kinds[name](value):
            wrong.append(f"{name!r} is a {type(value).__name__} of the wrong kind or size")
    return wrong
