"""Anonymising what is shared: pseudonyms for secrets in texts and Parquets, and a look at finished bytes for leaks.

Replacing goes by the rules of ``profiles.SECRETS``. Looking knows nothing of it: it applies the rules again to every
text a file holds, and searches for every original value of the raw logs, in every common encoding. It can say that no
known pattern was found, never that there is none.
"""

import base64
import hmac
import io
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from urllib.parse import quote

import polars as pl

from lo2.artefacts.occurrences import occurrences
from lo2.masking.masks import PLACEHOLDER
from lo2.masking.profiles import PUBLIC, SECRETS, secret_alternation, secret_searches
from lo2.masking.sentences import SENTENCES, STATED

_PSEUDONYM = re.compile(r"anon-[0-9a-f]{16}")
_SHORT = 9
_MARKS = [chr(code) for code in (*range(0xE000, 0xF8FE), *range(0xF0000, 0xFFFFE))]


@dataclass(frozen=True)
class Leak:
    """A place in an archive, and which rule or original value was found there."""

    place: str
    what: str


@dataclass(frozen=True)
class KnownValues:
    """Original values of the raw logs, by every form they may be written in; ``files`` is how many logs were read."""

    forms: Mapping[str, str]
    values: int
    files: int


def pseudonym(value: str, key: bytes) -> str:
    """Name that stands for ``value`` wherever it occurs; without ``key`` nobody can compute it.

    Examples
    --------
    >>> pseudonym("a", b"k" * 32) == pseudonym("a", b"k" * 32) != pseudonym("a", b"x" * 32)
    True
    """
    return "anon-" + hmac.digest(key, value.encode(), "sha256").hex()[:16]


def anonymise(text: str, key: bytes) -> tuple[str, int]:
    """``text`` with every secret replaced by its pseudonym, and how many were.

    Examples
    --------
    >>> text, count = anonymise('code = IdrOOp-pRUmUbQ7Gq106Qw redirectUri', b"k" * 32)
    >>> count, text.startswith("code = anon-"), text.endswith(" redirectUri")
    (1, True, True)
    """
    count = 0

    def replace_secret(match: re.Match[str]) -> str:
        nonlocal count
        before, value, after = _pseudonym_groups(match)
        if _harmless(value) or _only_mentions_secret(match):
            return match[0]
        count += 1
        return before + pseudonym(value, key) + after

    # Rust finds the few places fast, and marks them; Python's groups say which rule each was.
    begin, end = islice((mark for mark in _MARKS if mark not in text), 2)  # characters of nobody
    marked_places = re.compile(f"{begin}([^{end}]*){end}")
    low = text.lower()
    for triggers, search in secret_searches():
        if triggers and not any(trigger in low for trigger in triggers):
            continue
        marked = pl.Series([text], dtype=pl.String).str.replace_all(search, f"{begin}${{0}}{end}").item()
        text = marked_places.sub(lambda found: _pseudonym_rules_pattern().sub(replace_secret, found[1]), marked)
    return text, count


@cache
def _pseudonym_rules_pattern() -> re.Pattern[str]:
    return re.compile(secret_alternation())


def _pseudonym_groups(match: re.Match[str]) -> tuple[str, str, str]:
    start = _pseudonym_rule(match) * 3 + 1
    return match[start] or "", match[start + 1], match[start + 2] or ""


def _pseudonym_rule(match: re.Match[str]) -> int:
    return next(i for i in range(len(SECRETS)) if match[i * 3 + 2] is not None)


def _harmless(value: str) -> bool:
    """Masks, pseudonyms, fixed words of the test cases, and values such as ``aaaa...`` that stand for length alone."""
    masked = PLACEHOLDER in value or "&lt;*&gt;" in value
    return masked or value in PUBLIC or len(set(value)) < 4 or _PSEUDONYM.fullmatch(value) is not None


def _only_mentions_secret(match: re.Match[str]) -> bool:
    """Whether it is what a sentence says of a secret: words that are kept when messages are masked."""
    said = list(SECRETS)[_pseudonym_rule(match)] in SENTENCES
    return said and re.fullmatch(STATED, _pseudonym_groups(match)[1].rstrip(".!?)")) is not None


def secrets_in(texts: Sequence[str]) -> list[set[tuple[str, str]]]:
    """Rule and value of every secret, per text.

    Examples
    --------
    >>> secrets_in(["Load:66c2c2bd", "nothing"])
    [{('key', '66c2c2bd')}, set()]
    """
    # Rust finds the few places fast, all texts at once because it compiles the rules at every call; Python's groups say
    # which rule it was.
    column = pl.Series(texts, dtype=pl.String)
    places = zip(*(_secrets_per_text(column, *search) for search in secret_searches()), strict=True)
    return [{pair for found in set().union(*some) for pair in _secrets_left(found)} for some in places]


def _secrets_per_text(texts: pl.Series, triggers: tuple[str, ...], search: str) -> list[list[str]]:
    """What one search for secrets finds in each text."""
    if not triggers:
        return texts.str.extract_all(search).to_list()
    rows = texts.str.contains_any(list(triggers), ascii_case_insensitive=True).arg_true().to_list()
    found: list[list[str]] = [[] for _ in range(len(texts))]
    for row, some in zip(rows, texts.gather(rows).str.extract_all(search).to_list() if rows else [], strict=True):
        found[row] = some
    return found


@lru_cache(1 << 16)
def _secrets_left(found: str) -> tuple[tuple[str, str], ...]:
    some = (match for match in _pseudonym_rules_pattern().finditer(found) if not _only_mentions_secret(match))
    matches = [(list(SECRETS)[_pseudonym_rule(match)], _pseudonym_groups(match)[1]) for match in some]
    return tuple(pair for pair in matches if not _harmless(pair[1]) and (pair[0] != "key_line" or _is_base64(pair[1])))


def _is_base64(text: str) -> bool:
    """Whether a long word looks like an encoded key: a hash has no capitals, a path or a class no digits."""
    return all(any(map(kind, text)) for kind in (str.isupper, str.islower, str.isdigit))


def known_secret_values(logs: Iterable[Iterable[str]]) -> KnownValues:
    """Every original secret in ``logs``, each as its pieces of whole lines, as ``encoded_secret_forms`` gives them."""
    values: set[str] = set()
    files = 0

    def secret_texts() -> Iterator[str]:
        nonlocal files
        for log in logs:
            files += 1
            yield from log

    for some in _raw_text_batches(secret_texts()):
        for rule, value in set[tuple[str, str]]().union(*secrets_in(some)):
            values.add(value)
            if rule == "basic":
                values.update(_basic_header_secrets(value))
    kept = sorted(value for value in values if len(value) >= 6 and not _harmless(value))
    return KnownValues({form: value for value in kept for form in encoded_secret_forms(value)}, len(kept), files)


def _raw_text_batches(texts: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if sum(map(len, batch)) > 1 << 25 or len(batch) == 256:
            yield batch
            batch = []
    yield batch


def _basic_header_secrets(value: str) -> list[str]:
    """User and secret inside a Basic header."""
    try:
        plain = base64.b64decode(
            value + "=" * (-len(value) % 4), altchars=b"-_" if "-" in value or "_" in value else None
        )
        return plain.decode("utf-8").split(":", 1)
    except ValueError:
        return []


def encoded_secret_forms(value: str) -> set[str]:
    """``value`` plain, URL-encoded, in hexadecimal, and as it looks inside base64 at the three alignments.

    Examples
    --------
    >>> sorted(encoded_secret_forms("secret+value"))[:3]
    ['7365637265742B76616C7565', '7365637265742b76616c7565', 'NlY3JldCt2YWx1Z']
    """
    raw = value.encode()
    found = {value, quote(value, safe=""), re.sub("%..", lambda m: m[0].lower(), quote(value, safe=""))}
    if len(raw) >= 8:
        found |= {raw.hex(), raw.hex().upper()}
        for offset in range(3):
            for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
                text = encode(b"\0" * offset + raw).decode().rstrip("=")
                # The first and last characters also hold bits of what stands before and after.
                found.add(text[(0, 2, 3)[offset] : len(text) - ((offset + len(raw)) % 3 != 0)])
    return {form for form in found if len(form) >= _SHORT or form == value}


def leaked_secrets(members: Mapping[str, bytes], known: KnownValues | None) -> list[Leak]:
    """What ``members`` (name to bytes) give away: by rule, and by original value."""
    parts = ((name, one) for name, data in members.items() for one in (("name", name), *readable_texts(name, data)))
    readable = [(name, place, text) for name, (place, text) in parts]
    by_rule = secrets_in([text for *_, text in readable])
    found = {
        Leak(f"{name} ({place})", rule)
        for (name, place, _), pairs in zip(readable, by_rule, strict=True)
        for rule, _ in pairs
    }
    if known is not None and known.forms:
        places = [*readable, *((name, "bytes", data.decode("latin-1")) for name, data in members.items())]
        hits = occurrences([text for *_, text in places], known.forms)
        for (name, place, text), forms_found in zip(places, hits, strict=True):
            if any(_is_leaked_secret(form, text) for form in forms_found):
                found.add(Leak(f"{name} ({place})", "a value of the raw logs"))
    return sorted(found, key=lambda leak: (leak.place, leak.what))


def _is_leaked_secret(form: str, text: str) -> bool:
    """Short values turn up inside numbers and hashes by chance: they count as whole words only."""
    return len(form) >= _SHORT or re.search(rf"(?<![\w.]){re.escape(form)}(?!\w)", text) is not None


def readable_texts(name: str, data: bytes) -> Iterator[tuple[str, str]]:
    """Place and text of everything readable in a file: its characters, PNG chunks, Parquet columns, pickled strings."""
    if name.endswith(".png"):
        yield from _png_texts(data)
    elif name.endswith(".joblib"):
        from lo2.artefacts.bundle import bundle_strings

        yield "vocabulary and parameters", "\n".join(sorted(set(bundle_strings(data))))
    elif name.endswith(".parquet"):
        # Statistics and metadata stand in the footer; compressed pages would look like anything by chance.
        (size,) = struct.unpack("<I", data[-8:-4])
        yield "statistics and metadata", data[-8 - size :].decode("latin-1")
        yield from ((f"column {column}", "\n".join(values)) for column, values in _parquet_texts(data))
    else:
        yield "text", data.decode("utf-8", "replace")


def _png_texts(data: bytes) -> Iterator[tuple[str, str]]:
    place = 8
    while place + 8 <= len(data):
        (size,) = struct.unpack(">I", data[place : place + 4])
        kind, chunk = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        if kind in (b"tEXt", b"iTXt", b"zTXt", b"eXIf"):
            yield f"{kind.decode()} chunk", chunk.decode("utf-8", "replace")
            for start in (chunk.find(b"\x78"), chunk.find(b"\x78", chunk.find(b"\0"))):
                try:
                    plain = zlib.decompressobj().decompress(chunk[start:], 1 << 24)
                    yield f"{kind.decode()} chunk", plain.decode("utf-8", "replace")
                except zlib.error:
                    continue
        place += 12 + size
    if data[place:]:
        yield "bytes after the image", data[place:].decode("utf-8", "replace")


def _parquet_texts(data: bytes) -> Iterator[tuple[str, list[str]]]:
    frame = pl.read_parquet(io.BytesIO(data))
    for column in frame.columns:
        if frame[column].dtype == pl.String:
            yield column, frame[column].drop_nulls().unique().sort().to_list()
        elif frame[column].dtype == pl.List(pl.String):
            lists = frame[column].drop_nulls()
            yield column, lists.filter(lists.list.len() > 0).explode().drop_nulls().unique().sort().to_list()


def anonymise_parquet(data: bytes, key: bytes) -> tuple[bytes, int]:
    """A Parquet with every text value anonymised, written anew without statistics, and how many values changed."""
    frame = pl.read_parquet(io.BytesIO(data))
    changed = 0
    for column, values in list(_parquet_texts(data)):
        new = {value: anonymise(value, key)[0] for value in values}
        new = {old: text for old, text in new.items() if old != text}
        if new:
            changed += len(new)
            is_list = frame[column].dtype == pl.List(pl.String)
            one = pl.element() if is_list else pl.col(column)
            swapped = one.replace(list(new), list(new.values()))
            frame = frame.with_columns(pl.col(column).list.eval(swapped) if is_list else swapped)
    target = io.BytesIO()
    frame.write_parquet(target, compression="zstd", compression_level=3, row_group_size=65_536, statistics=False)
    return target.getvalue(), changed
