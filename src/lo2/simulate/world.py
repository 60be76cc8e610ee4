"""The world of a run: containers and maps, clients' authorization, tokens, random draws; a request leaves its lines."""

import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lo2.simulate.cases import SERVICES, Case
from lo2.simulate.container import Container
from lo2.simulate.flows import FLOWS, OPERATIONS
from lo2.simulate.ids import Ids, basic_authorization
from lo2.simulate.schedule import java_time

_NEAR_CACHE_MISSES = 0.2
_THREAD_CHANGES = 0.002
_RECENT_TOKENS = 2
_PARTITIONS = 271
_THREADS = 16


class Cluster:
    """Who owns which key of the maps that all seven services share: drawn once per run; a key stays on one thread."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._owners = [SERVICES[at % len(SERVICES)] for at in rng.permutation(_PARTITIONS).tolist()]
        self._salt = int(rng.integers(2**32))
        self._heads = [f" [hz._hzInstance_1_dev.partition-operation.thread-{at}]   " for at in range(_THREADS)]

    def owner(self, key: str) -> tuple[str, str]:
        """Service that logs the operations on ``key``, and the head of its lines there."""
        partition = zlib.crc32(key.encode(), self._salt) % _PARTITIONS
        return self._owners[partition], self._heads[partition % _THREADS]


@dataclass
class Entities:
    """What the load generator knows of: a new process, so a new set, for every test."""

    ids: dict[str, list[str]] = field(default_factory=lambda: {"user": [], "service": [], "client": []})
    authorizations: dict[str, str] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    valid: set[str] = field(default_factory=set)


class World:
    """One deployment."""

    def __init__(self, rng: np.random.Generator, shown: tuple[str, ...]) -> None:
        self.rng = rng
        self.ids = Ids(rng)
        self.cluster = Cluster(rng)
        streams = zip(SERVICES, rng.spawn(len(SERVICES)), strict=True)
        self.containers = {name: Container(name, own, name in shown) for name, own in streams}
        self.entities = Entities()
        self.opens = 0.0
        self.pace = 1.0
        self.load = 1.0
        self._random = random.Random(int(rng.integers(2**63)))
        self.chance = self._random.random

    def open_test(self, opens: float) -> None:
        """Start a test whose times count from ``opens``."""
        self.entities = Entities()
        self.opens = opens
        self.pace = float(self.rng.lognormal(0.0, 0.04))

    def log_request(
        self, name: str, thread: int, at: float, values: Mapping[str, str], case: Case | None = None
    ) -> tuple[float, dict[str, str]]:
        """Log flow ``name``; returns how long it took in ms and the values it was made with."""
        flow = FLOWS[name]
        container = self.containers[flow.service]
        made = {**flow.flow_defaults, **container.constants}
        for field_name, shape in flow.flow_draws:
            made[field_name] = self.ids[shape]()
        made.update(values)
        took = flow.ms * self.pace * (0.5 + 0.5 * self.load) * (0.6 + 0.8 * self.chance())
        marks = case.marks if case else ()
        container.write_flow(
            flow, at, took, f"{self._request_head(container, thread)}{self.ids['id22']()} ", made, marks
        )
        for where, key in flow.stores:
            self._log_map_operation(where, made[key], at + took * 0.3, marks)
        return took, made

    def _request_head(self, container: Container, thread: int) -> str:
        """Head of the lines of the user's worker thread; now and then two users change places."""
        heads = container.heads
        if self.chance() < _THREAD_CHANGES:
            other = int(self.chance() * len(heads))
            heads[thread], heads[other] = heads[other], heads[thread]
        return heads[thread]

    def _log_map_operation(self, where: str, key: str, at: float, marks: tuple[str, ...]) -> None:
        """Log a map operation at the owner of ``key``."""
        if where.endswith(":l") and self.chance() > _NEAR_CACHE_MISSES:
            return
        owner, head = self.cluster.owner(key)
        values = {"key": key}
        if where.endswith(":X"):
            values.update(self.containers[owner].constants, jul_time=java_time(self.opens + at / 1000))
        self.containers[owner].write_flow(
            OPERATIONS[where], at, 2.0, head, values, tuple(mark for mark in marks if mark == key)
        )

    def client_authorization(self, client: str) -> str:
        """Header with which ``client`` authenticates."""
        known = self.entities.authorizations
        if client not in known:
            known[client] = basic_authorization(client, self.ids["id22"]())
        return known[client]

    def issue_token(self, token: str) -> str:
        """Remember a refresh token."""
        self.entities.tokens.append(token)
        self.entities.valid.add(token)
        return token

    def some_token(self) -> str:
        """One of the refresh tokens issued lately, used up or not."""
        recent = self.entities.tokens[-_RECENT_TOKENS:]
        return recent[int(self.chance() * len(recent))]

    def draw_values(self, values: Mapping[str, str]) -> dict[str, str]:
        """The values of a case, a fresh identifier for each ``<shape>``."""
        return {name: self.ids[value[1:-1]]() if value.startswith("<") else value for name, value in values.items()}
