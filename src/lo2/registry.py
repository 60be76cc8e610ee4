"""Look-up by name in the tables of loaders, features, models, artefacts and commands."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

from lo2.errors import UsageError

T = TypeVar("T")


class Named(dict[str, T]):
    """Results by name, for programs: a name that is not there is answered with those that are.

    Examples
    --------
    >>> Named("detector", {"knn_words": 1})["knnwords"]
    Traceback (most recent call last):
    lo2.errors.UsageError: There is no detector 'knnwords'. Did you mean 'knn_words'? Choices: knn_words
    """

    def __init__(self, kind: str, values: Mapping[str, T]) -> None:
        super().__init__(values)
        self.kind = kind

    def __missing__(self, name: str) -> T:
        """Refuse a name."""
        return lookup(dict(self), name, kind=self.kind)


def lookup(table: Mapping[str, T], name: str, *, kind: str) -> T:
    """Value that ``table`` holds under ``name``.

    Parameters
    ----------
    table : mapping of str to T
        The choices.
    name : str
        What was asked for.
    kind : str
        What the choices are, in the singular, for the message: ``"model"``.

    Raises
    ------
    UsageError
        If there is no such name; the message lists the choices and the nearest one.

    Examples
    --------
    >>> lookup({"lr_words": 1, "knn_words": 2}, "knn_words", kind="model")
    2
    """
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(f"There is no {kind} {name!r}.{hint} Choices: {', '.join(sorted(table))}")
