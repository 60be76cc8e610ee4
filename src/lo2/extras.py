"""Libraries that not every install holds: which extra brings each, and the refusal that names it."""

from collections.abc import Mapping
from importlib.util import find_spec

from lo2.errors import MissingExtraError

EXTRAS: Mapping[str, str] = {
    "matplotlib": "explain",
    "shap": "explain",
    "xgboost": "models",
    "distributed": "dask",
    "backports.zstd": "zstd",
}
"""Extra of ``pyproject.toml`` that installs each library."""


def need(library: str, *, what: str) -> None:
    """Refuse, before work starts, ``what`` needs a library that is not installed.

    Raises
    ------
    MissingExtraError
        Naming the extra and the command that installs it.

    Examples
    --------
    >>> need("shap", what="Explaining the forest")
    """
    if not installed(library):
        raise MissingExtraError(f"{what} needs {library}: pip install 'lo2-pipeline[{EXTRAS[library]}]'")


def installed(library: str) -> bool:
    """Whether a library could be imported, without importing it.

    Examples
    --------
    >>> installed("polars"), installed("nowhere.at_all")
    (True, False)
    """
    try:
        return find_spec(library) is not None
    except ImportError:  # nor is the package that would hold it
        return False
