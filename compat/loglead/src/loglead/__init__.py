"""Stand-in for the one import line of the guide: ``from loglead import AnomalyDetector``, in this clone only."""

from importlib.metadata import PackageNotFoundError, version

try:
    _real = version("LogLead")
except PackageNotFoundError:
    from lo2 import AnomalyDetector as AnomalyDetector
else:
    raise ImportError(
        f"LogLead {_real} is installed: uninstall lo2-loglead-stand-in, which hides it, and use the real one"
    )
