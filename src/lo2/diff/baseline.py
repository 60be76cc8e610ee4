"""The baseline of good runs: per service, how often each masked message occurs in each of them; saved and read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lo2.canonical import canonical_text
from lo2.diff.counted import Counted
from lo2.errors import InputError

FORMAT = 1


def _no_text_is_baseline(text: str) -> bool:
    return False


@dataclass
class Service:
    """One service in the good runs: lines and seconds per run, counts per message, where each first is (0 to 1).

    ``noun`` is what people read for one of the runs.
    """

    lines: list[int] = field(default_factory=list)
    seconds: list[float | None] = field(default_factory=list)
    counts: dict[str, list[int]] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    noun: str = "baseline"

    @property
    def n_good_runs(self) -> int:
        """Good runs that have this service."""
        return len(self.lines)

    @property
    def called(self) -> str:
        """How many good runs, in words."""
        return f"{self.n_good_runs} {self.noun}{'' if self.n_good_runs == 1 else 's'}"

    def add_run(self, log: Counted, texts: Sequence[str]) -> None:
        """Count one more run."""
        for counts in self.counts.values():
            counts.append(0)
        self.lines.append(len(log.messages))
        self.seconds.append(log.seconds)
        numbers, first, counts_of = np.unique(log.messages, return_index=True, return_counts=True)
        for number, at, count in zip(numbers.tolist(), first.tolist(), counts_of.tolist(), strict=True):
            text = texts[number]
            self.counts.setdefault(text, [0] * self.n_good_runs)[-1] += count
            self.first[text] = round(at / max(1, len(log.messages)), 6)


@dataclass
class Baseline:
    """All good runs together: ``paths`` and their lines, and what each service says.

    ``templates`` where their texts are a table of templates: without level, logger and continuation lines; ``known``
    says of further messages that they are known.

    Examples
    --------
    >>> Baseline.read_baseline(Baseline().baseline_document()).services
    {}
    """

    paths: list[tuple[str, int]] = field(default_factory=list)
    services: dict[str, Service] = field(default_factory=dict)
    masks: str = ""
    templates: bool = False
    known: Callable[[str], bool] = _no_text_is_baseline

    @property
    def baseline_texts(self) -> list[str]:
        """Distinct messages of all services."""
        return list(dict.fromkeys(text for one in self.services.values() for text in one.counts))

    def add_good_run(self, logs: Iterable[Counted], texts: Sequence[str]) -> None:
        """Count the logs of one good run."""
        for log in logs:
            self.services.setdefault(log.service, Service()).add_run(log, texts)

    def join_baseline(self, other: "Baseline") -> None:
        """Add the runs of another, such as a saved one."""
        self.paths += other.paths
        for name, theirs in other.services.items():
            mine = self.services.setdefault(name, Service())
            before, added = mine.n_good_runs, theirs.n_good_runs
            mine.lines += theirs.lines
            mine.seconds += theirs.seconds
            for text in [*mine.counts, *(t for t in theirs.counts if t not in mine.counts)]:
                mine.counts[text] = mine.counts.get(text, [0] * before) + theirs.counts.get(text, [0] * added)
            mine.first |= theirs.first

    def compared_text(self, text: str) -> str | None:
        """What of a message is compared, or None where nothing is."""
        if not self.templates:
            return text
        return None if text.startswith("\n") or self.known(text) else canonical_text(text)

    def baseline_document(self) -> dict[str, Any]:
        """Plain values to be saved; masked text only."""
        services = {
            name: {
                "lines": one.lines,
                "seconds": one.seconds,
                "messages": [[text, one.first[text], counts] for text, counts in sorted(one.counts.items())],
            }
            for name, one in sorted(self.services.items())
        }
        paths = [{"path": path, "lines": lines} for path, lines in self.paths]
        return {"format": FORMAT, "kind": "lo2 baseline", "masks": self.masks, "baselines": paths, "services": services}

    @classmethod
    def read_baseline(cls, document: Mapping[str, Any]) -> "Baseline":
        """The baseline that these plain values were made of.

        Raises
        ------
        InputError
            If they are not those of a baseline of this format.
        """
        if document.get("kind") != "lo2 baseline" or document.get("format") != FORMAT:
            raise InputError(
                "this is no saved baseline of format 1. Make one with: lo2 diff GOOD BAD --save-baseline FILE"
            )
        found = cls(masks=str(document.get("masks", "")))
        try:
            found.paths = [(str(one["path"]), int(one["lines"])) for one in document["baselines"]]
            for name, one in document["services"].items():
                service = Service(
                    [int(n) for n in one["lines"]], [None if s is None else float(s) for s in one["seconds"]]
                )
                for text, first, counts in one["messages"]:
                    service.counts[str(text)] = [int(count) for count in counts]
                    service.first[str(text)] = float(first)
                    if len(counts) != service.n_good_runs:
                        raise ValueError("counts do not fit the runs")
                if len(service.seconds) != service.n_good_runs:
                    raise ValueError("seconds do not fit the runs")
                found.services[str(name)] = service
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"the saved baseline is damaged ({error}). Make it anew with --save-baseline") from error
        return found
