"""One service's container: collects a test's requests and turns them into the file the dataset holds of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import add

import numpy as np
from numpy.typing import NDArray

from lo2.simulate.flows import Flow
from lo2.simulate.requests import HEAD, LINES, load_config, load_values

# The logging driver loses every second physical line; now and then it keeps or loses two in a row. 0.05 % of the lines
# are 0.5 % of the requests of ten lines.
_SLIP = 0.0005
# Lines whose time is up to 7 ms before the line above: threads race for the appender.
_RACE, _RACE_MS = 0.00075, 7

# What a JVM writes once, when it gets there first.
_FIRST_USE = {
    "mask": load_config("mask"),
    "status": load_config("status"),
    "body": load_config("body") + load_values(),
    "keyword": [LINES["keyword"]],
}
_AFTER_SPECIFICATION = 4


@dataclass(frozen=True)
class Planted:
    """One physical line that carries a case's mark, or a request of which no such line is left (``line`` 0)."""

    mark: str
    line: int


@dataclass(frozen=True)
class WrittenLog:
    """A finished file."""

    text: bytes
    lines: int
    planted: list[Planted]


@dataclass
class Container:
    """State of one service over a run."""

    service: str
    rng: np.random.Generator
    shown: bool = True
    constants: Mapping[str, str] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)
    _phase: int = 0
    _unloaded: set[str] = field(default_factory=set)
    _flows: list[Flow] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _times: list[tuple[float, float]] = field(default_factory=list)
    _marks: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Deploy: draw what stays for the life of the JVM."""
        self._phase = int(self.rng.integers(2))
        self.constants = {"hash": self.rng.bytes(4).hex(), "ip": f"172.24.0.{int(self.rng.integers(2, 18))}"}
        threads = self.rng.permutation(6)[:4] + 1
        self.heads = [f" [XNIO-1 task-{number}]  " for number in threads.tolist()]
        self._unloaded = set(_FIRST_USE) - {"body" if self.service != "code" else "mask"}

    def write_flow(
        self, flow: Flow, at: float, ms: float, head: str, values: Mapping[str, str], marks: tuple[str, ...] = ()
    ) -> None:
        """Log ``flow`` from ``at`` (ms since the window opened) for ``ms``; ``marks`` are to be found again."""
        if not self.shown:
            return
        if self._unloaded and flow.service:
            flow = self._container_class_loading(flow)
        if marks:
            self._marks.append((len(self._texts), marks))
        self._flows.append(flow)
        self._times.append((at, ms))
        self._texts.append((flow.flow_text % values).replace(HEAD, head))

    def _container_class_loading(self, flow: Flow) -> Flow:
        """``flow`` with what the JVM loads when it gets there first."""
        for name in sorted(self._unloaded):
            at = _container_first_use_line(name, flow)
            if at >= 0:
                self._unloaded.discard(name)
                flow = flow.insert_lines(_FIRST_USE[name], at)
        return flow

    def close_file(self, stamps: list[str], thin: int) -> WrittenLog:
        """File of the test that ends; ``stamps`` are the printed times, one per ms since the window opened."""
        flows, marks, lines = self._flows, self._marks, "\n".join(self._texts).split("\n") if self._texts else []
        sizes = np.fromiter((flow.flow_size for flow in flows), np.int64, len(flows))
        kept, times = self._container_lines_left(flows, sizes)
        printed = self._printed_container_times(times, len(stamps) - 1)[::thin]
        kept = kept[::thin]
        has_time = np.concatenate([flow.headed for flow in flows])[kept] if flows else np.zeros(0, bool)
        index = np.where(has_time, printed, len(stamps))
        stamps = [*stamps, ""]
        text = map(add, map(stamps.__getitem__, index.tolist()), map(lines.__getitem__, kept.tolist()))
        planted = _planted_marks_in_container(marks, lines, sizes, kept) if marks else []
        self._flows, self._texts, self._times, self._marks = [], [], [], []
        body = "\n".join(text) + "\n" if len(kept) else ""
        return WrittenLog(body.encode(), len(kept), planted)

    def _container_lines_left(
        self, flows: list[Flow], sizes: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Lines the logging driver leaves, as indices in the order of their times, and those times."""
        if not flows:
            return np.zeros(0, np.int64), np.zeros(0)
        starts, spans = np.array(self._times).T
        first = np.cumsum(sizes) - sizes
        pauses = np.concatenate([flow.pauses for flow in flows])
        elapsed = np.cumsum(pauses * self.rng.exponential(size=pauses.size))
        elapsed -= np.repeat(elapsed[first], sizes)
        squeeze = np.minimum(1.0, spans / np.maximum(elapsed[first + sizes - 1], 1e-9))
        times = np.repeat(starts, sizes) + elapsed * np.repeat(squeeze, sizes)
        order = np.argsort(times, kind="stable")
        phase = self._phase + np.arange(times.size) + np.cumsum(self.rng.random(times.size) < _SLIP)
        self._phase = int(phase[-1] + 1) % 2
        kept = order[phase % 2 == 0]
        return kept, times[kept]

    def _printed_container_times(self, times: NDArray[np.float64], last: int) -> NDArray[np.int64]:
        """Whole milliseconds, a few of them out of order."""
        printed = np.minimum(times.astype(np.int64), last)
        late = np.flatnonzero(self.rng.random(printed.size) < _RACE)
        late = late[(late > 0) & (np.diff(late, prepend=-2) > 1)]
        back = self.rng.integers(1, _RACE_MS + 1, late.size)
        printed[late] = np.maximum(printed[late - 1] - back, 0)
        return printed


def _container_first_use_line(name: str, flow: Flow) -> int:
    """Line of ``flow`` before which the first use of ``name`` shows, -1 for none."""
    if name == "keyword":
        return flow.first_line_with(" validate( ")
    if name != "status":
        return _AFTER_SPECIFICATION
    answer = flow.first_line_with('{"statusCode":')
    # In a token ApiException the answer is the second physical line.
    return answer if answer < 0 or flow.headed[answer] else answer - 1


def _planted_marks_in_container(
    marks: list[tuple[int, tuple[str, ...]]], lines: list[str], sizes: NDArray[np.int64], kept: NDArray[np.int64]
) -> list[Planted]:
    """Where the marks of the planted requests ended up."""
    place = np.zeros(len(lines), np.int64)
    place[kept] = np.arange(1, len(kept) + 1)
    ends = np.cumsum(sizes)
    found = []
    for request, words in marks:
        own = range(int(ends[request] - sizes[request]), int(ends[request]))
        hits = [(word, int(place[at])) for at in own if (word := next((w for w in words if w in lines[at]), ""))]
        left = [Planted(word, at) for word, at in hits if at]
        found += left or [Planted(hits[0][0], 0)]
    return found
