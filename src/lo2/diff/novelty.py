"""Novelty of a message that no baseline has, no mere noise: judged by the nearest, its words, signs of trouble."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from lo2.canonical import canonical_line
from lo2.diff.baseline import Baseline
from lo2.diff.similarity import Known, Near, similarity_words
from lo2.features.variables import Variables, variable_tokens
from lo2.levels import level_counts_as
from lo2.masking.masks import PLACEHOLDER
from lo2.wording import cut_text

NONZERO = "nonzero"
"""Stands for any number of failures but 0, which masks would hide."""
LEAST = 0.30
"""Below this a line says the same as a known one in other words: it is not shown."""

SEARCHED = 10_000
"""So many new messages of a service are held against the nearest known one; a flood beyond needs no such care."""

_SHORT = 0.7
_ECHO = 0.6
_MANY = 4
_LOUD = 0.30
_SOFT = 0.15
_OUTCRY_MORE = 0.2
_RESULT = 0.2  # of numbers the masks leave those that say how something ended
_TROUBLE = re.compile(
    r"(?i:error|err\b|fail|fatal|exception|traceback|den(?:y|ied)|refus|timed? ?-?out|unable|can ?not\b|can't"
    r"|could ?n[o']t|not found|no such|no matching|missing|abort|panic|kill|segfault|segmentation|undefined|unresolved"
    r"|unexpected|invalid|broken|conflict|unreachable|crash|critical|unsatisf|reject|corrupt|core dump|out of memory"
    r"|\boom\b|mismatch|incompatible|illegal|lost|disconnect|assert|violat|exceed|unknown|unsupported|not allowed"
    r"|does not exist|non-zero|return(?:ed)? (?:code|status)|rollback)"
)
_PROSE = re.compile(r"(?:^|(?<=[\s\x1f]))[A-Za-z]?[a-z]{2,}(?=[.,:;!]?(?:\s|$))")
_OUTCRY = re.compile(
    r"(?:^|[\x1f\s|>\]\"'])(?:(?:[\w.]*(?:Error|Exception|Failure)|ERROR|FATAL|CRITICAL|PANIC|FAILED|FAILURE|FAIL|Traceback)(?=[\s:!\]]|$)"
    r"|(?i:fatal(?: error)?|error|panic|failed|failure)(?=:|!|=>))"
)
_CODE = re.compile(
    r"^[\s\d|+-]*(?:def |raise |return |if |for |with |assert |import |from \S+ import |self\.|[\w.]+ = |[\w.]+\()"
)
_SHOWN = 160
NOISE: Mapping[str, tuple[str, str]] = {
    "commit": (
        r"\bHEAD is now at\b|^\s*Change-Id: |^\s*(?:commit|Merge:) \S+$|^\s*Author: .+ <",
        "HEAD is now at <*> Mend the cart",
    ),
    "progress": (r"\bETA\b|[#=>█━╸╺-]{12,}\s*<\*>|<\*>\s*\|[#=>█▏▎▍▌▋▊▉ -]{4,}\|", "<*> |#####     | <*> ETA <*>"),
    "mirror": (r"^\s*\* [a-z]+: [a-zA-Z0-9.<>*-]+$|\bTrying other mirror\b", " * base: mirror.example.org"),
    "key": (r"-----(?:BEGIN|END) |\bAAAA[A-Z][0-9]|^\s*[A-Za-z0-9+/=_-]{60,}$", "-----BEGIN CERTIFICATE-----"),
}
"""Lines that differ in every run and say nothing, each with an example: masked, without level and logger."""
_ANY_NOISE = re.compile("|".join(f"(?:{pattern})" for pattern, _ in NOISE.values()))
_DRAWN = re.compile(r"([=\-_*#.~+>|\\/])\1+")
_HIDDEN = re.compile(r"(?:\0[^\w\0\x1f]*)+")
_BLANKS = re.compile(" +")


@dataclass(frozen=True)
class NovelMessage:
    """What a line's message is against the baselines; ``score`` grows with how unusual it is."""

    kind: str
    score: float
    reason: str
    nearest: str


@dataclass
class Judge:
    """Judges the messages of one service against what the baselines say of it and of the others."""

    service: str
    baseline: Baseline
    variables: Variables
    everywhere: Mapping[str, str]
    searched: int = 0
    known: Known = field(init=False)
    keys: set[str] = field(init=False)

    def __post_init__(self) -> None:
        own = list(self.baseline.services[self.service].counts)
        merged = self.variables.merge_variables(own)
        self.keys = {novelty_key(text) for text in merged}
        self.known = Known.from_lines(dict.fromkeys(merged))

    def judge_message(self, text: str) -> NovelMessage | None:
        """What is new in a message, or None where it is known or as good as known."""
        said = self.baseline.compared_text(text)
        if said is None:
            return None
        merged = self.variables.merge_variables([said])[0]
        mine = novelty_key(merged)
        if mine in self.keys or not mine.strip() or is_noise(merged):
            return None
        self.searched += 1
        near = self.known.most_similar(merged) if self.searched <= SEARCHED else Near("", 1.0, similarity_words(merged))
        distance = near.distance * (0.5 if mine in self.everywhere else 1.0)
        distance *= _SHORT + (1 - _SHORT) * _novelty_of_words(said, near)
        distance *= _ECHO if _novel_line_is_code(text) else 1.0
        word = _novel_word_of_line(merged, near.text)
        trouble = _novelty_boost_of_trouble(text, near) + (_RESULT if word and any(map(str.isdigit, word[1])) else 0.0)
        counted = NONZERO in near.fresh
        score = distance + trouble + (_LOUD if counted else 0.0)
        if score < LEAST or not distance:
            return None
        kind = "changed" if word or counted else "new"
        return NovelMessage(
            kind,
            round(score, 4),
            self._novelty_reason(kind, near, word, mine in self.everywhere),
            canonical_line(near.text).strip(),
        )

    def _novelty_reason(self, kind: str, near: Near, word: tuple[str, str] | None, elsewhere: bool) -> str:
        many = self.baseline.services[self.service].called
        if kind == "changed" and not word:
            return f"something is counted as failed, where {many} had nothing"
        if word:
            return f"{word[1]!r} where {many} had {word[0]!r} alone"
        never = f"never in {many}" + (" of this service" if elsewhere else "")
        nearest = canonical_line(near.text).strip()
        return f"{never}; nearest: {cut_text(nearest, _SHOWN)}" if nearest else f"{never}; nothing like it there"


def services_by_message(baseline: Baseline, variables: Variables) -> dict[str, str]:
    """Merged messages of all services, each with one that has it."""
    return {
        novelty_key(text): name
        for name, one in baseline.services.items()
        for text in variables.merge_variables(one.counts)
    }


def is_noise(text: str) -> bool:
    """Whether a masked message is of these kinds.

    Examples
    --------
    >>> [is_noise(example) for _, example in NOISE.values()], is_noise("tests FAILED")
    ([True, True, True, True], False)
    """
    return _ANY_NOISE.search(text.rpartition("\x1f")[2]) is not None


@lru_cache(1 << 15)
def novelty_key(text: str) -> str:
    """What two messages must share to be the same: blanks, bars and runs of signs that only draw do not count.

    Examples
    --------
    >>> novelty_key("a   b ====>  <*>") == novelty_key("a b => <*> <*>")
    True
    """
    text = _DRAWN.sub(r"\1", text.replace(PLACEHOLDER, "\0").replace("\t", " "))
    return _BLANKS.sub(" ", _HIDDEN.sub("\0 ", text)).strip(" ")


def _novelty_of_words(text: str, near: Near) -> float:
    """How much a message says that the nearest does not, from 0 to 1: its other words, those of a sentence twice."""
    prose = sum(word in near.fresh for word in _PROSE.findall(text))
    return min(1.0, len(near.fresh) / _MANY) / 2 + min(1.0, prose / _MANY) / 2


def _novel_line_is_code(text: str) -> bool:
    """Whether a line echoes a program's source, as traces do."""
    return _CODE.match(text.rpartition("\x1f")[2]) is not None


def _novelty_boost_of_trouble(text: str, near: Near) -> float:
    level = text.partition("\x1f")[0] if "\x1f" in text else ""
    theirs = near.text.partition("\x1f")[0] if "\x1f" in near.text else ""
    boost = 0.0
    if level_counts_as(level) == "error":
        boost = _LOUD if level != theirs else _SOFT
    elif level_counts_as(level) == "warn":
        boost = _SOFT
    found = {match.lower() for match in _TROUBLE.findall(text)}
    if found:
        fresh = found - {match.lower() for match in _TROUBLE.findall(near.text)}
        boost = max(boost, _LOUD if fresh else _SOFT)
    if _novel_line_is_code(text):
        return boost / 2
    return boost + (_OUTCRY_MORE if _OUTCRY.search(text) else 0.0)


def _novel_word_of_line(text: str, near: str) -> tuple[str, str] | None:
    """The one word that differs between two lines of the same shape: theirs, and the new one."""
    mine, theirs = variable_tokens(text), variable_tokens(near)
    if len(mine) != len(theirs) or mine[1::2] != theirs[1::2] or len(mine) < 3:
        return None
    other = [i for i in range(0, len(mine), 2) if mine[i] != theirs[i]]
    if len(other) != 1 or PLACEHOLDER in mine[other[0]] + theirs[other[0]]:
        return None
    return theirs[other[0]], mine[other[0]]
