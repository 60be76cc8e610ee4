"""Extras, libraries that not every install holds: which extra brings each, and the refusal that names it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

from lo2.errors import MissingExtraError

EXTRAS: Mapping[str, str] = {
    "sklearn": "detect",
    "scipy": "detect",
    "matplotlib": "explain",
    "shap": "explain",
    "xgboost": "models",
    "distributed": "dask",
    "backports.zstd": "zstd",
}
"""Extra of ``pyproject.toml`` that installs each library."""


def need_extra(library: str, *, what: str) -> None:
    """Refuse, before work starts, ``what`` needs a library that is not installed.

    Raises
    ------
    MissingExtraError
        Naming the extra and the command that installs it.

    Examples
    --------
    >>> need_extra("shap", what="Explaining the forest")
    """
    if not library_installed(library):
        raise _missing_extra_refusal(library, what, EXTRAS[library])


def _missing_extra_refusal(library: str, what: str, extra: str) -> MissingExtraError:
    name = {"sklearn": "scikit-learn"}.get(library, library)
    return MissingExtraError(f"{what} needs {name}: pip install 'lo2-pipeline[{extra}]'")


@contextmanager
def naming_extra(what: str, *, extra: str = "") -> Iterator[None]:
    """Context in which importing a library that an extra would bring is refused as ``need_extra`` refuses it.

    ``extra`` is the one to name where ``what`` needs more than that library.

    Examples
    --------
    >>> with naming_extra("Training"):
    ...     raise ModuleNotFoundError("No module named 'sklearn.base'", name="sklearn.base")
    Traceback (most recent call last):
    lo2.errors.MissingExtraError: Training needs scikit-learn: pip install 'lo2-pipeline[detect]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        raise _missing_extra_refusal(library, what, extra or EXTRAS[library]) from error


def library_installed(library: str) -> bool:
    """Whether a library could be imported, without importing it.

    Examples
    --------
    >>> library_installed("polars"), library_installed("nowhere.at_all")
    (True, False)
    """
    try:
        return find_spec(library) is not None
    except ImportError:  # nor is the package that would hold it
        return False
