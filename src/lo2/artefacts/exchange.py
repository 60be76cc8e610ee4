"""The exchange: ``pack`` what may be shared, pseudonymised and verified; ``unpack`` only what passes every check."""

import secrets
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lo2.artefacts import exchange_zip
from lo2.artefacts import provenance as record
from lo2.artefacts.anonymise import KnownValues, Leak, anonymise, anonymise_parquet, leaked_secrets, readable_texts
from lo2.artefacts.card import read_card
from lo2.artefacts.files import (
    TEMPORARY,
    atomic_write,
    json_text,
    sha256,
    sha256_bytes,
    sha256_sums_text,
    sweep_own_temporary_files,
)
from lo2.artefacts.layout import Home, identify_artefact
from lo2.artefacts.ledger import kept_metrics
from lo2.artefacts.lock import lock, lock_folder
from lo2.artefacts.scan import APART, Scanned, scan_artefacts
from lo2.errors import ArtefactExistsError, CheckFailedError, InputNotFoundError
from lo2.masking.profiles import SECRETS
from lo2.masking.user_patterns import user_pattern_pass

STATEMENT = "no known pattern found"
README = """# Log-anomaly models, metrics and explanations

Written by `lo2 pack`. Check it with `sha256sum -c SHA256SUMS`.

## Data

{data}

## Metrics

{metrics}

## Limits

The figures hold for the data above. `MANIFEST.json` lists what stayed out and how secrets were looked for:
{statement}, which is no proof that there is none.

## Load

```python
import joblib
model, vectorizer = joblib.load("models/lo2_if.joblib")
scores = -model.score_samples(vectorizer.transform(token_lists))  # higher is more anomalous
```

`lo2 unpack FILE.zip --into FOLDER` and `lo2 score --model FOLDER/models/lo2_if.joblib` check the files first.
"""


@dataclass(frozen=True)
class Packed:
    """What ``pack_exchange`` did: members, what stayed out with the reason, replaced values, values looked for."""

    path: Path
    members: tuple[str, ...]
    left_out: Mapping[str, str]
    replaced: int
    known: int | None


def pack_exchange(
    home: Home,
    out: Path,
    *,
    known: Callable[[], KnownValues | None],
    include_parquet: bool = False,
    key: bytes | None = None,
    overwrite: bool = False,
) -> Packed:
    """Write what may be shared to the ZIP ``out``; nothing is written if a secret is found in it.

    Pseudonyms are made with ``key`` (at least 16 bytes, random by default, never in the ZIP). ``known`` gives the
    values of the raw logs to be looked for; with None only rules are checked, and the manifest says so.

    Raises
    ------
    ArtefactExistsError
        If ``out`` exists.
    CheckFailedError
        If an artefact is changed, or a secret is found; the message names the place.
    """
    if out.exists() and not overwrite:
        raise ArtefactExistsError(f"{out} exists. Pass --overwrite, or choose another --out")
    with lock(home, create=False):
        sweep_own_temporary_files(out)
        _refuse_raw_exchange(home)
        return _pack_exchange_zip(home, out, include_parquet, key, known())


def _pack_exchange_zip(
    home: Home, out: Path, include_parquet: bool, key: bytes | None, known: KnownValues | None
) -> Packed:
    findings = scan_artefacts(home, strict=True)
    changed = [f.path for f in findings if f.state == "changed"]
    if changed:
        raise CheckFailedError(f"{', '.join(changed[:5])} changed since written: lo2 restore --all, or run again")
    chosen, left_out = _choose_exchange_members(findings, include_parquet)
    if not chosen and (stale := [f.path for f in findings if f.state == "stale"]):
        raise CheckFailedError(f"{', '.join(stale[:5])} older than the sequences: run lo2 detect and lo2 explain again")
    if not chosen:
        raise InputNotFoundError(f"{home.result} and {home.models} hold nothing to share yet. Start with: lo2 run ROOT")
    members, replaced = _anonymise_exchange(home, chosen, key or secrets.token_bytes(32))
    facts = {
        "left_out": left_out,
        "anonymised": {"rules": sorted(SECRETS), "replaced": sum(replaced.values())},
        "known_values": {"looked_for": known.values, "logs": known.files} if known else None,
        "raw_root": "read"
        if known
        else "not at hand: only the rules were applied, original values were not looked for",
        "statement": STATEMENT,
        "data_fingerprint": record.load_provenance(home).phases.get("load", {}).get("input_fingerprint"),
        "members": [
            {"path": n, "sha256": sha256_bytes(d), "bytes": len(d), "replaced": replaced[n]} for n, d in members.items()
        ],
    }
    members["README.md"] = _exchange_zip_readme(home, sorted(members)).encode()
    members["MANIFEST.json"] = json_text(facts).encode()
    members["SHA256SUMS"] = sha256_sums_text({name: sha256_bytes(data) for name, data in members.items()}).encode()
    with atomic_write(out) as part:
        exchange_zip.write_zip(part, members)
        found = [*verify_exchange(part, known), *_exchange_pattern_leaks(home, members)]
        if found:
            places = "; ".join(f"{leak.place}: {leak.what}" for leak in found[:5])
            raise CheckFailedError(
                f"{out} was not written, {len(found)} secrets were found: {places}. Load again with a --redact "
                "PATTERN that covers them, then detect and explain; or move what must stay out of the result root"
            )
    return Packed(out, tuple(sorted(members)), left_out, sum(replaced.values()), known.values if known else None)


def _refuse_raw_exchange(home: Home) -> None:
    """Refuse what was made with secrets left in."""
    for phase, facts in record.load_provenance(home).phases.items():
        for name in ("no_redact", "show_raw"):
            if facts.get("options", {}).get(name):
                raise CheckFailedError(
                    f"{home.result} was made with --{name.replace('_', '-')} ({phase}): it may hold raw text. Run lo2 "
                    f"{phase} again without it before you share anything"
                )


def _exchange_pattern_leaks(home: Home, members: Mapping[str, bytes]) -> list[Leak]:
    """What a team's own patterns (``--redact``) still find."""
    own = record.load_provenance(home).phases.get("load", {}).get("options", {}).get("redact") or ()
    passes = [user_pattern_pass(pattern) for pattern in own]
    places = (
        [(name, place, text) for name, data in members.items() for place, text in readable_texts(name, data)]
        if own
        else []
    )
    return [
        Leak(f"{name} ({place})", f"own pattern {i + 1}")
        for name, place, text in places
        for i, one in enumerate(passes)
        if one.mask_text(text) != text
    ]


def _choose_exchange_members(findings: list[Scanned], include_parquet: bool) -> tuple[list[str], dict[str, str]]:
    """Names that go in, and why the others do not."""
    chosen, left_out = [], {}
    for finding in findings:
        found = identify_artefact(finding.path)
        if finding.state in ("missing", "not applicable") or (finding.state == "foreign" and not finding.bytes):
            continue
        if finding.state != "present" or finding.note == APART:
            left_out[finding.path] = finding.note or finding.state
        elif found is None or not found[0].shareable:
            left_out[finding.path] = "stays here: raw text, or of no use elsewhere"
        elif finding.path.endswith(".parquet") and not include_parquet and found[0].name != "reference":
            left_out[finding.path] = "a Parquet: --include-parquet"
        else:
            chosen.append(finding.path)
    return sorted(chosen), dict(sorted(left_out.items()))


def _anonymise_exchange(home: Home, names: list[str], key: bytes) -> tuple[dict[str, bytes], dict[str, int]]:
    """Members with pseudonyms; bundles, cards, references and pictures as they are: a change would break them."""
    members, replaced = {}, {}
    for name in names:
        data, count = home.locate_artefact(name).read_bytes(), 0
        if name.startswith("models/") or name.endswith((".png", "SHA256SUMS")):
            pass
        elif name.endswith(".parquet"):
            data, count = anonymise_parquet(data, key)
        else:
            text, count = anonymise(data.decode("utf-8"), key)
            data = text.encode()
        members[name], replaced[name] = data, count
    for name in [name for name in names if name.endswith("/SHA256SUMS")]:
        folder = name.removesuffix("SHA256SUMS")
        inside = [m for m in members if m.startswith(folder) and m != name]
        members[name] = sha256_sums_text({m.rpartition("/")[2]: sha256_bytes(members[m]) for m in inside}).encode()
    return members, replaced


def verify_exchange(path: Path, known: KnownValues | None) -> list[Leak]:
    """Secrets in a finished ZIP: names, bytes, texts, vocabularies, picture chunks, Parquet statistics."""
    with zipfile.ZipFile(path) as source:
        return leaked_secrets(
            {"comment": source.comment, **{name: source.read(name) for name in source.namelist()}}, known
        )


def _exchange_zip_readme(home: Home, names: list[str]) -> str:
    card = read_card(home.path("bundle")) if "models/lo2_if.joblib" in names else {}
    rows = [
        f"- {key}: {card[key]}"
        for key in ("data_fingerprint", "training_rows", "holdout_rows", "threshold")
        if key in card
    ]
    table = ["| metric | value | 95 % interval | n | why |", "|---|---|---|---|---|"]
    for model, metrics in kept_metrics(home.metrics).items():
        for metric, found in metrics.items():
            span = "" if found.get("low") is None else f"{found['low']:.4g} to {found['high']:.4g}"
            cells = [
                f"{model}.{metric}",
                _exchange_readme_cell(found.get("value")),
                span,
                _exchange_readme_cell(found.get("n")),
                _exchange_readme_cell(found.get("why")),
            ]
            table.append(f"| {' | '.join(cells)} |")
    data = "\n".join(rows or ["- see MANIFEST.json"])
    return README.format(data=data, metrics="\n".join(table), statement=STATEMENT)


def _exchange_readme_cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "/")


def unpack_exchange(zip_file: Path, into: Path, *, overwrite: bool = False) -> tuple[str, ...]:
    """Unpack a ZIP of ``pack_exchange`` to ``into`` after checking all of it; names of what was written.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    UntrustedBundleError
        If a name, kind, size, ratio or hash is not as it must be; nothing is written then.
    ArtefactExistsError
        If a different file would be replaced and ``overwrite`` is off.
    """
    if not zip_file.is_file():
        raise InputNotFoundError(f"There is no archive {zip_file}. Make one with: lo2 pack --out FILE.zip")
    with exchange_zip.open_checked_zip(zip_file) as members:
        for name, digest in members.hashes.items():
            target = into / name
            if any(part.is_symlink() for part in [target, *target.parents][: len(Path(name).parts)]):
                raise exchange_zip.zip_refusal(f"{target} leads through a link")
            if target.exists() and not overwrite and (not target.is_file() or sha256(target) != digest):
                raise ArtefactExistsError(f"{target} exists and differs. Choose another --into, or pass --overwrite")
        _place_exchange_members(members, into)
        return tuple(members.hashes)


def _place_exchange_members(members: exchange_zip.Opened, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    with lock_folder(into):
        workshop = into / f"{TEMPORARY}{secrets.token_hex(6)}"
        try:
            for name in members.hashes:
                (workshop / name).parent.mkdir(parents=True, exist_ok=True)
                with (workshop / name).open("wb") as target:
                    for piece in members.zip_member_chunks(name):
                        target.write(piece)
                if sha256(workshop / name) != members.hashes[name]:
                    raise exchange_zip.zip_refusal(f"{name} changed while it was unpacked")
            for name in members.hashes:
                (into / name).parent.mkdir(parents=True, exist_ok=True)
                (workshop / name).replace(into / name)
        finally:
            shutil.rmtree(workshop, ignore_errors=True)
    (into / ".lock").unlink(missing_ok=True)  # what was unpacked is the archive's, and nothing else
