"""Phase C: distinct masked messages with counts in, bags of words, trigrams and templates per sequence out.

To add a bag: a function from one masked message to its tokens in a module of its own, and one line in ``FEATURES``
naming the column; ``lo2.schema.SEQUENCES`` gets a line for its columns. Everything is computed once per
distinct message and weighted by how often each sequence holds it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lo2.features.templates import templates
from lo2.features.trigrams import trigrams
from lo2.features.words import words


@dataclass(frozen=True)
class Feature:
    """A bag: the column it fills (with ``_count`` next to it), how a message gives its tokens, and what they are."""

    column: str
    tokens: Callable[[str], list[str]]
    meaning: str


FEATURES: Mapping[str, Feature] = {
    "words": Feature("e_words", words, "words of the masked line: level, logger, method, message"),
    "trigrams": Feature("e_trigrams", trigrams, "character trigrams of the masked message text"),
    "templates": Feature("e_event_drain_id", templates, "content-addressed templates of the events"),
}
