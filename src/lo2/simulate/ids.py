"""Random identifiers in the shapes the services print (uuids, base64url, Basic headers), drawn in batches."""

import base64
from collections.abc import Callable, Iterator

import numpy as np

_BATCH = 512


def _base64url_ids(raw: bytes, size: int, chars: int) -> list[str]:
    """Each ``size`` bytes of ``raw`` as the first ``chars`` characters of their base64url form."""
    padded = -(-size // 3) * 3
    rows = np.zeros((len(raw) // size, padded), np.uint8)
    rows[:, :size] = np.frombuffer(raw, np.uint8).reshape(-1, size)
    text = base64.urlsafe_b64encode(rows.tobytes()).decode()
    width = padded // 3 * 4
    return [text[at : at + chars] for at in range(0, len(text), width)]


def _random_uuid4_bytes(rng: np.random.Generator) -> bytes:
    raw = np.frombuffer(rng.bytes(16 * _BATCH), np.uint8).reshape(-1, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    return raw.tobytes()


def _dashed_uuid_ids(raw: bytes, last: int) -> list[str]:
    """UUIDs in their printed form, the last group cut to ``last`` digits."""
    text = raw.hex()
    return [
        f"{text[a : a + 8]}-{text[a + 8 : a + 12]}-{text[a + 12 : a + 16]}-{text[a + 16 : a + 20]}"
        f"-{text[a + 20 : a + 20 + last]}"
        for a in range(0, len(text), 32)
    ]


def _random_basic_headers(rng: np.random.Generator, user: str = "") -> list[str]:
    """Authorization headers of an unknown client, or of ``user`` with an unknown secret."""
    names = [user] * _BATCH if user else _dashed_uuid_ids(_random_uuid4_bytes(rng), 12)
    secrets = _base64url_ids(_random_uuid4_bytes(rng), 16, 22)
    return [basic_authorization(name, secret) for name, secret in zip(names, secrets, strict=True)]


def basic_authorization(user: str, secret: str) -> str:
    """Authorization header of ``user``.

    Examples
    --------
    >>> basic_authorization("admin", "123456")
    'Basic YWRtaW46MTIzNDU2'
    """
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


_SHAPES: dict[str, Callable[[np.random.Generator], list[str]]] = {
    "uuid": lambda rng: _dashed_uuid_ids(_random_uuid4_bytes(rng), 12),
    "name": lambda rng: _dashed_uuid_ids(_random_uuid4_bytes(rng), 8),
    "hex8": lambda rng: [rng.bytes(4).hex() for _ in range(_BATCH)],
    "id22": lambda rng: _base64url_ids(_random_uuid4_bytes(rng), 16, 22),
    "challenge": lambda rng: _base64url_ids(rng.bytes(32 * _BATCH), 32, 43),
    "short_verifier": lambda rng: _base64url_ids(rng.bytes(30 * _BATCH), 30, 40),
    "basic": _random_basic_headers,
    "basic_no_id": lambda rng: _random_basic_headers(rng, "no_id"),
}


class Ids:
    """Endless supply of every shape: ``ids["uuid"]()`` is the next one."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._next = {shape: self._supply_ids(rng, shape).__next__ for shape in _SHAPES}

    @staticmethod
    def _supply_ids(rng: np.random.Generator, shape: str) -> Iterator[str]:
        while True:
            yield from _SHAPES[shape](rng)

    def __getitem__(self, shape: str) -> Callable[[], str]:
        """Function that returns the next identifier of this shape."""
        return self._next[shape]
