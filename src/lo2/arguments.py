"""Arguments that programs give a function: options by name, shown in its signature, and paths; their types checked."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_origin

from lo2.errors import Lo2Error, UsageError
from lo2.options import built_options, option_flags, option_leaves
from lo2.registry import lookup

Function = TypeVar("Function", bound=Callable[..., Any])
Options = TypeVar("Options")
_FLAG = re.compile(r"(--[a-z-]+)( (?=['0-9A-Z-]))?")


def sign_with_options(*kinds: type) -> Callable[[Function], Function]:
    """Show the fields of these options dataclasses in the signature of a function that takes them as ``**fields``.

    What it refuses is said in its words: a name that it does not take is answered with those that it takes, and a flag
    of the command line has the name of its argument.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from lo2.options import Ranged, option
    >>> @dataclass(frozen=True)
    ... class PlayOptions(Ranged):
    ...     rounds: int = option(3, "How many rounds", flag="--play-rounds", least=1)
    >>> @sign_with_options(PlayOptions)
    ... def play(team: str, **fields: Any) -> None:
    ...     PlayOptions(**fields)
    >>> str(inspect.signature(play))
    '(team: str, *, rounds: int = 3) -> None'
    >>> play("red", rounds=0)
    Traceback (most recent call last):
    lo2.errors.UsageError: rounds=0 is out of range: expected at least 1
    """

    def shown_signature(function: Function) -> Function:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        more = {
            f.name: inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=f.type)
            for kind in kinds
            for f in option_leaves(kind)
            if f.name not in signature.parameters
        }
        signature = signature.replace(parameters=[*own, *more.values()])
        choices = {name: p for name, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY}
        names = {flag.split("/")[0]: name for kind in kinds for name, flag in option_flags(kind).items()}

        @wraps(function)
        def called(*args: Any, **given: Any) -> Any:
            for name in given.keys() - signature.parameters.keys():
                lookup(choices, name, kind=f"option of {function.__name__}()")
            try:
                return function(*args, **given)
            except Lo2Error as error:
                error.args = (_FLAG.sub(lambda flag: _flag_as_argument(flag, names), str(error)),)
                raise

        called.__signature__ = signature  # type: ignore[attr-defined]
        return called  # type: ignore[return-value]

    return shown_signature


def _flag_as_argument(flag: re.Match[str], names: Mapping[str, str]) -> str:
    """``name=`` before a value, ``name`` elsewhere; what is no flag of the options stays."""
    name, blank = names.get(flag[1]), flag[2] or ""
    return flag[0] if name is None else name + ("=" if blank else "")


def options_from_arguments(kinds: Sequence[type], values: Mapping[str, Any], *, what: str) -> list[Any]:
    """Options dataclasses from values by name, one each.

    Raises
    ------
    UsageError
        If a value is of another type.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from lo2.options import option
    >>> @dataclass(frozen=True)
    ... class PlayOptions:
    ...     rounds: int = option(3, "How many rounds")
    >>> options_from_arguments([PlayOptions], {"rounds": "many"}, what="play()")
    Traceback (most recent call last):
    lo2.errors.UsageError: The option rounds of play() is 'many', which is of type str. Expected int
    """
    known = {f.name: f for kind in kinds for f in option_leaves(kind)}
    taken = {name: _argument_value(value, known[name], what) for name, value in values.items()}
    return [built_options(kind, taken) for kind in kinds]


def options_as_given(
    kind: type[Options], given: object, fields: Mapping[str, Any], *, what: str, example: str
) -> Options:
    """Options that a program gave as one value (``given``), or by name as in the ``example``.

    Raises
    ------
    UsageError
        If the value is of another type, or both are given.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from lo2.options import option
    >>> @dataclass(frozen=True)
    ... class PlayOptions:
    ...     rounds: int = option(3, "How many rounds")
    >>> called = {"what": "play()", "example": "play(rounds=2)"}
    >>> options_as_given(PlayOptions, None, {"rounds": 2}, **called).rounds
    2
    >>> options_as_given(PlayOptions, PlayOptions(), {"rounds": 2}, **called)
    Traceback (most recent call last):
    lo2.errors.UsageError: play() takes options as one value or by name, not both: rounds
    """
    if given is None:
        [wanted] = options_from_arguments([kind], fields, what=what)
        return cast(Options, wanted)
    if not isinstance(given, kind):
        raise UsageError(f"{what} takes options by name, not {given!r}. Example: {example}")
    if fields:
        raise UsageError(f"{what} takes options as one value or by name, not both: {', '.join(sorted(fields))}")
    return given


def _argument_value(value: Any, of: Field[Any], what: str) -> Any:
    """``value`` as the field holds it: several where one text names them as on the command line, paths from text."""
    union = get_args(of.type) if get_origin(of.type) is not tuple else ()
    kinds = [get_origin(one) or one for one in union or (of.type,)]
    if tuple in kinds and isinstance(value, str):
        return (value,) if of.metadata["whole"] else tuple(value.replace(",", " ").split())
    if tuple in kinds and isinstance(value, list):
        return tuple(value)
    if isinstance(value, str | Path) and {str, Path} & set(kinds):
        return Path(value) if Path in kinds else str(value)
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()  # a number of its own type
    fits = isinstance(value, tuple(kinds)) and (bool in kinds or not isinstance(value, bool))
    if fits or (float in kinds and type(value) is int):
        return value
    expected = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
    raise UsageError(
        f"The option {of.name} of {what} is {value!r}, which is of type {type(value).__name__}. Expected {expected}"
    )


def as_path(value: Any, *, what: str) -> Path:
    """A path that a program gave.

    Raises
    ------
    UsageError
        If it is none.

    Examples
    --------
    >>> as_path(3, what="The root of load()")
    Traceback (most recent call last):
    lo2.errors.UsageError: The root of load() is 3, which is of type int. Expected a path
    """
    if isinstance(value, str | Path):
        return Path(value)
    raise UsageError(f"{what} is {value!r}, which is of type {type(value).__name__}. Expected a path")
