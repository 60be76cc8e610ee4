"""The card of a bundle (``model.yml``): read, checked, completed, replaceable or not, written with its bundle."""

import datetime as dt
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lo2.artefacts.files import sha256, sync_to_disk, write_bytes, write_text, yaml_text
from lo2.artefacts.json_yaml import DocumentError, parse_json, parse_yaml, read_bounded_text
from lo2.artefacts.kinds import Kind, each, either, faults, flag, none, number, pairs, table, text, whole
from lo2.artefacts.provenance import library_versions
from lo2.errors import ArtefactExistsError, UntrustedBundleError

FORMAT = 2
KEYS = (
    *("format", "generated_at", "lo2_version", "git_commit", "versions", "bundle_sha256", "data_fingerprint"),
    *("feature_set", "item_list_col", "if_params", "training_rows", "holdout_rows", "threshold"),
    *("threshold_percentile", "thresholds_by_service", "score", "inputs", "outputs", "self_test", "metrics"),
)
_TEXT, _ROWS = text(longest=10_000), whole(0, 1 << 40)
_COUNT = either(none, _ROWS)


def _is_card_hash(value: Any) -> bool:
    return type(value) is str and re.fullmatch(r"[0-9a-f]{64}", value) is not None


# What is read of a card, with its kind; any other key may hold anything plain.
FIELDS: Mapping[str, Kind] = {
    "format": whole(1), "bundle_sha256": either(none, _is_card_hash), "data_fingerprint": either(none, _TEXT),
    "generated_at": either(none, text(), lambda value: type(value) in (dt.datetime, dt.date)),
    "versions": either(none, pairs(text(), either(text(), number()))),
    "lo2_version": either(none, text(), number()), "git_commit": either(none, text(), number()),
    "model": either(none, text()), "source": either(none, text()), "feature_set": either(none, text()),
    "item_list_col": either(none, text()), "if_params": either(none, lambda value: type(value) is dict),
    "training_rows": _COUNT, "holdout_rows": _COUNT, "threshold": either(none, number()),
    "threshold_percentile": either(none, number(0, 100)), "numeric": either(none, each(text())),
    "thresholds_by_service": either(none, pairs(
        _TEXT, lambda value: type(value) is dict and not faults(
            value, {"threshold": number(), "n": _ROWS}, required=("threshold", "n"), others=True))),
    "holdout_scores": either(none, pairs(_TEXT, each(number()))),
    "normal_scores": either(none, pairs(_TEXT, each(number()))), "run_scores": either(none, each(number())),
    "normal_errors": either(none, pairs(_TEXT, each(number(0)))), "learnt_positions": _COUNT,
    "reference_sha256": either(none, _is_card_hash), "measured_on": either(none, _TEXT),
    "inputs": either(none, each(lambda value: type(value) is dict)),
    "outputs": either(none, each(lambda value: type(value) is dict)),
    "self_test": either(none, each(table(
        {"tokens": each(either(_TEXT, number()), most=100_000), "score": number()}, "tokens", "score"), most=1000)),
    "metrics": either(none, lambda value: type(value) is dict),
    # the preprocessing of the logs, under the name that cards of all versions have for it
    "door": either(none, pairs(text(), either(none, flag, text(longest=1_000), each(text(longest=1_000), most=100)))),
}  # fmt: skip


def card_path(bundle: Path) -> Path:
    """Where the card of ``bundle`` lies: ``model.yml`` for ``lo2_if.joblib``, ``<stem>.yml`` next to any other.

    Examples
    --------
    >>> card_path(Path("models/knn_words.joblib")).as_posix()
    'models/knn_words.yml'
    """
    return bundle.with_name("model.yml" if bundle.name == "lo2_if.joblib" else f"{bundle.stem}.yml")


def card_reference_path(bundle: Path) -> Path:
    """Where the reference of ``bundle`` lies: what new logs are compared with.

    Examples
    --------
    >>> card_reference_path(Path("models/knn_words.joblib")).as_posix()
    'models/knn_words_reference.parquet'
    """
    return bundle.with_name(f"{bundle.stem}_reference.parquet")


def read_card(bundle: Path) -> dict[str, Any]:
    """Card of ``bundle``; empty where it has none.

    Raises
    ------
    UntrustedBundleError
        If it is not a mapping, or of a format this version does not know.
    """
    path = card_path(bundle)
    if not path.exists():
        return {}
    try:
        return checked_card(parse_yaml(read_bounded_text(path)))
    except DocumentError as error:
        raise UntrustedBundleError(f"{path} is no card: {error}. Get it again from where it came from") from error


def checked_card(card: dict[str, Any]) -> dict[str, Any]:
    """``card``, after its format and the kinds of its values were looked at.

    Raises
    ------
    DocumentError
        With the first value that is not of its kind.
    """
    if type(card.get("format")) is int and card["format"] > FORMAT:
        raise DocumentError(f"it has format {card['format']}, this lo2 reads up to {FORMAT}: update lo2")
    wrong = faults(card, FIELDS, others=True)
    if wrong:
        raise DocumentError(wrong[0])
    return card


def completed_card(card: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """``card`` with format and bundle hash, its known keys first and in their order.

    Raises
    ------
    ValueError
        If a required key is missing, or there is neither commit nor the reason why not.
    """
    full = {"format": FORMAT, **card, "bundle_sha256": digest}
    missing = [key for key in KEYS if key not in full]
    if missing:
        raise ValueError(f"the bundle's card lacks {', '.join(missing)}")
    if full["git_commit"] is None and not full.get("git_commit_why"):
        raise ValueError("the bundle's card has no git_commit and no git_commit_why")
    return {key: full[key] for key in (*KEYS, *(key for key in full if key not in KEYS))}


def check_card_replaceable(bundle: Path, intended: Mapping[str, Any], *, overwrite: bool = False) -> None:
    """Refuse, before any work, to replace a bundle whose card would change in what is ``intended``.

    Raises
    ------
    ArtefactExistsError
        Unless ``overwrite`` is set.
    """
    if overwrite or not bundle.exists():
        return
    repair_bundle_and_card(bundle)
    card = read_card(bundle)
    differs = [key for key, value in intended.items() if card.get(key) != value]
    if not differs:
        return
    state = "belongs to another data state" if "data_fingerprint" in differs else "was made otherwise"
    raise ArtefactExistsError(
        f"{bundle} {state} (differs in {', '.join(differs)}). Keep both with --variant NAME, for example "
        "--variant lo2_own, or replace it with --overwrite-model"
    )


def card_version_drift(card: Mapping[str, Any]) -> tuple[str, ...]:
    """One sentence per library whose version is not the one the bundle was made with."""
    made, here = card.get("versions") or {}, library_versions()
    return tuple(
        f"The bundle was made with {name} {made[name]}, this is {here[name]}: its self-test decides"
        for name in sorted(set(made) & set(here))
        if str(made[name]) != here[name] and name in ("numpy", "scikit-learn")
    )


def write_bundle_and_card(bundle: Path, data: bytes, card: Mapping[str, Any], reference: bytes | None = None) -> None:
    """Replace bundle, card and reference as one: ``repair_bundle_and_card`` completes what was killed in between."""
    promised = {bundle: data, card_path(bundle): yaml_text(card).encode()}
    promised |= {} if reference is None else {card_reference_path(bundle): reference}
    for target, content in promised.items():
        write_bytes(_new_card_path(target), content)
    hashes = {target.name: sha256(_new_card_path(target)) for target in promised}
    write_text(_card_journal_path(bundle), json.dumps({"format": 1, "files": hashes}, sort_keys=True))
    repair_bundle_and_card(bundle)


def repair_bundle_and_card(bundle: Path) -> bool:
    """Complete an interrupted ``write_bundle_and_card`` of ``bundle``; True where there was something to do."""
    journal = _card_journal_path(bundle)
    targets = (bundle, card_path(bundle), card_reference_path(bundle))
    if not journal.exists():
        return False
    try:
        hashes = parse_json(read_bounded_text(journal, most=1 << 20))["files"]
        for target in targets:
            if _new_card_path(target).exists() and sha256(_new_card_path(target)) == hashes.get(target.name):
                _new_card_path(target).replace(target)
    except (ValueError, KeyError, TypeError) as error:
        raise UntrustedBundleError(f"{journal} is damaged ({error}). Delete it, then train again") from error
    sync_to_disk(bundle.parent)
    journal.unlink()
    return True


def _new_card_path(target: Path) -> Path:
    return target.with_name(f".{target.name}.new")


def _card_journal_path(bundle: Path) -> Path:
    return bundle.with_name(f".{bundle.name}.pending")
