"""What to simulate, and what came of it."""

from dataclasses import dataclass
from pathlib import Path

from lo2.options import Ranged, option
from lo2.registry import lookup
from lo2.simulate.cases import CASES, SERVICES, Case


@dataclass(frozen=True)
class SimulateOptions(Ranged):
    """Size and kind of a simulated tree; the command's flags are these fields.

    Examples
    --------
    >>> [case.name for case in SimulateOptions(test_cases=("get_token_404",)).case_candidates()]
    ['get_token_404']
    """

    runs: int = option(10, "Runs to write", least=1)
    errors_per_run: int | None = option(None, "Error cases per run, drawn anew for every run (default all 53)", least=0)
    service_types: tuple[str, ...] = option(
        (), "Services whose logs are written, their error cases run (default all 7)"
    )
    test_cases: tuple[str, ...] = option((), "Error cases to choose from (default all that call one of the services)")
    dataset: str = option("v1", "v1: fixed order, 60 s and 10 s windows; v2: shuffled order, windows of 20 to 180 s")
    scale: float = option(
        1.0, "Factor on windows, gaps, start delays and stalls; the request rate stays", least=0.001, most=10
    )
    thin: int = option(1, "Keep every n-th line of what the lossy logging driver left", least=1)
    seed: int = option(42, "Same seed, same bytes; run k is the same however many runs there are", least=0)
    first_epoch: int | None = option(
        None, "Epoch in the first run's name: end in v1, start in v2 (default from the seed)", least=86_400
    )

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        super().__post_init__()
        lookup({"v1": 1, "v2": 2}, self.dataset, kind="dataset")
        for name in self.service_types:
            lookup(dict.fromkeys(SERVICES), name, kind="service")
        for name in self.test_cases:
            lookup({**CASES, "correct": None}, name, kind="test case")

    def services(self) -> tuple[str, ...]:
        """Services to write, in their fixed order."""
        return tuple(name for name in SERVICES if not self.service_types or name in self.service_types)

    def case_candidates(self) -> tuple[Case, ...]:
        """Error cases to choose from, in v1 order; those of all services where the chosen ones have none."""
        if self.test_cases:
            return tuple(case for case in CASES.values() if case.name in self.test_cases)
        own = tuple(case for case in CASES.values() if case.service in self.services())
        return own or tuple(CASES.values())


@dataclass(frozen=True)
class SimulationSummary:
    """What was written below the root."""

    runs: int
    files: int
    lines: int
    size_bytes: int
    truth_path: Path
