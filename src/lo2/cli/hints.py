"""Hints: commands in what is said, located by the flags of places that the user gave, which this call remembers."""

import re
import shlex
from collections.abc import Sequence

_given: list[str] = []
_PLACES = ("--variant", "--output-dir", "--models-dir", "--metrics-dir")
_COMMAND = re.compile(
    r"\blo2 (?:load|run|detect|score|explain|report|scan|restore|clean|pack|ledger|compare)\b(?! --help)(?!\.\w)"
)


def remember_call(arguments: Sequence[str]) -> None:
    """Keep the arguments of this call for its hints."""
    _given[:] = arguments


def imply_hint_flags(*arguments: str) -> None:
    """Add what a command does as if these had been given."""
    _given.extend(arguments)


def flags_for_hints(arguments: Sequence[str]) -> str:
    """The flags among ``arguments`` that say where results lie, as a shell takes them.

    Examples
    --------
    >>> flags_for_hints(["detect", "--variant=shop", "--models", "all", "--metrics-dir", "my metrics"])
    "--variant shop --metrics-dir 'my metrics'"
    """
    found = []
    for i, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in _PLACES and (equals or i + 1 < len(arguments)):
            found.append(f"{name} {shlex.quote(value if equals else arguments[i + 1])}")
    return " ".join(found)


def hints_with_flags(text: str, arguments: Sequence[str] | None = None) -> str:
    """``text`` with these flags, by default those of this call, behind every command that it names.

    Examples
    --------
    >>> hints_with_flags("Bring them back with: lo2 restore --all", ["scan", "--variant", "shop"])
    'Bring them back with: lo2 restore --variant shop --all'
    >>> hints_with_flags("Nothing was scored yet: run lo2 detect.", ["report", "--variant", "shop"])
    'Nothing was scored yet: run lo2 detect --variant shop.'
    """
    flags = flags_for_hints(_given if arguments is None else arguments)
    return _COMMAND.sub(lambda found: f"{found[0]} {flags}", text) if flags else text
