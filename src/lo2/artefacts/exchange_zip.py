"""The ZIP of the exchange: written the same for the same members, opened only when checks of zip and manifest pass.

Members are looked at in pieces, never as a whole: what an archive may unpack to must not matter to the memory.
"""

import re
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from lo2.artefacts.card import card_path, checked_card
from lo2.artefacts.json_yaml import DocumentError, decode_bounded_text, parse_json, parse_yaml
from lo2.artefacts.kinds import each, faults, pairs, table, text, whole
from lo2.artefacts.layout import identify_artefact
from lo2.artefacts.scan import MEMBER, read_scanned_sums
from lo2.errors import UntrustedBundleError
from lo2.members import DAMAGE, leads_out, zip_member_kind
from lo2.visible import visible

OWN = ("README.md", "MANIFEST.json", "SHA256SUMS")
MAX_MEMBERS, MAX_BYTES, MAX_RATIO = 10_000, 2 << 30, 200
# All members together: what is small in each may be large in sum.
MAX_TOTAL_RATIO, _FREE = 100, 64 << 20
_DOCUMENT, _PIECE = 8 << 20, 1 << 20
_LOCAL_HEADER = 30
_LONGEST_NAME, _LONGEST_PART = 1000, 255
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
MANIFEST = {
    "format": whole(1, 1), "members": each(lambda value: type(value) is dict, most=MAX_MEMBERS),
    "left_out": pairs(text(), text(longest=10_000)), "statement": text(longest=10_000),
    "anonymised": lambda value: type(value) is dict,
}  # fmt: skip
_MEMBER = table(MEMBER)


@dataclass(frozen=True)
class Opened:
    """An archive that passed every check: the hash of each member, and its bytes in pieces."""

    source: zipfile.ZipFile
    hashes: Mapping[str, str]

    def zip_member_chunks(self, name: str) -> Iterator[bytes]:
        """Bytes of a member."""
        return _zip_member_chunks(self.source, self.source.getinfo(name))


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    """Write sorted members with fixed times and modes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
        for name, data in sorted(members.items()):
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
            target.writestr(info, data)


@contextmanager
def open_checked_zip(path: Path) -> Iterator[Opened]:
    """The archive at ``path``, after every check.

    Raises
    ------
    UntrustedBundleError
        If a name, kind, size, ratio or hash is not as ``write_zip`` and ``pack_exchange`` make it.
    """
    try:
        source = zipfile.ZipFile(path)
    except DAMAGE as error:
        raise _damaged_zip_refusal(error) from error
    with source:
        try:
            hashes = _checked_zip_members(source, path.stat().st_size)
        except UntrustedBundleError:
            raise
        except DAMAGE as error:
            raise _damaged_zip_refusal(error) from error
        yield Opened(source, hashes)


def _damaged_zip_refusal(error: BaseException) -> UntrustedBundleError:
    return zip_refusal(f"it is damaged ({visible(str(error))[:160] or type(error).__name__})")


def zip_refusal(what: str) -> UntrustedBundleError:
    """Error that says why an archive is not believed."""
    return UntrustedBundleError(f"The archive is refused: {what}. Nothing was written; ask for it again")


def _checked_zip_members(source: zipfile.ZipFile, size: int) -> dict[str, str]:
    """Hashes of the members by name, after every check."""
    infos = sorted(source.infolist(), key=lambda info: info.filename)
    total = sum(info.file_size for info in infos)
    if len(infos) > MAX_MEMBERS or total > min(MAX_BYTES, _FREE + MAX_TOTAL_RATIO * size):
        raise zip_refusal("it holds too many files, or too large ones")
    _check_zip_members_apart(infos, size)
    seen: set[str] = set()
    for info in infos:
        _check_zip_member_info(info)
        folded = unicodedata.normalize("NFC", info.filename).casefold()
        if folded in seen:
            raise zip_refusal(f"it holds {info.filename!r} twice")
        seen.add(folded)
    hashes, documents = {}, {}
    for info in infos:
        kept, digest, length = [], sha256(), 0
        for piece in _zip_member_chunks(source, info):
            digest.update(piece)
            length += len(piece)
            if length <= _DOCUMENT and info.filename.endswith((".yml", ".json", "SHA256SUMS")):
                kept.append(piece)
        if length != info.file_size:
            raise zip_refusal(f"{info.filename!r} is not of the size it claims")
        hashes[info.filename], documents[info.filename] = digest.hexdigest(), b"".join(kept)
    _check_zip_member_sums(hashes, documents)
    _check_zip_manifest(hashes, documents)
    return hashes


def _check_zip_members_apart(infos: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse members that lie inside each other: a few bytes stand for many files then."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise zip_refusal("its members lie inside each other")
        end = info.header_offset + _LOCAL_HEADER + info.compress_size
    if end > size:
        raise zip_refusal("it is damaged (a member lies outside of it)")


def _check_zip_member_sums(hashes: Mapping[str, str], documents: Mapping[str, bytes]) -> None:
    if "SHA256SUMS" not in hashes:
        raise zip_refusal("it holds no SHA256SUMS")
    sums = read_scanned_sums(documents["SHA256SUMS"].decode("utf-8", "replace"))
    others = {name: digest for name, digest in hashes.items() if name != "SHA256SUMS"}
    wrong = {*sums} ^ {*others} | {name for name, digest in others.items() if digest != sums.get(name)}
    if wrong:
        raise zip_refusal(f"{visible(min(wrong))[:200]!r} is not what its SHA256SUMS lists")


def _check_zip_member_info(info: zipfile.ZipInfo) -> None:
    name, kind = info.filename, zip_member_kind(info)
    parts = name.split("/")
    odd = re.search(r"[\x00-\x1f\x7f:]", name) or not all(parts) or "." in parts
    if info.orig_filename != name or leads_out(name) or odd:
        raise zip_refusal(f"{info.orig_filename[:200]!r} is no plain relative name")
    if visible(name) != name or any(_RESERVED.fullmatch(part) or part[-1] in ". " for part in parts):
        raise zip_refusal(f"{visible(name)[:200]!r} is a name that not every system can show or hold")
    if len(name.encode()) > _LONGEST_NAME or any(len(part.encode()) > _LONGEST_PART for part in parts):
        raise zip_refusal(f"{name[:60]!r}... is too long a name")
    if kind in ("link", "special"):
        raise zip_refusal(f"{name!r} is a link or another special file")
    if kind == "encrypted" or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zip_refusal(f"{name!r} is encrypted or packed in an unusual way")
    if info.file_size > 1 << 20 and info.file_size > MAX_RATIO * max(1, info.compress_size):
        raise zip_refusal(f"{name!r} unpacks to {info.file_size // max(1, info.compress_size)} times its size")
    found = identify_artefact(name)
    if name not in OWN and (found is None or not found[0].shareable):
        raise zip_refusal(f"{name!r} is nothing that lo2 pack writes")


def _zip_member_chunks(source: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Bytes of a member, at most one more than it claims."""
    left = info.file_size + 1
    with source.open(info) as stream:
        while left > 0 and (piece := stream.read(min(_PIECE, left))):
            left -= len(piece)
            yield piece


def _check_zip_manifest(hashes: Mapping[str, str], documents: Mapping[str, bytes]) -> None:
    """Every bundle has a card that vouches for it, and the manifest is one."""
    for name in [name for name in hashes if name.endswith(".joblib")]:
        card = card_path(Path(name)).as_posix()
        try:
            listed = checked_card(parse_yaml(decode_bounded_text(documents.get(card, b""))))
        except DocumentError as error:
            raise zip_refusal(f"{card} is no card ({error})") from error
        if listed.get("bundle_sha256") != hashes[name]:
            raise zip_refusal(f"{name} is not the bundle that {card} describes")
    if "MANIFEST.json" not in documents:
        raise zip_refusal("it has no MANIFEST.json")
    try:
        manifest = parse_json(decode_bounded_text(documents["MANIFEST.json"]))
    except DocumentError as error:
        raise zip_refusal(f"its MANIFEST.json cannot be read ({error})") from error
    check_exchange_manifest(manifest)


def check_exchange_manifest(manifest: Mapping[str, Any]) -> None:
    """Refuse a manifest whose values are not of their kinds.

    Raises
    ------
    UntrustedBundleError
        With the first of them.
    """
    wrong = faults(manifest, MANIFEST, required=("format",), others=True)
    if wrong or not all(_MEMBER(member) for member in manifest.get("members", ())):
        raise zip_refusal(f"its MANIFEST.json has a format that this lo2 does not know ({(wrong or ['members'])[0]})")
