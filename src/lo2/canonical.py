"""The canonical line of a message as the phases pass it on: ``LEVEL``, logger and text, unit separators between.

LO2's own profile keeps its messages as they are printed, and a continuation line begins with a line feed.
"""

import re
from typing import TYPE_CHECKING

from lo2.masking.masks import PLACEHOLDER, Masking

if TYPE_CHECKING:
    import polars as pl

SEPARATOR = "\x1f"
_DOTTED = re.compile(r"[A-Za-z_$][\w$-]*(?:(?:\.|::|/)[\w$<>-]+)+", re.ASCII)
_NAME = re.compile(r"[\w$.:/()<>+-]+", re.ASCII)


def canonical_text(message: str) -> str:
    """Text of a message without its level and logger.

    Examples
    --------
    >>> canonical_text("ERROR\\x1fshop.Pay\\x1frefused"), canonical_text("refused")
    ('refused', 'refused')
    """
    return message if message.startswith("\n") else message.split(SEPARATOR, 2)[-1]


def canonical_line(message: str) -> str:
    """A message as people read it: level, logger and text behind each other.

    Examples
    --------
    >>> canonical_line("ERROR\\x1fshop.Pay\\x1frefused")
    'ERROR shop.Pay refused'
    """
    return " ".join(filter(None, message.split("\x1f", 2)))


def mask_canonical(messages: "pl.Series", masking: Masking) -> "pl.Series":
    """Messages with their values masked: of ``LEVEL``, logger and text between unit separators, the text alone.

    A logger is the program's own word; only digits in one that is no dotted name, such as a thread's, are a value.

    Examples
    --------
    >>> import polars as pl
    >>> from lo2.masking.profiles import profile_masking
    >>> mask_canonical(pl.Series(["INFO\\x1fa.v2.B\\x1ftook 5 ms"]), profile_masking("tree")).to_list()
    ['INFO\\x1fa.v2.B\\x1ftook <*>']
    """
    import polars as pl

    heads = messages.str.extract("^([^\x1f\n]*\x1f[^\x1f\n]*\x1f)", 1).fill_null("")
    known = heads.unique()
    if len(known) == 1 and known[0] == "":
        return masking.mask_texts(messages)
    frame = pl.DataFrame({"message": messages, "head": heads})
    texts = frame.select(pl.col("message").str.strip_prefix(pl.col("head"))).to_series()
    kept = pl.Series([_masked_canonical_head(head, masking) for head in known.to_list()], dtype=pl.String)
    return heads.replace_strict(known, kept, return_dtype=pl.String) + masking.mask_texts(texts)


def _masked_canonical_head(head: str, masking: Masking) -> str:
    level, _, logger = head.removesuffix("\x1f").partition("\x1f")
    if logger and not _DOTTED.fullmatch(logger):
        logger = re.sub("[0-9]+", PLACEHOLDER, logger) if _NAME.fullmatch(logger) else masking.mask_text(logger)
    return f"{level}\x1f{logger}\x1f" if head else ""
