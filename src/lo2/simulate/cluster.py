"""Who owns which key of the shared maps: all seven services form one Hazelcast cluster."""

import zlib

import numpy as np

from lo2.simulate.cases import SERVICES

_PARTITIONS = 271
_THREADS = 16


class Cluster:
    """Ownership of the partitions, drawn once per run; a key stays on one service and one thread."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._owners = [SERVICES[at % len(SERVICES)] for at in rng.permutation(_PARTITIONS).tolist()]
        self._salt = int(rng.integers(2**32))
        self._heads = [f" [hz._hzInstance_1_dev.partition-operation.thread-{at}]   " for at in range(_THREADS)]

    def owner(self, key: str) -> tuple[str, str]:
        """Service that logs the operations on ``key``, and the head of its lines there."""
        partition = zlib.crc32(key.encode(), self._salt) % _PARTITIONS
        return self._owners[partition], self._heads[partition % _THREADS]
