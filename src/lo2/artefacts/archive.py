"""The ZIP format of the exchange: written the same for the same members, read only when every check passes."""

import json
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import yaml

from lo2.artefacts.card import card_path
from lo2.artefacts.files import sha256_bytes
from lo2.artefacts.layout import identify
from lo2.artefacts.scan import read_sums
from lo2.errors import UntrustedBundleError

OWN = ("README.md", "MANIFEST.json", "SHA256SUMS")
MAX_MEMBERS, MAX_BYTES, MAX_RATIO = 10_000, 4 << 30, 200


def write(path: Path, members: Mapping[str, bytes]) -> None:
    """Write sorted members with fixed times and modes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
        for name, data in sorted(members.items()):
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
            target.writestr(info, data)


def read(path: Path) -> dict[str, bytes]:
    """Members of an archive by name, after every check.

    Raises
    ------
    UntrustedBundleError
        If a name, kind, size, ratio or hash is not as ``write`` and ``pack`` make it.
    """
    try:
        with zipfile.ZipFile(path) as source:
            return _checked(source)
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        zlib.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise refuse(f"it is damaged ({error})") from error


def refuse(what: str) -> UntrustedBundleError:
    """Error that says why an archive is not believed."""
    return UntrustedBundleError(f"The archive is refused: {what}. Nothing was written; ask for it again")


def _checked(source: zipfile.ZipFile) -> dict[str, bytes]:
    """Members by name, after every check."""
    infos = source.infolist()
    if len(infos) > MAX_MEMBERS or sum(info.file_size for info in infos) > MAX_BYTES:
        raise refuse("it holds too many files, or too large ones")
    seen: set[str] = set()
    for info in infos:
        _check_info(info)
        folded = unicodedata.normalize("NFC", info.filename).casefold()
        if folded in seen:
            raise refuse(f"it holds {info.filename!r} twice")
        seen.add(folded)
    members = {info.filename: _read(source, info) for info in sorted(infos, key=lambda info: info.filename)}
    if "SHA256SUMS" not in members:
        raise refuse("it holds no SHA256SUMS")
    sums = read_sums(members["SHA256SUMS"].decode("utf-8", "replace"))
    wrong = {*sums} ^ ({*members} - {"SHA256SUMS"})
    wrong |= {name for name in members if name != "SHA256SUMS" and sha256_bytes(members[name]) != sums.get(name)}
    if wrong:
        raise refuse(f"{min(wrong)!r} is not what its SHA256SUMS lists")
    _check_bundles(members)
    return members


def _check_info(info: zipfile.ZipInfo) -> None:
    name, mode = info.filename, info.external_attr >> 16
    parts = name.split("/")
    if (
        info.orig_filename != name
        or re.search(r"[\x00-\x1f\x7f\\:]", name)
        or not all(parts)
        or {".", ".."} & set(parts)
    ):
        raise refuse(f"{info.orig_filename!r} is no plain relative name")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise refuse(f"{name!r} is a link or another special file")
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refuse(f"{name!r} is encrypted or packed in an unusual way")
    if info.file_size > 1 << 20 and info.file_size > MAX_RATIO * max(1, info.compress_size):
        raise refuse(f"{name!r} unpacks to {info.file_size // max(1, info.compress_size)} times its size")
    found = identify(name)
    if name not in OWN and (found is None or not found[0].shareable):
        raise refuse(f"{name!r} is nothing that lo2 pack writes")


def _read(source: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with source.open(info) as stream:
        data = stream.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise refuse(f"{info.filename!r} is not of the size it claims")
    return data


def _check_bundles(members: Mapping[str, bytes]) -> None:
    """Every bundle has a card that vouches for it."""
    for name in [name for name in members if name.endswith(".joblib")]:
        card = card_path(Path(name)).as_posix()
        try:
            listed = yaml.safe_load(members.get(card, b""))
        except yaml.YAMLError as error:
            raise refuse(f"{card} is no YAML") from error
        if not isinstance(listed, dict) or listed.get("bundle_sha256") != sha256_bytes(members[name]):
            raise refuse(f"{name} is not the bundle that {card} describes")
    manifest = members.get("MANIFEST.json", b"")
    try:
        if json.loads(manifest).get("format") != 1:
            raise refuse("its MANIFEST.json has a format that this lo2 does not know")
    except (ValueError, AttributeError) as error:
        raise refuse("it has no MANIFEST.json") from error
