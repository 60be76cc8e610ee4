"""Generations of loads of one root: which runs it gained, and which a narrower load leaves out."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lo2.artefacts.files import scan_parquet
from lo2.wording import counted_noun


@dataclass(frozen=True)
class Generation:
    """Runs that a load found more, and those that it left out, against the load before in the same result root."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """The same as sentences.

        Examples
        --------
        >>> Generation(("night-4",), ()).notes
        ('1 run more than before, night-4 first: the next generation of this data',)
        """
        more, fewer = len(self.gained), len(self.lost)
        said = []
        if more:
            said.append(
                f"{counted_noun(more, 'run')} more than before, {self.gained[0]} first: "
                "the next generation of this data"
            )
        if fewer:
            runs = "run of the load before is" if fewer == 1 else "runs of the load before are"
            said.append(f"{fewer} {runs} left out now, {self.lost[0]} first. Keep both with --variant NAME")
        return tuple(said)


def compared_generation(sequences: Path, parts: list[Path]) -> Generation | None:
    """What ``parts`` change against the sequences that are there; None where there are none."""
    if not sequences.is_file():
        return None
    before, now = _runs_of_generation([sequences]), _runs_of_generation(parts)
    return Generation(tuple(sorted(now - before)), tuple(sorted(before - now)))


def _runs_of_generation(paths: list[Path]) -> set[str]:
    return set(scan_parquet(paths).select(pl.col("run").unique()).collect()["run"].drop_nulls())
