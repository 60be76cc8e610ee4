"""What lies outside a result root and belongs to it, as ``run.log.json`` remembers it: inputs, tables, models."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lo2.artefacts.files import sha256
from lo2.artefacts.layout import Home, identify_artefact
from lo2.artefacts.provenance import Provenance, load_provenance, read_run_log
from lo2.errors import InputNotFoundError


def find_outside_input(home: Home, phase: str, name: str, digest: str) -> Path:
    """File that ``phase`` was given as ``name``: of those that the log notes, the last with this hash.

    Raises
    ------
    InputNotFoundError
        If it is gone or changed.
    """
    paths = inputs_outside(home, phase, name)
    same = next((path for path in paths if path.is_file() and sha256(path) == digest), None)
    if same is None:
        what, flag = paths[0] if paths else name, "model" if name == "bundle" else name.replace("_", "-")
        raise InputNotFoundError(
            f"{what}, an input of {phase}, is gone or changed (sha256 {digest[:12]}...). Put it back where it was, or "
            f"name the file as it is now: lo2 {phase} --{flag} FILE"
        )
    return same


def inputs_outside(home: Home, phase: str, name: str) -> list[Path]:
    """Files that ``phase`` was given as ``name``, as the log notes them, the last one first."""
    noted = [run.get(name) for run in reversed(read_run_log(home)["runs"]) if run.get("phase") == phase]
    return [Path(path) for path in noted if isinstance(path, str) and path]


def foreign_table_hash(known: Provenance) -> str | None:
    """Hash of the table that ``detect --sequences`` was given; None where the predictions are of the root's own."""
    inputs = known.phases.get("detect", {}).get("options", {}).get("inputs", {})
    digest = inputs.get("sequences") if isinstance(inputs, dict) else None
    return digest if isinstance(digest, str) else None


def outside_sequences_path(home: Home) -> Path:
    """The table that the predictions of ``home`` are of: its own, or the one that ``detect --sequences`` was given.

    Raises
    ------
    InputNotFoundError
        If that one is gone or was changed since.

    Examples
    --------
    >>> outside_sequences_path(Home(Path("out"), Path("models"))).as_posix()
    'out/lo2_sequences_enhanced.parquet'
    """
    digest = foreign_table_hash(load_provenance(home))
    return home.path("sequences") if digest is None else find_outside_input(home, "detect", "sequences", digest)


def models_with_predictions(home: Home, leading: Sequence[str] = ()) -> dict[str, Path]:
    """Predictions that are there, by model: those that are ``leading`` first, the others by name."""
    place = {model: i for i, model in enumerate(leading)}
    paths = (path for path in home.result.glob("lo2_*_predictions.parquet"))
    known = ((identify_artefact(path.name), path) for path in paths)
    found = {row[1]["model"]: path for row, path in known if row is not None and row[0].name == "predictions"}
    return dict(sorted(found.items(), key=lambda one: (place.get(one[0], len(place)), one[0])))


def not_applicable(known: Provenance) -> dict[str, str]:
    """Phases whose artefacts a root with this record cannot have, with the reason."""
    if set(known.phases) == {"score"}:
        return dict.fromkeys(("load", "detect", "explain", "report"), "only new data was scored here")
    return {"load": "the sequences came as a table"} if "load" not in known.phases and foreign_table_hash(known) else {}


def remembered_home(home: Home, *, models: bool) -> Home:
    """``home`` with the metrics folder, and with ``models`` the model root, that an earlier call there was given.

    What was unpacked has its models inside.
    """
    if models and (home.result / "models").is_dir():
        home = replace(home, models=home.result / "models")
    here = str(home.result.absolute())
    for run in reversed(read_run_log(home)["runs"]):
        if run.get("result") != here:
            continue
        if home.metrics_dir is None and isinstance(named := run.get("metrics_dir"), str) and Path(named).is_dir():
            home = replace(home, metrics_dir=Path(named))
        if models and isinstance(named := run.get("models_dir"), str) and Path(named).is_dir():
            home = replace(home, models=Path(named))
        return home
    return home
