"""Phases D and E: detectors. Sequences and a split go in, a ``Fitted`` model and predictions come out.

``MODELS`` names them all. To add one, write its family's file with a ``ModelSpec`` in its own ``MODELS`` and name the
family in ``table``: ``--models``, the battery of checks, bundles, the shortcut panel and explanations follow.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lo2.models.table import MODELS as MODELS


def __getattr__(name: str) -> Any:
    """``MODELS``, loaded when first asked for: options alone need no scikit-learn."""
    if name == "MODELS":
        from lo2.models.table import MODELS

        return MODELS
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
