"""Headers of other services' logs (``--profile tree``): ISO-8601 prefix, JSON lines, none; one function per format."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

Step = Callable[[bytes], tuple[Iterable[bytes], NDArray[np.bool_], NDArray[np.int64]]]

LOGBACK = re.compile(rb"^\d\d:\d\d:\d\d\.\d{3} \[[^\]\n]*\]  ")
_ISO = re.compile(
    rb"\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)\]?[ \t]*(.*)", re.DOTALL
)
_TIME_KEYS = ("timestamp", "@timestamp", "time", "ts", "asctime")
_LEVEL_KEYS = ("level", "severity", "levelname", "lvl")
_TEXT_KEYS = ("message", "msg", "event", "log")
_LOGGER_KEYS = ("logger", "name", "component")
_SAMPLE = 200


def detect_format(block: bytes) -> str:
    """Name of the format that most of the first lines have: ``logback``, ``iso``, ``json`` or ``none``.

    Examples
    --------
    >>> detect_format(b"2025-01-01T00:00:00Z INFO up" + bytes([10]))
    'iso'
    """
    lines = block.split(b"\n", _SAMPLE)[:_SAMPLE]
    votes = {
        "logback": sum(bool(LOGBACK.match(line)) for line in lines),
        "iso": sum(bool(_ISO.match(line)) for line in lines),
        "json": sum(_json_object(line) is not None for line in lines),
    }
    best = max(votes, key=lambda name: votes[name])
    return best if votes[best] else "none"


def _lines(block: bytes) -> list[bytes]:
    return [line.removesuffix(b"\r") for line in block.removesuffix(b"\n").split(b"\n")]


def _milliseconds(text: str) -> int | None:
    try:
        when = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return int(when.timestamp() * 1000)


def _iso(block: bytes) -> tuple[list[bytes], NDArray[np.bool_], NDArray[np.int64]]:
    bodies: list[bytes] = []
    flags: list[bool] = []
    times: list[int] = []
    for line in _lines(block):
        match = _ISO.match(line)
        when = _milliseconds(match[1].decode()) if match else None
        flags.append(when is not None)
        bodies.append(match[2] if match and when is not None else b"\n" + line)
        if when is not None:
            times.append(when)
    return bodies, np.array(flags, bool), np.array(times, np.int64)


def _json_object(line: bytes) -> dict[str, object] | None:
    if not line.lstrip().startswith(b"{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _first(record: dict[str, object], keys: tuple[str, ...]) -> str:
    return next((str(record[k]) for k in keys if record.get(k) is not None), "")


def _json_lines(block: bytes) -> tuple[list[bytes], NDArray[np.bool_], NDArray[np.int64]]:
    """Body is ``LEVEL logger - message``; a line that is no JSON object continues the event before it."""
    bodies: list[bytes] = []
    flags: list[bool] = []
    times: list[int] = []
    for line in _lines(block):
        record = _json_object(line)
        when = _milliseconds(_first(record, _TIME_KEYS)) if record else None
        flags.append(when is not None)
        if record is None or when is None:
            bodies.append(b"\n" + line)
            continue
        times.append(when)
        head = " ".join(filter(None, (_first(record, _LEVEL_KEYS).upper(), _first(record, _LOGGER_KEYS))))
        text = _first(record, _TEXT_KEYS) or line.decode("utf-8", "replace")
        bodies.append(f"{head} - {text}".replace("\n", " ").encode())
    return bodies, np.array(flags, bool), np.array(times, np.int64)


def _plain(block: bytes) -> tuple[list[bytes], NDArray[np.bool_], NDArray[np.int64]]:
    """Every line is an event without a time; an indented one continues the event before it."""
    lines = _lines(block)
    flags = np.array([not line[:1].isspace() for line in lines], bool)
    bodies = [line if flag else b"\n" + line for line, flag in zip(lines, flags, strict=True)]
    return bodies, flags, np.empty(0, np.int64)


FORMATS: Mapping[str, Step] = {"iso": _iso, "json": _json_lines, "none": _plain}
