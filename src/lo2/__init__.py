"""Explainable log-anomaly pipeline for LO2 and for any text logs.

Seven names are all a program needs: ``diff`` (which lines of a bad log are unusual against good ones), ``load`` (raw
logs to sequences), ``detect`` (train, threshold, score), ``open_bundle`` (score with a saved model), ``explain`` (why),
``templates`` (the statements behind any messages), and ``AnomalyDetector`` (the guide's reuse lines).
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lo2.detector import AnomalyDetector
    from lo2.features.variables import templates
    from lo2.pipeline.api import detect, explain, matrix, open_bundle
    from lo2.pipeline.detection import Detection
    from lo2.pipeline.diff import diff
    from lo2.pipeline.load import LoadedLogs, load

__version__ = "0.1.0"
__all__ = [
    "AnomalyDetector",
    "Detection",
    "LoadedLogs",
    "detect",
    "diff",
    "explain",
    "load",
    "matrix",
    "open_bundle",
    "templates",
]

_HOMES = {
    "AnomalyDetector": "lo2.detector",
    "Detection": "lo2.pipeline.detection",
    "LoadedLogs": "lo2.pipeline.load",
    "detect": "lo2.pipeline.api",
    "diff": "lo2.pipeline.diff",
    "explain": "lo2.pipeline.api",
    "load": "lo2.pipeline.load",
    "matrix": "lo2.pipeline.api",
    "open_bundle": "lo2.pipeline.api",
    "templates": "lo2.features.variables",
}


class _Public(ModuleType):
    """The package itself: ``lo2.explain`` and ``lo2.diff`` are functions, also once packages so named are imported."""

    @property
    def explain(self) -> Any:
        """Explanations of a detection."""
        return _lazy_attribute("explain")

    @explain.setter
    def explain(self, package: ModuleType) -> None:
        """Let the import system bind the subpackage; ``from lo2.explain import ...`` finds it all the same."""

    @property
    def diff(self) -> Any:
        """Findings of bad logs against good ones."""
        return _lazy_attribute("diff")

    @diff.setter
    def diff(self, package: ModuleType) -> None:
        """Let the import system bind the subpackage ``diff``, as it does ``explain``."""


sys.modules[__name__].__class__ = _Public


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import lo2`` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lo2' has no attribute {name!r}")
    return _lazy_attribute(name)


def _lazy_attribute(name: str) -> Any:
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
