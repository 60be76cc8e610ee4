"""Flows: what each kind of request writes, lines with pauses, compiled into text that waits for a request's values."""

import re
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lo2.simulate.requests import (
    HEAD,
    LINES,
    TRACES,
    match_request_path,
    request_arrival,
    request_handling,
    request_validation,
)
from lo2.simulate.tables import simulation_table_rows

_DEFAULTS = {
    "clientType": "public",
    "clientProfile": "mobile",
    "userType": "admin",
    "serviceType": "swagger",
    "scope": "read write",
    "ownerId": "admin",
    "host": "lightapi.net",
    "redirectUri": "http://localhost:8000/authorization",
    "method": "S256",
}
_SHAPES = {
    **dict.fromkeys(("firstName", "lastName", "clientName", "serviceName"), "name"),
    **dict.fromkeys(("email", "password", "newPassword", "other", "clientDesc", "serviceDesc"), "uuid"),
    "challenge": "challenge",
    "code": "id22",
}
_PAUSE_MS = 0.12  # Between two ordinary lines of a request.
_SLOW_SHARE = 0.8  # Of a request's time goes by before its slow line.


@dataclass(frozen=True)
class Flow:
    """The lines of one kind of request and what it asks of the maps."""

    service: str
    lines: tuple[str, ...]
    slow: frozenset[int] = frozenset()
    stores: tuple[tuple[str, str], ...] = ()
    ms: float = 1.0

    @cached_property
    def text(self) -> str:
        """All lines, ready for ``%`` with the values of a request."""
        return re.sub(r"%(?!\()", "%%", "\n".join(self.lines))

    @cached_property
    def headed(self) -> NDArray[np.bool_]:
        """True for lines with a time; stack frames and stdout text have none."""
        return np.array([text.startswith(HEAD) for text in self.lines])

    @cached_property
    def pauses(self) -> NDArray[np.float64]:
        """Mean milliseconds before each line; a trace is written at once."""
        pauses = np.where(self.headed, _PAUSE_MS, 0.0)
        pauses[list(self.slow)] = self.ms * _SLOW_SHARE
        return pauses

    @cached_property
    def size(self) -> int:
        """Number of lines."""
        return len(self.lines)

    @cached_property
    def flow_defaults(self) -> dict[str, str]:
        """Values that are the same in every request."""
        return {name: _DEFAULTS[name] for name in self._flow_value_names if name in _DEFAULTS}

    @cached_property
    def flow_draws(self) -> tuple[tuple[str, str], ...]:
        """Values drawn for every request: name and shape."""
        return tuple((name, _SHAPES[name]) for name in self._flow_value_names if name in _SHAPES)

    @cached_property
    def _flow_value_names(self) -> list[str]:
        return sorted(set(re.findall(r"%\((\w+)\)s", self.text)))

    def first_line_with(self, part: str) -> int:
        """Index of the first line that holds ``part``, -1 without one."""
        return next((at for at, text in enumerate(self.lines) if part in text), -1)

    def insert_lines(self, lines: list[str], at: int) -> "Flow":
        """This flow with ``lines`` put in before line ``at``."""
        slow = frozenset(old if old < at else old + len(lines) for old in self.slow)
        return replace(self, lines=(*self.lines[:at], *lines, *self.lines[at:]), slow=slow)


def _request_flow(service: str, request: str, validated: str, then: str, stores: str, ms: str) -> Flow:
    method, path = request.split()
    tried = match_request_path(service, path)
    lines = request_arrival(path, tried)
    if "{" in tried[-1]:
        lines += request_validation(tried[-1].split("{")[1].rstrip("}") + "=%(id)s")
    for item in filter(None, validated.split("; ")):
        lines += request_validation(item)
    slow = set()
    for step in then.split():
        if step.startswith("~"):
            slow.add(len(lines))
        lines += request_handling(step.removeprefix("~"), method, path, tried[-1])
    operations = tuple((where, key) for where, _, key in (store.rpartition(":") for store in stores.split()))
    return Flow(service, tuple(lines), frozenset(slow), operations, float(ms))


def _map_operation_flow(where: str) -> Flow:
    """Lines that the owner of a key writes for ``map:operations``."""
    store, letters = where.split(":")
    words = {"L": "load - Load:", "S": "store - Store:", "D": "delete - Delete:", "X": "delete - Delete:"}
    logger = LINES[store].removesuffix(" - ")
    lines = [f"{logger} {words[letter.upper()]}%(key)s" for letter in letters]
    if letters == "X":
        lines += [f"{logger.replace('DEBUG', 'ERROR')} delete - Exception:", *TRACES["map_store"]]
    return Flow("", tuple(lines), frozenset(range(1, len(letters))), (), 2.0)


FLOWS = {name: _request_flow(*cells) for name, *cells in simulation_table_rows("flows")}
OPERATIONS = {where: _map_operation_flow(where) for flow in FLOWS.values() for where, _ in flow.stores}
