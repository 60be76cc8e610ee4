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
from lo2.models.learnt_words import learn_word_positions, with_learnt_words
from lo2.pipeline.phase import Phase
from lo2.pipeline.sequences import Sequences, find_sequence_file, read_sequences

TEMPLATES_FILE = ARTEFACTS["templates"].pattern
NOTHING_LEARNT = (
    "no templates next to the table: no variables are learnt, so that a name seen for the first time counts as new"
)


def with_template_texts(table: Sequences, path: Path) -> Sequences:
    """The table with the texts of the templates that lie next to it, where they do.

    Raises
    ------
    InputError, SchemaError
        If the file there is no such table.
    """
    texts = path.with_name(TEMPLATES_FILE)
    if not texts.is_file():
        return table
    try:
        found = read_parquet(texts)
    except (pl.exceptions.ComputeError, OSError) as error:
        raise InputError(f"{texts} is not a Parquet file ({error}). Make it anew with: lo2 load --root ROOT") from error
    if found.height:
        schema.check_schema(found, schema.TEMPLATES, what=str(texts))
    return replace(table, texts=dict(found.select("template_id", "text").iter_rows()) if found.height else {})


def checked_with_templates(p: Phase, path: Path, **columns: Any) -> Sequences:
    """The table at ``path`` with the texts of its templates, both what their records say.

    ``columns`` are those of ``read_sequences``.
    """
    path = p.check(find_sequence_file(path))
    table = with_template_texts(read_sequences(path, **columns), path)
    if table.texts is not None:
        p.check(path.with_name(TEMPLATES_FILE))
    return table


def learn_table_variables(table: Sequences, sides: pl.Series) -> tuple[Sequences, Variables]:
    """The table with words by the variables of its training rows, and these; without templates nothing is learnt."""
    if table.texts is None:
        return replace(table, notes=(*table.notes, NOTHING_LEARNT)), Variables()
    variables = learn_word_positions(table.frame.filter(sides == "train"), table.texts)
    return merge_learnt_variables(table, variables), variables


def merge_learnt_variables(table: Sequences, variables: Variables) -> Sequences:
    """The table with words by these variables, where it can be made."""
    return replace(table, frame=with_learnt_words(table.frame, table.texts or {}, variables))
