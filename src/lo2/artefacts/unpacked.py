"""What ``lo2 unpack`` left in a folder: the members of the ZIP, with their hashes as its manifest lists them."""

from lo2.artefacts.documents import DocumentError, parse_json, read_text
from lo2.artefacts.kinds import each, table, text, whole
from lo2.artefacts.layout import Home
from lo2.artefacts.provenance import Entry, Provenance, below

_MANIFEST = "MANIFEST.json"
_MOST = 8 << 20
_MEMBER = {"path": below, "sha256": text(), "bytes": whole(0, 1 << 40), "replaced": whole(0, 1 << 40)}


def unpacked(home: Home, known: Provenance) -> dict[str, Entry]:
    """Members by name; none where nothing was unpacked, or where phases of its own ran since.

    Examples
    --------
    >>> from pathlib import Path
    >>> unpacked(Home(Path("no/such/folder"), Path("models")), Provenance())
    {}
    """
    if known.phases.keys() - {"score"}:
        return {}
    try:
        listed = parse_json(read_text(home.result / _MANIFEST, most=_MOST)).get("members", [])
    except (OSError, DocumentError):
        return {}
    if not each(table(_MEMBER, *_MEMBER))(listed):
        return {}
    return {one["path"]: Entry(one["path"], one["sha256"], one["bytes"], "pack") for one in listed}
