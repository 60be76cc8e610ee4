"""Data states: one root or table for each result root; which runs it gained, and which a narrower load leaves out."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lo2.artefacts import provenance
from lo2.artefacts.files import scan_parquet, sha256
from lo2.artefacts.outside import foreign_table_hash, inputs_outside
from lo2.errors import ArtefactExistsError
from lo2.pipeline.phase import Phase
from lo2.wording import counted_noun


@dataclass(frozen=True)
class Generation:
    """Runs that a load found more, and those that it left out, against the load before in the same result root."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def generation_notes(self) -> tuple[str, ...]:
        """What this load changes, as sentences.

        Examples
        --------
        >>> Generation(("night-4",), ()).generation_notes
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
    before, now = _generation_runs([sequences]), _generation_runs(parts)
    return Generation(tuple(sorted(now - before)), tuple(sorted(before - now)))


def refuse_other_data(p: Phase, source: Path) -> None:
    """Refuse to mix data states: one result root belongs to one raw root, or to one table of sequences.

    Raises
    ------
    ArtefactExistsError
        Naming whose it is, and a variant for ``source``.
    """
    before = p.raw_root if p.recorded("load").facts else None
    if before is None and foreign_table_hash(provenance.load_provenance(p.home)) is not None:
        before = next(iter(inputs_outside(p.home, "detect", "sequences")), None)
    if before is None or not source.exists() or is_same_place(before, source) or _is_recorded_table(p, source):
        return  # what does not exist is refused by who reads it
    raise ArtefactExistsError(
        f"{p.home.result} holds the data state of {before}. Give {source} a place of its own with --variant "
        f"{suggest_variant(source)}"
    )


def is_same_place(one: Path, other: Path) -> bool:
    """Whether two paths, however they are spelt, lead to the same file or folder.

    Examples
    --------
    >>> is_same_place(Path.cwd(), Path("..") / Path.cwd().name)
    True
    """
    return one.absolute() == other.absolute() or (one.exists() and other.exists() and one.samefile(other))


def _is_recorded_table(p: Phase, source: Path) -> bool:
    """Whether a table is the one that a load wrote here, or that the last detection was given."""
    known = provenance.load_provenance(p.home)
    loaded = known.artefacts.get(p.home.logical(p.path("sequences")))
    recorded = {foreign_table_hash(known), loaded.sha256 if loaded is not None else None}
    return source.is_file() and sha256(source) in recorded


def suggest_variant(root: Path) -> str:
    """Name for a variant, after the root.

    Examples
    --------
    >>> suggest_variant(Path("shop logs"))
    'lo2_shop_logs'
    """
    name = root.absolute().name.removesuffix(".parquet")
    name = "".join(c if c.isalnum() or c in "-." else "_" for c in name).strip("._-")
    return f"lo2_{name or 'other'}"


def _generation_runs(paths: list[Path]) -> set[str]:
    return set(scan_parquet(paths).select(pl.col("run").unique()).collect()["run"].drop_nulls())
