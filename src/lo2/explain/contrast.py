"""The contrast of a sequence with a normal one: rates of templates and tokens, and where their order parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lo2.features.words import words

_CLEAR = 2.0


@dataclass(frozen=True)
class ContrastSide:
    """One sequence as a contrast needs it: counts by token and by template id, order of templates, events."""

    tokens: Mapping[str, int]
    templates: Mapping[str, int]
    order: Any
    events: int

    @classmethod
    def from_sequence(cls, row: Mapping[str, Any], column: str) -> "ContrastSide":
        """From a row of the sequence table, whatever it has of these columns."""
        tokens = _contrast_bag_counts(row, column)
        templates = _contrast_bag_counts(row, "e_event_drain_id")
        events = row.get("seq_len") or sum(templates.values()) or sum(tokens.values())
        order = row.get("e_event_sequence")
        return cls(tokens, templates, order if order is None else np.asarray(order, np.int64), int(events) or 1)


def _contrast_bag_counts(row: Mapping[str, Any], column: str) -> dict[str, int]:
    names = row.get(column) or []
    return dict(zip(names, row.get(f"{column}_count") or [1] * len(names), strict=True))


@dataclass(frozen=True)
class Difference:
    """A template or token with its rate per event here and in the normal sequence."""

    text: str
    here: float
    normal: float

    def __str__(self) -> str:
        return f"{self.text} ({self.normal:.3g} -> {self.here:.3g})"


@dataclass(frozen=True)
class Contrast:
    """Templates and tokens that are rarer (``missing``) and more frequent (``extra``) than in the normal sequence."""

    missing: tuple[Difference, ...]
    extra: tuple[Difference, ...]
    diverges_at: str


def contrast(
    here: ContrastSide, normal: ContrastSide, *, limit: int, texts: Mapping[str, str] | None = None
) -> Contrast:
    """What ``here`` lacks and has beyond ``normal``, per event and not in raw counts, the clearest first.

    Named is what only one side holds, and what is at least twice as frequent on one side beyond what chance explains
    (two-sample Poisson statistic above 2). Templates take at most half of ``limit``; a token that one of them shows
    is not repeated.

    Examples
    --------
    >>> quiet, noisy = ContrastSide({"up": 4}, {}, None, 4), ContrastSide({"up": 4, "ERR1": 2}, {}, None, 4)
    >>> [str(one) for one in contrast(noisy, quiet, limit=3).extra]
    ['ERR1 (0 -> 0.5)']
    """
    known = texts or {}
    lines = _contrasting_rates(here.templates, normal.templates, here.events, normal.events)
    single = _contrasting_rates(here.tokens, normal.tokens, here.events, normal.events)
    found = []
    for sign in (-1, 1):
        chosen = [(known.get(name, name), a, b) for name, a, b, z in lines if z * sign > 0][: (limit + 1) // 2]
        read = {word for text, _, _ in chosen for word in words(text)}
        chosen += [(name, a, b) for name, a, b, z in single if z * sign > 0 and name not in read]
        found.append(tuple(Difference(_contrast_on_line(text), a, b) for text, a, b in chosen[:limit]))
    return Contrast(found[0], found[1], _first_order_contrast(here.order, normal.order, known))


def _contrasting_rates(
    here: Mapping[str, int], normal: Mapping[str, int], n: int, m: int
) -> list[tuple[str, float, float, float]]:
    """(name, rate here, rate in the normal, z) of what differs clearly, the clearest first."""
    names = sorted({*here, *normal})
    a = np.array([here.get(name, 0) for name in names], np.float64)
    b = np.array([normal.get(name, 0) for name in names], np.float64)
    z = (a / n - b / m) / np.sqrt(np.maximum(a + b, 1) / (n + m) * (1 / n + 1 / m))
    ratio = np.maximum(a / n, b / m) / np.maximum(np.minimum(a / n, b / m), 1e-12)
    keep = np.flatnonzero((a == 0) | (b == 0) | ((np.abs(z) > _CLEAR) & (ratio >= 2)))
    order = sorted(keep.tolist(), key=lambda i: (-abs(round(float(z[i]), 9)), names[i]))
    return [(names[i], float(a[i] / n), float(b[i] / m), float(z[i])) for i in order]


def _first_order_contrast(here: Any, normal: Any, texts: Mapping[str, str]) -> str:
    """Number of the first event that differs, from 1, with both templates; "" where the order agrees throughout."""
    if here is None or normal is None:
        return ""
    a, b = np.asarray(here, np.int64), np.asarray(normal, np.int64)
    length = min(a.size, b.size)
    parts = np.flatnonzero(a[:length] != b[:length])
    if not parts.size and a.size == b.size:
        return ""
    first = int(parts[0]) if parts.size else length
    sides = (
        _contrast_on_line(_contrast_template_text(side[first], texts)) if first < side.size else "end of log"
        for side in (a, b)
    )
    return f"{first + 1}: {' | normal: '.join(sides)}"


def _contrast_template_text(number: int, texts: Mapping[str, str]) -> str:
    return texts.get(f"{number:08x}", f"{number:08x}")


def _contrast_on_line(text: str) -> str:
    """``text`` of a template with its line feeds written out."""
    return " ".join(text.split())
