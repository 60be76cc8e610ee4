"""``pack``: what may be shared, searched for every secret of the raw logs and texts, however these are packed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lo2.artefacts import provenance
from lo2.artefacts.anonymise import KnownValues, known_secret_values
from lo2.artefacts.exchange import Packed, pack_exchange
from lo2.artefacts.layout import Home
from lo2.artefacts.outside import not_applicable
from lo2.errors import InputError, InputNotFoundError
from lo2.loading.sources.archives import is_archive
from lo2.loading.sources.blocks import UNREADABLE, Reader
from lo2.loading.sources.files import LeftOut, LogFile
from lo2.loading.sources.walk import root_to_walk


def pack(
    home: Home, out: Path, *, raw_root: Path | None = None, without_raw_root: bool = False, **options: Any
) -> Packed:
    """Write the ZIP ``out`` as :func:`lo2.artefacts.exchange.pack_exchange` does, after a look at the raw logs.

    ``raw_root`` is where they are now; ``without_raw_root`` goes on without them: only rules are checked then, and the
    manifest says so.

    Raises
    ------
    InputNotFoundError
        If the raw logs are gone, or none is there, and ``without_raw_root`` is off.
    """
    return pack_exchange(home, out, known=lambda: _raw_secret_values(home, raw_root, without_raw_root), **options)


def _raw_secret_values(home: Home, raw_root: Path | None, without: bool) -> KnownValues | None:
    root = raw_root or provenance.recorded_raw_root(home)
    go_on = "Name them with --root, or pass --without-raw-root: only the rules are applied then, and the manifest says"
    if root is not None and root.exists():
        known = known_secret_values(raw_texts_to_search(root))
        if known.files or without:
            return known
        raise InputNotFoundError(f"No log is below {root}, so no value can be looked for in the ZIP. {go_on} so")
    if without or "load" in not_applicable(provenance.load_provenance(home)):
        return None
    raise InputNotFoundError(
        f"The raw logs ({root or 'never noted'}) are gone, so their values cannot be looked for in the ZIP. {go_on} so"
    )


def raw_texts_to_search(root: Path) -> Iterator[Iterator[str]]:
    """Texts of every file that a load could read, a piece of whole lines at a time, those in archives included.

    Of a damaged compressed log it is what stands before the damage.

    Raises
    ------
    InputError
        If an archive or a folder cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "shop.txt").write_text("up\\n")
    >>> [list(texts) for texts in raw_texts_to_search(root)]
    [['up\\n']]
    """
    left_out = LeftOut()
    here = root_to_walk(root)
    base = here.base.parent if here.single else here.base
    for found in list(here.find_files(left_out)):
        path = base / found.relative
        if not here.packed and is_archive(path):
            yield from raw_texts_to_search(path)
            continue
        where = (found.size_bytes, found.stamp, found.outer, found.offset)
        yield _raw_log_texts(LogFile("", "", "", str(base), found.relative, *where))
    for name, why in left_out.bad:
        raise _unreadable_raw_log(f"{root}: {name}", why)


def _raw_log_texts(file: LogFile) -> Iterator[str]:
    try:
        for block in Reader(file):
            yield block.decode("utf-8", "replace")
    except UNREADABLE as error:
        if file.offset is not None:  # a part of an archive; a log of its own was a bad file when it was loaded
            raise _unreadable_raw_log(file.path, error) from error


def _unreadable_raw_log(what: str, why: object) -> InputError:
    return InputError(f"{what}: {why}. Mend it, move it away, or pass --without-raw-root")
