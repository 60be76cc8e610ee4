"""Bundles, the only module with pickles: canonical bytes are saved; loading a payload runs nothing a stranger wrote.

A bundle is believed in this order: its sha256 is that of its card; every name in it stands in a short list, as a value,
as something called or as something created; every attribute of an instance is one of its class and of its kind; arrays
hold numbers and agree in size with what walks them; its self-test gives the scores of its card. ``bundle_strings``
reads the texts of a bundle without importing what it names.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from joblib.numpy_pickle import NumpyPickler

from lo2.artefacts import validation
from lo2.artefacts.attributes import OWN, SHARED
from lo2.artefacts.card import (
    card_path,
    card_reference_path,
    card_version_drift,
    completed_card,
    read_card,
    repair_bundle_and_card,
    write_bundle_and_card,
)
from lo2.artefacts.compression import MAX_BYTES
from lo2.artefacts.files import sha256_bytes
from lo2.artefacts.refusal import bundle_refusal
from lo2.artefacts.relations import check_payload_sizes
from lo2.artefacts.unpickler import unpickle
from lo2.errors import ArtefactExistsError, InputNotFoundError

PROTOCOL = 4
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle: ``payload``, its ``card`` (empty for a stranger's), and ``notes`` worth saying."""

    payload: Any
    card: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def payload_from_bytes(data: bytes, *, extra_allowed: Sequence[str] = ()) -> Any:
    """Payload of a bundle's bytes, compressed or not.

    ``extra_allowed`` names classes of ``lo2.models`` that may be created besides those of the table of attributes.

    Raises
    ------
    UntrustedBundleError
        If the bytes name, call or hold anything else, or are damaged.
    """
    strange = [name for name in extra_allowed if not name.startswith(OWN)]
    if strange:
        raise ValueError(f"extra_allowed names {strange[0]}: expected classes of {OWN}")
    payload = unpickle(data, (*SHARED, *extra_allowed))
    check_payload_sizes(payload)
    return payload


def bundle_strings(data: bytes) -> Iterator[str]:
    """Every text inside a bundle (vocabulary, parameters), read without importing any class that it names."""
    for part in validation.payload_objects(unpickle(data, (), stub=True)):
        if isinstance(part, str):
            yield part
        elif isinstance(part, np.ndarray) and part.dtype.kind in "US":
            yield from (str(text) for text in part.ravel())


class _Pickler(NumpyPickler):  # type: ignore[misc]
    """Joblib's pickler, with zeros where a record array has padding: that is memory nobody set."""

    def save(self, obj: Any) -> None:
        """Pickle ``obj``."""
        if isinstance(obj, np.ndarray) and obj.dtype.names:
            clean = np.zeros(obj.shape, dtype=obj.dtype)
            for name in obj.dtype.names:
                clean[name] = obj[name]
            obj = clean
        super().save(obj)


def _pickled_bundle_bytes(payload: Any, *, shared: bool) -> bytes:
    target = io.BytesIO()
    pickler = _Pickler(target, protocol=PROTOCOL)
    pickler.fast = not shared
    pickler.dump(payload)
    return target.getvalue()


def canonical_bundle_bytes(payload: Any, *, extra_allowed: Sequence[str] = ()) -> bytes:
    """Bytes of ``payload`` that depend on its values alone, not on which of its parts happen to be one object.

    Dumped with every part spelt out, loaded (so nothing is saved that will not load), dumped again.
    """
    return _pickled_bundle_bytes(
        payload_from_bytes(_pickled_bundle_bytes(payload, shared=False), extra_allowed=extra_allowed), shared=True
    )


def save_bundle(
    bundle: Path,
    payload: Any,
    card: Mapping[str, Any],
    *,
    overwrite: bool = False,
    extra_allowed: Sequence[str] = (),
    reference: bytes | None = None,
) -> tuple[Path, ...]:
    """Save a payload, its card and what new logs are compared with as one; their paths.

    ``card`` has the keys of ``card.KEYS``; format and sha256 are added. The same bundle again is not overwriting.

    Raises
    ------
    ArtefactExistsError
        If another bundle is there and ``overwrite`` is not set.
    """
    data = canonical_bundle_bytes(payload, extra_allowed=extra_allowed)
    of_reference = {} if reference is None else {"reference_sha256": sha256_bytes(reference)}
    full = completed_card({**card, **of_reference}, sha256_bytes(data))
    written = (bundle, card_path(bundle), *(() if reference is None else (card_reference_path(bundle),)))
    repair_bundle_and_card(bundle)
    if bundle.exists() and not overwrite:
        old = read_card(bundle)
        same = sha256_bytes(bundle.read_bytes()) == full["bundle_sha256"]
        if same and {**old, "generated_at": None} == {**full, "generated_at": None} and written[-1].is_file():
            return written
        if not same:
            raise ArtefactExistsError(
                f"{bundle} exists and differs. Pass --overwrite-model, or keep both with --variant"
            )
    write_bundle_and_card(bundle, data, full, reference)
    return written


def load_bundle(
    bundle: Path,
    *,
    self_test: Callable[[Any, list[list[str]]], Sequence[float]] | None = None,
    extra_allowed: Sequence[str] = (),
) -> Bundle:
    """Load a bundle after every check; ``self_test`` gives the anomaly scores of token lists for a payload.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    UntrustedBundleError
        If a check fails; nothing that the bundle brought along has run then.
    """
    repair_bundle_and_card(bundle)
    if not bundle.is_file():
        raise InputNotFoundError(f"There is no bundle {bundle}. Train one with: lo2 detect --save-model")
    size = bundle.stat().st_size
    if size > MAX_BYTES:
        raise bundle_refusal(f"{bundle} has {size:,} bytes, more than a bundle may ({MAX_BYTES:,})")
    data, card = bundle.read_bytes(), read_card(bundle)
    expected, notes = card.get("bundle_sha256"), card_version_drift(card)
    if expected is None:
        notes = (f"{card_path(bundle)} holds no bundle_sha256: nothing says where {bundle.name} is from", *notes)
    elif expected != sha256_bytes(data):
        raise bundle_refusal(f"{bundle} has sha256 {sha256_bytes(data)[:12]}..., its card says {str(expected)[:12]}...")
    payload = payload_from_bytes(data, extra_allowed=extra_allowed)
    tests = card.get("self_test") or []
    if self_test is not None and tests:
        again = np.asarray(self_test(payload, [list(test["tokens"]) for test in tests]), dtype=float)
        if not np.all(np.abs(again - np.array([test["score"] for test in tests])) <= TOLERANCE):
            raise bundle_refusal(f"{bundle} does not give the scores of its self-test here")
    return Bundle(payload, card, notes)
