"""Similarity of lines: the known baseline line that is most like another, by shared words; rare words weigh more."""

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from lo2.masking.masks import PLACEHOLDER

_WORD = re.compile(r"[^\W\d_]{2,}(?:[_-][^\W\d_]{2,})*|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_POSTINGS = 400
_TRIED = 12


@lru_cache(1 << 16)
def similarity_words(text: str) -> tuple[str, ...]:
    """Distinct words of two letters and more, and numbers that masks left, in order.

    Case plays no part but that of capitals throughout: ``FAILED`` is another word than ``0 failed``.

    Examples
    --------
    >>> similarity_words("ERROR\\x1fshop.Pay\\x1fcard <*> refused, refused")
    ('ERROR', 'shop', 'pay', 'card', 'refused')
    """
    found = _WORD.findall(_CAMEL.sub(" ", text.replace(PLACEHOLDER, " ")))
    return tuple(dict.fromkeys(word if word.isupper() and len(word) > 2 else word.lower() for word in found))


@dataclass(frozen=True)
class Near:
    """A known line, and how far another is from it: 0 for the same words, 1 for none shared."""

    text: str
    distance: float
    fresh: tuple[str, ...]
    """Words of the other that this one lacks."""


@dataclass
class Known:
    """Distinct lines of the baselines, by their words.

    Examples
    --------
    >>> known = Known.from_lines(["user <*> logged in", "order <*> paid"])
    >>> near = known.most_similar("order <*> refused")
    >>> near.text, near.fresh, 0 < near.distance < 1
    ('order <*> paid', ('refused',), True)
    """

    texts: list[str]
    postings: dict[str, list[int]] = field(default_factory=dict)
    mass: list[float] = field(default_factory=list)

    @classmethod
    def from_lines(cls, texts: Iterable[str]) -> "Known":
        """Index of these lines."""
        known = cls(sorted(texts))
        for number, text in enumerate(known.texts):
            for word in similarity_words(text):
                known.postings.setdefault(word, []).append(number)
        known.mass = [sum(map(known.similarity_weight, similarity_words(text))) for text in known.texts]
        return known

    def similarity_weight(self, word: str) -> float:
        """What a word says: more the fewer lines hold it."""
        return 1 + math.log((len(self.texts) + 1) / (len(self.postings.get(word, ())) + 0.5))

    def most_similar(self, text: str) -> Near:
        """The line that shares most with ``text``."""
        words = similarity_words(text)
        weights = {word: self.similarity_weight(word) for word in words}
        total = sum(weights.values())
        if not total:
            return Near("", 0.0, ())
        shared: Counter[int] = Counter()
        rare = sorted((w for w in words if w in self.postings), key=lambda w: (len(self.postings[w]), w))
        for i, word in enumerate(rare):
            if i >= _TRIED or (shared and len(self.postings[word]) > _POSTINGS):
                break
            for number in self.postings[word][: 4 * _POSTINGS]:
                shared[number] += weights[word]  # type: ignore[assignment]
        best, found = 0.0, -1
        for number, _ in shared.most_common(24):
            common = sum(weights[word] for word in similarity_words(self.texts[number]) if word in weights)
            likeness = common / (total + 0.25 * (self.mass[number] - common))
            if likeness > best + 1e-9 or (abs(likeness - best) < 1e-9 and number < found):
                best, found = likeness, number
        if found < 0:
            return Near("", 1.0, words)
        have = set(similarity_words(self.texts[found]))
        return Near(self.texts[found], 1 - best, tuple(word for word in words if word not in have))
