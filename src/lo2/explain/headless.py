"""Imports of drawing libraries that work whatever ``MPLBACKEND`` says."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def headless() -> Iterator[None]:
    """Import inside it: no display is asked for, and what the libraries warn of at import is theirs to mend.

    matplotlib refuses to be imported when ``MPLBACKEND`` names a backend it does not know; shap imports matplotlib.
    """
    before = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = "agg"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if before is None:
            del os.environ["MPLBACKEND"]
        else:
            os.environ["MPLBACKEND"] = before
