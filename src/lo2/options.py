"""Options declared once: a field of a frozen dataclass with its help text; flags and records derive from it.

Options may hold others, those of their parts: a field whose default is an options dataclass. Flags lie flat, records
are nested as the options are.
"""

import math
import shlex
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from typing import Any, get_type_hints

from lo2.errors import UsageError


def option(
    default: Any,
    text: str,
    *,
    flag: str | None = None,
    whole: bool = False,
    more: bool = False,
    least: float | None = None,
    most: float | None = None,
) -> Any:
    """Field of an options dataclass.

    Parameters
    ----------
    default : object
        Its default; mutable values are not options. ``MISSING`` of ``dataclasses`` where it must be given.
    text : str
        One line for ``--help`` and the docs.
    flag : str, optional
        Flag on the command line where it is not the field's own name with dashes; a short one may follow a blank.
    whole : bool
        Each value of a list is taken as it stands, blanks and commas included: patterns.
    more : bool
        Only ``--help-all`` shows it: what few people need.
    least, most : number, optional
        The range of a number, or of each number of several; dataclasses that derive from ``Ranged`` hold to it. A
        greatest number comes with a least one.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class PlayOptions:
    ...     rounds: int = option(3, "How many rounds")
    >>> PlayOptions().rounds, option_flags(PlayOptions)
    (3, {'rounds': '--rounds'})
    """
    facts = {"help": text, "flag": flag, "whole": whole, "more": more, "least": least, "most": most}
    return field(default=default, metadata=facts)


class Ranged:
    """Base of options dataclasses whose numbers have a range.

    Raises
    ------
    UsageError
        When one is made with a number outside.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class PlayOptions(Ranged):
    ...     rounds: int = option(3, "How many rounds", least=1)
    >>> PlayOptions(rounds=0)
    Traceback (most recent call last):
    lo2.errors.UsageError: --rounds 0 is out of range: expected at least 1
    """

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type]
            least, most = one.metadata.get("least"), one.metadata.get("most")
            value = getattr(self, one.name)
            for number in value if isinstance(value, tuple) else (value,):
                if least is None or not isinstance(number, int | float) or least <= number <= (most or math.inf):
                    continue
                expected = f"at least {least:g}" if most is None else f"{least:g} to {most:.10g}"
                flag = option_flags(type(self))[one.name]
                raise UsageError(f"{flag} {number} is out of range: expected {expected}")


def shared_options(kind: type, name: str, **changes: Any) -> Any:
    """Field of an options dataclass that is one of ``kind`` again, but for ``changes`` of what ``option`` takes.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class PlayOptions:
    ...     rounds: int = option(3, "How many rounds")
    >>> @dataclass(frozen=True)
    ... class TrainingOptions:
    ...     rounds: int = shared_options(PlayOptions, "rounds", text="How many a day")
    >>> TrainingOptions().rounds, fields(TrainingOptions)[0].metadata["help"]
    (3, 'How many a day')
    """
    one = next(f for f in fields(kind) if f.name == name)
    given = {
        "text": one.metadata["help"],
        **{key: one.metadata[key] for key in ("flag", "whole", "more", "least", "most")},
        **changes,
    }
    return option(one.default, **given)


def option_leaves(kind: type, held: Any = None) -> Iterator[Field[Any]]:
    """Fields of an options dataclass and of those that it holds, in their order, with the defaults that these hold.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class BallOptions:
    ...     size: int = option(5, "How large")
    >>> @dataclass(frozen=True)
    ... class PlayOptions:
    ...     rounds: int = option(3, "How many rounds")
    ...     ball: BallOptions = BallOptions()
    >>> [f.name for f in option_leaves(PlayOptions)], built_options(PlayOptions, {"size": 4})
    (['rounds', 'size'], PlayOptions(rounds=3, ball=BallOptions(size=4)))
    """
    for one in fields(kind):
        own = copy(one)
        own.default = one.default if held is None else getattr(held, one.name)
        if is_dataclass(own.default):
            yield from option_leaves(type(own.default), own.default)
        else:
            yield own


def built_options(kind: type, values: Mapping[str, Any], held: Any = None) -> Any:
    """Options dataclass from the values of its leaves by name; what is not there has its default."""
    changes = {}
    for one in fields(kind):
        default = one.default if held is None else getattr(held, one.name)
        if is_dataclass(default):
            changes[one.name] = built_options(type(default), values, default)
        elif one.name in values:
            changes[one.name] = values[one.name]
    return kind(**changes) if held is None else replace(held, **changes)


@dataclass(frozen=True)
class Shown:
    """Which leaves of options ``--help`` shows where a command takes them: ``Annotated[PlayOptions, Shown("size")]``.

    The rest is left to ``--help-all``. Without it, what is declared with ``more`` is.
    """

    names: str


def shown_options(hint: Any) -> set[str]:
    """Names of the leaves that ``--help`` shows of an options dataclass, which may be annotated with ``Shown``.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from typing import Annotated
    >>> @dataclass(frozen=True)
    ... class PlayOptions:
    ...     rounds: int = option(3, "How many rounds")
    ...     breaks: int = option(0, "How many breaks", more=True)
    >>> shown_options(PlayOptions), shown_options(Annotated[PlayOptions, Shown("breaks")])
    ({'rounds'}, {'breaks'})
    """
    for mark in getattr(hint, "__metadata__", ()):
        if isinstance(mark, Shown):
            return set(mark.names.split())
    hints, names = get_type_hints(hint, include_extras=True), set()
    for one in fields(hint):
        if is_dataclass(one.default):
            names |= shown_options(hints[one.name])
        elif "help" in one.metadata and not one.metadata["more"]:
            names.add(one.name)
    return names


def option_flag(one: Field[Any]) -> str:
    """Flags of a field, parted by blanks: its own name with dashes where it names none."""
    return str(one.metadata["flag"] or "--" + one.name.replace("_", "-"))


def option_flags(options: type) -> dict[str, str]:
    """Flag of every field of an options dataclass that has a help text."""
    return {one.name: option_flag(one).split()[0] for one in option_leaves(options) if "help" in one.metadata}


def options_as_flags(options: Any) -> str:
    """The flags that give these options on the command line, as a shell takes them; nothing for a default.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class PlayOptions:
    ...     rounds: int = option(3, "How many rounds")
    ...     teams: tuple[str, ...] = option((), "Who plays")
    ...     outside: bool = option(False, "In the open")
    >>> options_as_flags(PlayOptions(teams=("a", "b c"), outside=True))
    "--teams 'a,b c' --outside"
    """
    names, said = option_flags(type(options)), []
    for one, held in zip(option_leaves(type(options)), option_leaves(type(options), options), strict=True):
        value, flag = held.default, names.get(one.name, "").split("/")[0]
        if not flag or value is None or value == one.default:
            continue
        if isinstance(value, bool):
            said.append(flag if value else f"--no-{flag[2:]}")
        elif isinstance(value, tuple):
            texts = [str(part) for part in value]
            said += [f"{flag} {shlex.quote(text)}" for text in (texts if one.metadata["whole"] else [",".join(texts)])]
        else:
            said.append(f"{flag} {shlex.quote(str(value))}")
    return " ".join(said)


def record_options(options: Any) -> dict[str, Any]:
    """Options as plain JSON values, for provenance and model cards.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class PlayOptions:
    ...     services: tuple[str, ...] = option(("a",), "Which")
    >>> record_options(PlayOptions())
    {'services': ['a']}
    """
    values = {f.name: getattr(options, f.name) for f in fields(options)}
    return {
        name: record_options(value) if is_dataclass(value) else list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
    }


def restore_options(options: type, values: dict[str, Any]) -> Any:
    """Options dataclass from what :func:`record_options` gave; the dataclass refuses unknown keys of later versions."""
    tuples = {f.name for f in fields(options) if isinstance(f.default, tuple)}
    return options(**{k: tuple(v) if k in tuples and v is not None else v for k, v in values.items()})
