"""The services and the 53 error cases: what each one runs in place of which task, and the mark it leaves."""

import re
from dataclasses import dataclass

from lo2.simulate.tables import simulation_table_rows

SERVICES = ("client", "code", "key", "refresh-token", "service", "token", "user")


@dataclass(frozen=True)
class Case:
    """One error case."""

    name: str
    service: str
    actors: frozenset[str]
    task: str
    flow: str
    values: dict[str, str]
    marks: tuple[str, ...]


def _error_case(name: str, actor: str, task: str, flow: str, values: str, marks: str) -> Case:
    pairs = (pair.split("=", 1) for pair in values.split("; ") if pair)
    return Case(
        name=name,
        service={"authorize": "code", "redeem": "token"}.get(task, actor),
        actors=frozenset(actor.split("+")),
        task=task,
        flow=flow,
        values={
            field: re.sub(r"(.+)\*(\d+)$", lambda found: found[1] * int(found[2]), value) for field, value in pairs
        },
        marks=tuple(mark for mark in marks.split(", ") if mark),
    )


CASES = {cells[0]: _error_case(*cells) for cells in simulation_table_rows("cases")}
