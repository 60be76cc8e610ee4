"""Bundles of a detection: checked for replacing, previous ones kept, saved with their cards."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lo2.artefacts.bundle import save_bundle
from lo2.artefacts.card import card_path, check_card_replaceable, read_card
from lo2.artefacts.files import write_bytes
from lo2.errors import ArtefactExistsError
from lo2.loading.inventory import LoadOptions
from lo2.models.bundles import EXTRA_ALLOWED, bundle_payload, card_parameters
from lo2.options import record_options
from lo2.pipeline.cards import make_card
from lo2.pipeline.code_stamp import CodeStamp
from lo2.pipeline.detection import Detection
from lo2.pipeline.fitting import chosen_models
from lo2.pipeline.generations import is_same_place, suggest_variant
from lo2.pipeline.judging import judging_options
from lo2.pipeline.options import DetectOptions
from lo2.pipeline.phase import Phase
from lo2.pipeline.reference import formats_of_load, make_reference, read_reference
from lo2.pipeline.sequences import Sequences


def check_bundle_replaceable(p: Phase, name: str, table: Sequences, options: DetectOptions) -> None:
    """Refuse, before any work, to replace a bundle that would change; one that is loaded is saved as it is."""
    path = p.bundle(name)
    intended: dict[str, Any] = {
        "data_fingerprint": table.fingerprint,
        "if_params": card_parameters(judging_options(name, options.forest), seed=options.seed),
    }
    if options.load_model is not None and options.loads_model(name):
        card = read_card(options.load_model)
        intended = {key: card.get(key) for key in intended}
    check_card_replaceable(path, intended, overwrite=options.overwrite_model)


def check_bundles_replaceable(p: Phase, root: Path, load: LoadOptions, options: DetectOptions) -> None:
    """Refuse, before anything is loaded, what ``check_bundle_replaceable`` would refuse afterwards.

    Raises
    ------
    ArtefactExistsError
        If a bundle was trained on another root, with other load options, or with other parameters.
    """
    if not options.save_model or options.overwrite_model:
        return
    before = p.recorded("load").options(LoadOptions)
    same_root = p.raw_root is not None and is_same_place(p.raw_root, root)
    loaded_so = record_options(before) == record_options(load)
    for name in chosen_models(options):
        path = p.bundle(name)
        card = read_card(path) if path.exists() else {}
        same = (
            same_root
            and loaded_so
            and card.get("if_params") == card_parameters(judging_options(name, options.forest), seed=options.seed)
        )
        if path.exists() and not same:
            loaded = "with other parameters" if loaded_so else "on what other options of load gave"
            what = loaded if same_root else "on other data"
            raise ArtefactExistsError(
                f"{path} was trained {what}. Keep both with --variant {suggest_variant(root)}, or replace it with "
                "--overwrite-model"
            )


def keep_previous_bundles(p: Phase, names: Iterable[str]) -> None:
    """Copy the bundles of these models, with what lies next to them, to ``models/previous/``."""
    for name in names:
        path = p.bundle(name)
        for one in (path, card_path(path), path.with_name(f"{path.stem}_reference.parquet")):
            if one.is_file():
                write_bytes(p.path("previous", file=one.name), one.read_bytes())


def save_bundles(
    p: Phase,
    detection: Detection,
    *,
    overwrite: bool,
    stamp: CodeStamp,
    preprocessing: Mapping[str, Any] | None = None,
    loaded: Path | None = None,
) -> Iterator[Path]:
    """Save every model of a detection, those of single services too; the paths written, each as soon as it is.

    The one that was ``loaded`` keeps its own reference.
    """
    table = detection.sequences
    formats = formats_of_load(p.path("quality"))
    reference = make_reference(table.frame, detection.split, table.texts, detection.variables, formats=formats)
    named = {name: (name, fitted) for name, fitted in detection.fitted.items()}
    for name, services in detection.per_service.items():
        named |= {f"{name}__{service}": (f"{name}_per_service", fitted) for service, fitted in services.items()}
    for name, (measured, fitted) in named.items():
        metrics = detection.evaluation.headline[measured]
        fingerprint = detection.sequences.fingerprint
        card = make_card(
            fitted, data_fingerprint=fingerprint, metrics=metrics, stamp=stamp, preprocessing=preprocessing
        )
        path = p.bundle(name)
        # A model of one service has the reference of all next to it.
        saved = reference if name in detection.fitted else None
        if fitted.trained_on is not None:
            saved = None if loaded is None else read_reference(loaded, read_card(loaded))
        data = None if saved is None else saved.reference_bytes
        how: dict[str, Any] = {"overwrite": overwrite, "extra_allowed": EXTRA_ALLOWED, "reference": data}
        for written in save_bundle(path, bundle_payload(fitted), card, **how):
            p.bind(written, p.path("predictions", model=measured))
            yield written
