"""Preprocessing of a bundle's logs (profile, formats, masks), kept in its card, so that new logs are read alike."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lo2.artefacts.card import read_card
from lo2.errors import InputError, InputNotFoundError, UntrustedBundleError, UsageError
from lo2.loading.formats.user_formats import given_format
from lo2.loading.inventory import LoadOptions
from lo2.masking.masks import Masking
from lo2.masking.profiles import profile_masking
from lo2.pipeline.recorded import Recorded

KEPT = ("profile", "keep_startup", "log_format", "time_format", "variable", "no_redact", "group_by", "window")
"""A team's own secrets (``--redact``) do not travel: their patterns may be the secrets."""


def preprocessing_of_load(load: Recorded) -> dict[str, Any] | None:
    """What of the last load's options decides the features; None for a foreign table.

    ``values`` is the version of the masks of values, ``masks`` that of all masks, those of secrets included.
    """
    if load.values.get("profile") not in ("lo2", "tree"):
        return None
    preprocessing = {name: load.values[name] for name in KEPT if name in load.values}
    options = load.options(LoadOptions)
    return {
        **preprocessing,
        "masks": _preprocessing_masks(options).version,
        "values": _preprocessing_masks(options, secrets=False).version,
    }


def preprocessing_options(
    preprocessing: Mapping[str, Any] | None, options: LoadOptions, formats: Mapping[str, Iterable[str]] | None = None
) -> LoadOptions:
    """Options for new logs: what a bundle's card says, except where the user says otherwise.

    ``formats`` are those that each service's training logs had: a new log is tried for them first, so that a short one
    reads like a long one.

    Raises
    ------
    InputError
        If this version masks values otherwise than the one that made the bundle's features.
    UntrustedBundleError
        If a pattern in the card is none that may be run.

    Examples
    --------
    >>> preprocessing_options({"profile": "tree", "window": "1h"}, LoadOptions()).window
    '1h'
    """
    if not preprocessing:
        return options
    default = LoadOptions()
    kept: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in preprocessing.items()
        if name in KEPT and getattr(options, name) == getattr(default, name)
    }
    known = tuple(f"{service}={name}" for service, names in (formats or {}).items() for name in names)
    chosen = replace(options, **kept, expected_format=options.expected_format or known)
    try:
        given_format("", chosen.log_format, chosen.time_format)
        version = _preprocessing_masks(chosen, secrets=False).version
    except UsageError as error:
        raise UntrustedBundleError(f"The bundle's card names a pattern that is refused ({error})") from error
    if {"profile", "variable"} <= set(kept) and preprocessing.get("values") not in (None, version):
        raise InputError(
            f"The bundle's words were made with masks {preprocessing['values']}, this version has {version}: new logs "
            "would look strange for that alone. Train again, or score with the version that made the bundle"
        )
    return chosen


def outdated_preprocessing(preprocessing: Mapping[str, Any] | None, options: LoadOptions) -> tuple[str, ...]:
    """What to say of a bundle whose secrets were hidden by other rules than today's."""
    if not preprocessing or "masks" not in preprocessing:
        return ()
    asked = (options.profile, tuple(options.variable), options.no_redact)
    if asked != (
        preprocessing.get("profile"),
        tuple(preprocessing.get("variable") or ()),
        preprocessing.get("no_redact", False),
    ):
        return ()  # the user's own choice
    if preprocessing["masks"] == _preprocessing_masks(options).version:
        return ()
    return (
        "the bundle was made with other rules for secrets: lines that hold any may look new. Train again where they do",
    )


def options_like_bundle(path: Path, options: LoadOptions) -> LoadOptions:
    """Options for new logs as the card of a bundle, ``MODEL.yml`` or the one of this bundle, says.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    InputError
        If the card does not say how its logs were read.
    """
    if not path.is_file():
        raise InputNotFoundError(
            f"--like {path} does not exist. Expected the card of a bundle, such as models/model.yml"
        )
    bundle = path.with_name("lo2_if.joblib") if path.name == "model.yml" else path.with_suffix(".joblib")
    preprocessing = read_card(bundle).get("door")
    if preprocessing is None:
        raise InputError(
            f"--like {path} does not say how its logs were read: it was made from a foreign table, or before"
        )
    return preprocessing_options(preprocessing, options)


def _preprocessing_masks(options: LoadOptions, *, secrets: bool = True) -> Masking:
    return profile_masking(
        options.profile, variables=tuple(options.variable), secrets=secrets and not options.no_redact
    )
