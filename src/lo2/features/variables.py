"""Variables without a digit (users, queues): positions whose words vary, learnt from training messages, made ``<*>``.

A position that takes several words while the rest of the message stays is a value. What is kept of it are the texts of
the templates with ``<*>`` in these places, never the words. Merged text serves counts and templates; whether a word is
new is asked of the words themselves, and none at a learnt position is.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import polars as pl

from lo2.errors import UsageError
from lo2.features.templates import template_id
from lo2.levels import LOGBACK
from lo2.masking.masks import PLACEHOLDER
from lo2.masking.profiles import profile_masking

VALUES = 4
"""So many distinct words make a position a variable; one that masks found there already counts as two of them."""

CONSTANTS = 2
"""So many words must stay next to a position, one of them in front of it: what begins a message says what it is."""

_ROUNDS = 4
_LONGEST = 400
_DELIMITER = re.compile("([ \n\x1f=,;:\"'()\\[\\]{}|])")
_BLANKS = re.compile("[ \t\r\f\v]+")
_HEAD = re.compile(f"(?:{LOGBACK}) [^ ]+ [^ ]+ - ")
_OPENS, _CLOSES = frozenset("([{\"'="), frozenset(")]}\"', ")

Tokens = tuple[str, ...]
Positions = tuple[int, ...]


def variable_tokens(text: str) -> Tokens:
    """Words and, between them, delimiters of a masked message; runs of blanks are one.

    Examples
    --------
    >>> variable_tokens("session closed, user=root")
    ('session', ' ', 'closed', ',', '', ' ', 'user', '=', 'root')
    """
    return tuple(_DELIMITER.split(_BLANKS.sub(" ", text)))


@dataclass(frozen=True)
class Variables:
    """Templates with learnt positions: pairs of their text and of the numbers of their tokens that are variable.

    Examples
    --------
    >>> variables = learn_variables(f"Invalid user {name} from <*>" for name in ("root", "oracle", "test", "git"))
    >>> variables.templates
    (('Invalid user <*> from <*>', (4,)),)
    >>> variables.merge_variables(["Invalid user kim from <*>", "Invalid password from <*>"])
    ['Invalid user <*> from <*>', 'Invalid password from <*>']
    """

    templates: tuple[tuple[str, Positions], ...] = ()
    _merged: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def merge_variables(self, texts: Iterable[str]) -> list[str]:
        """Each text with ``<*>`` at learnt positions, whether training saw its words or not."""
        return [self._merge_variable_words(text) for text in texts]

    @cached_property
    def _variable_template_index(self) -> dict[Tokens, list[tuple[Positions, set[Tokens]]]]:
        """Templates by their delimiters, then by their learnt positions, most positions first."""
        index: dict[Tokens, dict[Positions, set[Tokens]]] = defaultdict(lambda: defaultdict(set))
        for text, positions in self.templates:
            parts = variable_tokens(text)
            index[parts[1::2]][positions].add(parts)
        return {
            shape: sorted(found.items(), key=lambda item: (-len(item[0]), item[0])) for shape, found in index.items()
        }

    def _merge_variable_words(self, text: str) -> str:
        if text not in self._merged:
            parts, learnt = variable_tokens(text), frozenset[int]()
            for _ in range(_ROUNDS):
                positions = self._variable_matches(parts)
                if learnt.issuperset(positions):
                    break
                learnt |= frozenset(positions)
                parts = _hide_variables(parts, learnt)
            self._merged[text] = "".join(parts) if learnt else text
        return self._merged[text]

    def _variable_matches(self, parts: Tokens) -> Positions:
        for positions, known in self._variable_template_index.get(parts[1::2], ()):
            if _hide_variables(parts, positions) in known:
                return positions
        return ()


def learn_variables(texts: Iterable[str]) -> Variables:
    """Variables of distinct masked messages, which must be training's alone; their order plays no part.

    Time grows with the words of the distinct messages.

    Examples
    --------
    >>> learn_variables(["VM Started (Lifecycle Event)", "VM Paused (Lifecycle Event)"]).templates
    ()
    """
    messages = {variable_tokens(text) for text in texts}
    learnt: dict[Tokens, frozenset[int]] = {parts: frozenset() for parts in messages if len(parts) <= _LONGEST}
    for _ in range(_ROUNDS):
        hits = _find_variable_positions(learnt)
        if not hits:
            break
        merged: dict[Tokens, frozenset[int]] = defaultdict(frozenset)
        for parts, positions in learnt.items():
            found = hits.get(parts, frozenset())
            merged[_hide_variables(parts, found) if found else parts] |= positions | found
        learnt = dict(merged)
    pairs = (("".join(parts), tuple(sorted(positions))) for parts, positions in learnt.items() if positions)
    return Variables(tuple(sorted(pairs)))


def _find_variable_positions(messages: Iterable[Tokens]) -> dict[Tokens, frozenset[int]]:
    """The positions whose words differ in enough messages of the same rest, of the messages that have any."""
    # The rest of a message is known by the sum of the hashes of its tokens: a tuple for each would cost its square.
    places = {parts: _variable_candidates(parts) for parts in messages}
    first: dict[int, str] = {}
    words: dict[int, set[str]] = {}
    for parts, keys in places.items():
        for position, key in keys:
            word = parts[position]
            if first.setdefault(key, word) != word:
                words.setdefault(key, {first[key]}).add(word)
    variable = {key for key, found in words.items() if _words_look_variable(found)}
    hits = {parts: frozenset(p for p, key in keys if key in variable) for parts, keys in places.items()}
    # What is a placeholder already stays as it is: only what changes a text is news.
    return {parts: found for parts, found in hits.items() if any(parts[p] != PLACEHOLDER for p in found)}


def _variable_candidates(parts: Tokens) -> list[tuple[int, int]]:
    """Positions of a message that may be variable, each with the key of the rest."""
    hashes = [hash(pair) for pair in enumerate(parts)]
    whole, size = sum(hashes), len(parts)
    constant = [_is_constant_word(word) for word in parts[::2]]
    start = _first_variable_position(parts)
    total = sum(constant[start // 2 :])
    first = next((2 * i for i in range(start // 2, len(constant)) if constant[i]), size)
    return [
        (position, hash((size, position, whole - hashes[position])))
        for position in range(first + 2, size, 2)
        if total - constant[position // 2] >= CONSTANTS and (parts[position] or _is_empty_variable(parts, position))
    ]


@lru_cache(1 << 16)
def _is_constant_word(word: str) -> bool:
    return PLACEHOLDER not in word and any(map(str.isalpha, word))


def _is_empty_variable(parts: Tokens, position: int) -> bool:
    """Whether nothing stands where a value would: ``()``, ``user= ``, ``""``."""
    after = parts[position + 1] if position + 1 < len(parts) else " "
    return position > 0 and parts[position - 1] in _OPENS and after in _CLOSES


def _first_variable_position(parts: Tokens) -> int:
    """First position of the text: level and logger are no variables."""
    separators = [i for i, part in enumerate(parts) if part == "\x1f"]
    if separators:
        return separators[-1] + 1
    head = _HEAD.match("".join(parts[:15]))
    return len(variable_tokens(head[0])) - 1 if head else 0


def _words_look_variable(words: set[str]) -> bool:
    masked = any(PLACEHOLDER in word for word in words)
    if "" in words and masked:
        return True
    return len(words) > 1 and sum(2 if PLACEHOLDER in word else 1 for word in words - {""}) >= VALUES


def _hide_variables(parts: Tokens, positions: Iterable[int]) -> Tokens:
    filled = list(parts)
    for position in positions:
        filled[position] = PLACEHOLDER
    return tuple(filled)


def templates(
    messages: pl.Series | Sequence[str | None], learn_from: pl.Series | Sequence[str | None] | None = None
) -> pl.DataFrame:
    """Template of every message, in order: masked as any log's, then with the variables learnt from ``learn_from``.

    A message's template is its first line. Without ``learn_from`` variables are learnt from the messages themselves:
    give training's messages where others will be judged by them.

    Returns
    -------
    polars.DataFrame
        ``template_id`` and ``text``, one row per message.

    Examples
    --------
    >>> templates(["served block blk_17 to 10.0.0.1", "served block blk_9 to 10.0.0.2"])["text"].to_list()
    ['served block <*> to <*>', 'served block <*> to <*>']
    """
    masked = _masked_training_messages(messages)
    known = masked if learn_from is None else _masked_training_messages(learn_from)
    variables = learn_variables(known.unique().to_list())
    distinct = masked.unique(maintain_order=True)
    texts = [text.rpartition("\x1f")[2] for text in variables.merge_variables(distinct.to_list())]
    table = pl.DataFrame(
        {"template_id": [template_id(text) for text in texts], "text": texts},
        schema={"template_id": pl.String, "text": pl.String},
    )
    rows = masked.replace_strict(distinct, pl.Series(range(len(distinct)), dtype=pl.UInt32), return_dtype=pl.UInt32)
    return table[rows] if len(masked) else table


def _masked_training_messages(messages: pl.Series | Sequence[str | None]) -> pl.Series:
    if isinstance(messages, str) or not hasattr(messages, "__iter__"):
        kind = type(messages).__name__
        raise UsageError(f"templates() takes messages, one text each, not a {kind}: lo2.templates(['up', 'down'])")
    texts = pl.Series("message", messages, dtype=pl.String).fill_null("")
    first = texts.str.strip_chars_start("\n").str.split_exact("\n", 1).struct[0].str.strip_chars()
    distinct = first.unique(maintain_order=True)
    if not len(distinct):
        return first
    return first.replace_strict(distinct, profile_masking("tree").mask_texts(distinct), return_dtype=pl.String)
