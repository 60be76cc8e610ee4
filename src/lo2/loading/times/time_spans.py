"""Spans of time and moments as people write them, in ms: ``--window``, ``--since``, ``--until``."""

import re

from lo2.errors import UsageError

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)")
_WORTH = {"ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


def span_ms(text: str) -> int:
    """Milliseconds of ``90s``, ``15m``, ``1h`` or ``1d``.

    Examples
    --------
    >>> span_ms("15m")
    900000
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None or not float(match[1]):
        raise UsageError(f"--window {text!r} is no span. Give a number and a unit, such as 30s, 15m, 1h or 1d")
    return round(float(match[1]) * _WORTH[match[2]])


def moment_ms(name: str, text: str) -> int:
    """Milliseconds since the Unix epoch of an ISO date or time, UTC.

    Examples
    --------
    >>> moment_ms("--since", "2024-05-02")
    1714608000000
    """
    import numpy as np  # not for those who only read options

    try:
        return int(np.datetime64(text.strip().removesuffix("Z").replace(" ", "T"), "ms").astype(np.int64))
    except ValueError:
        raise UsageError(
            f"{name} {text!r} is no time. Give a date or a time in UTC, such as 2024-05-02 or 2024-05-02T08:00"
        ) from None
