"""Learnt variables of a sequence table by the texts of its templates: learnt from training rows, merged into words."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from lo2 import schema
from lo2.artefacts.files import read_parquet
from lo2.artefacts.layout import ARTEFACTS
from lo2.errors import InputError
from lo2.features.variables import Variables
from lo2.models.learnt import learn_positions, with_learnt
from lo2.pipeline.phase import Phase
from lo2.pipeline.sequences import Sequences, find_sequences, read_sequences

TEMPLATES_FILE = ARTEFACTS["templates"].pattern
NOTHING_LEARNT = (
    "no templates beside the table: no variables are learnt, so that a name seen for the first time counts as new"
)


def with_template_texts(table: Sequences, path: Path) -> Sequences:
    """The table with the texts of the templates that lie beside it, where they do.

    Raises
    ------
    InputError, SchemaError
        If the file there is no such table.
    """
    beside = path.with_name(TEMPLATES_FILE)
    if not beside.is_file():
        return table
    try:
        found = read_parquet(beside)
    except (pl.exceptions.ComputeError, OSError) as error:
        raise InputError(
            f"{beside} is not a Parquet file ({error}). Make it anew with: lo2 load --root ROOT"
        ) from error
    if found.height:
        schema.check_schema(found, schema.TEMPLATES, what=str(beside))
    return replace(table, texts=dict(found.select("template_id", "text").iter_rows()) if found.height else {})


def checked_sequences(p: Phase, path: Path, **columns: Any) -> Sequences:
    """The table at ``path`` with the texts of its templates, both what their records say.

    ``columns`` are those of ``read_sequences``.
    """
    path = p.check(find_sequences(path))
    table = with_template_texts(read_sequences(path, **columns), path)
    if table.texts is not None:
        p.check(path.with_name(TEMPLATES_FILE))
    return table


def learnt_positions(table: Sequences, sides: pl.Series) -> tuple[Sequences, Variables]:
    """The table with words by the variables of its training rows, and these; without templates nothing is learnt."""
    if table.texts is None:
        return replace(table, notes=(*table.notes, NOTHING_LEARNT)), Variables()
    variables = learn_positions(table.frame.filter(sides == "train"), table.texts)
    return with_merged_positions(table, variables), variables


def with_merged_positions(table: Sequences, variables: Variables) -> Sequences:
    """The table with words by these variables, where it can be made."""
    return replace(table, frame=with_learnt(table.frame, table.texts or {}, variables))
