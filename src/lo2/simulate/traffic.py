"""The traffic of a test: who sends when, with pauses, from the first request to the end of the window."""

import heapq
from dataclasses import dataclass

import numpy as np

from lo2.simulate.schedule import Test
from lo2.simulate.users import THINK_MS, OAuthUser, User, users
from lo2.simulate.world import World

# Seconds from the opening of the window to the first request; the first test of a deployment finds cold JVMs.
_START_S = {"cold": (1.5, 4.7), "warm": (0.8, 1.6)}
_OAUTH_START_S = {"cold": (6.8, 7.8), "warm": (2.6, 7.6)}
# Half a minute into a test the whole system begins to pause now and then: four times in the real 60 s.
_CALM_S, _STALL_EVERY_S, _STALL_S = 30, 7.5, (0.8, 2.6)
# One process sends everything: the fewer users at work, the faster each of them goes. Load by their number.
_LOAD = [(working / 7) ** 1.2 for working in range(8)]


@dataclass
class _Pauses:
    """Stalls of a test, in ms since its clock's zero."""

    begin: list[float]
    end: list[float]

    def after(self, at: float) -> float:
        """``at``, or the end of the stall it falls into."""
        while self.begin and at >= self.end[0]:
            self.begin.pop(0)
            self.end.pop(0)
        return self.end[0] if self.begin and at >= self.begin[0] else at


def _traffic_pauses(rng: np.random.Generator, start: float, end: float, scale: float) -> _Pauses:
    calm = min(start + _CALM_S * 1000 * scale, end)
    every = _STALL_EVERY_S * 1000 * scale
    begin = np.arange(calm, end, every)
    begin += rng.uniform(0, every, begin.size)
    return _Pauses(begin.tolist(), (begin + rng.uniform(*_STALL_S, begin.size) * 1000 * scale).tolist())


def drive_traffic(world: World, test: Test, opens: float, scale: float, *, cold: bool) -> None:
    """Let the seven users work through the window of ``test``; times count in ms from ``opens``."""
    start, end = ((edge - opens) * 1000 for edge in (test.start, test.end))
    pauses = _traffic_pauses(world.rng, start, end, scale)
    crew = users(world, test.case)
    begins = [start + delay * 1000 * scale for delay in _traffic_start_delays(world.rng, crew, cold=cold)]
    waiting = sorted(zip(begins, range(len(crew)), strict=True))
    heapq.heapify(waiting)
    working: set[int] = set()
    while waiting:
        due, number = waiting[0]
        user = crew[number]
        at = pauses.after(due)
        if at >= end and not user.lacks_case_requests:
            heapq.heappop(waiting)
            continue
        user.share = (at - begins[number]) / max(end - begins[number], 1.0)
        busy = user.next_task(at)
        if user.waits:
            heapq.heapreplace(waiting, (at + busy * scale, number))
            continue
        working.add(number)
        world.load = _LOAD[len(working)]
        idle = THINK_MS[user.name] * world.pace * world.load * (0.2 + 1.6 * world.chance())
        heapq.heapreplace(waiting, (at + busy + idle, number))


def _traffic_start_delays(rng: np.random.Generator, crew: list[User], *, cold: bool) -> list[float]:
    state = "cold" if cold else "warm"
    oauth = float(rng.uniform(*_OAUTH_START_S[state]))
    return [
        oauth + float(rng.uniform(0, 0.2)) if isinstance(user, OAuthUser) else float(rng.uniform(*_START_S[state]))
        for user in crew
    ]
