"""Kinds of secrets and of what names a person: hidden at load, in every log, and looked for again in what is shared.

Each row has a name and examples. Rows are linear for every engine: what may repeat without end either begins where
nothing before it could have begun, or is bounded. ``<`` ends every value, so that a masked text stays as it is.
"""

from collections.abc import Mapping

from lo2.masking.credentials import PLACED, SAID
from lo2.masking.masks import Mask
from lo2.masking.named import NAMED, SAFE
from lo2.masking.people import ALONE, NUMBERS, PEOPLE
from lo2.masking.sentences import SENTENCES, SPOKEN
from lo2.masking.tokens import LONG, TOKENS

SWEEPS: tuple[Mapping[str, Mask], ...] = (
    {**SAFE, **NAMED},
    {**SAID, **PLACED},
    {**SPOKEN, **SENTENCES},
    {**TOKENS, **PEOPLE},
    LONG,
    *({name: row} for name, row in ALONE.items()),
)
"""One after the other over a text: each is small enough for an engine that knows all its states at once."""

KINDS: Mapping[str, Mask] = {**NAMED, **PLACED, **SENTENCES, **TOKENS, **LONG, **PEOPLE, **NUMBERS, **ALONE}
"""Secrets by kind."""
