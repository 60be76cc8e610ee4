"""One phase over a data state: locked, sources checked, files published together, recorded, also when it fails.

A phase is a name, its options and the function in its middle: what it reads goes through ``Phase.check`` or
``Phase.read``, what it makes through ``Phase.write``. Where a file lies and how it is written stands in ``ARTEFACTS``.
"""

import json
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lo2 import schema
from lo2.artefacts import provenance
from lo2.artefacts.files import (
    TEMPORARY,
    read_csv,
    read_parquet,
    sync_to_disk,
    write_bytes,
    write_csv,
    write_json,
    write_parquet,
    write_text,
)
from lo2.artefacts.layout import ARTEFACTS, Home
from lo2.artefacts.lock import lock
from lo2.errors import Lo2Error
from lo2.pipeline.recorded import Recorded

_LOG = logging.getLogger(__name__)
_WRITERS: Mapping[str, Callable[..., None]] = {
    ".parquet": write_parquet,
    ".csv": write_csv,
    ".json": write_json,
    ".txt": write_text,
    ".html": write_text,
    ".png": write_bytes,
}
_READERS: Mapping[str, Callable[[Path], Any]] = {
    ".parquet": read_parquet,
    ".csv": read_csv,
    ".json": lambda path: json.loads(path.read_text(encoding="utf-8")),
}
# Phases whose options decide what the results are; those of the others decide how much of them is shown.
_DECIDE = ("load", "detect")
# Options that say when and where something was made, what is kept of it, or what stands next to it.
_NO_CHANGE = provenance.NOT_BYTES | frozenset(
    {"generated_at", "git_commit", "git_commit_why", "source", "modified_ms", "models", "seeds", "save_model"}
    | {"save_enhancers", "save_base_sequences", "save_events"}
)


def changed_options(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Names of the options with another value than before, those of groups behind the group's name.

    What a record of another version does not hold is no change.

    Examples
    --------
    >>> changed_options({"seed": 0, "if": {"rare": 0.01}, "source": "a"}, {"seed": 1, "if": {"rare": 0.02}})
    ['if.rare', 'seed']
    >>> changed_options({"inputs": {}}, {"inputs": {"load_model": "5f2c"}})
    ['inputs.load_model']
    """
    found = []
    # Inputs are recorded by their hash, each only where it was given.
    names = {*before, *now} if prefix == "inputs." else (before.keys() & now.keys()) - _NO_CHANGE
    for name in sorted(names):
        old, new = before.get(name), now.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += changed_options(old, new, f"{prefix}{name}.")
        elif old != new:
            found.append(f"{prefix}{name}")
    return found


@dataclass
class Phase:
    """A phase while it runs.

    ``options`` are all that determines its bytes, ``fingerprint`` is that of its input; both may be completed until the
    end. ``noted`` goes to ``run.log.json``: jobs, absolute paths. ``notes`` are to be said: what was replaced.
    """

    home: Home
    name: str
    options: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    accept_changed: bool = False
    fingerprint: str | None = None
    noted: dict[str, Any] = field(default_factory=dict)
    sources: dict[Path, None] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)
    companions: dict[Path, Path] = field(default_factory=dict)
    _staged: dict[Path, Path] = field(default_factory=dict)

    def path(self, name: str, **fields: str) -> Path:
        """Where an artefact lies."""
        return self.home.path(name, **fields)

    def bundle(self, model: str) -> Path:
        """Where the bundle of a model is kept."""
        return self.path("bundle") if model == "if" else self.path("model_bundle", model=model)

    @property
    def raw_root(self) -> Path | None:
        """Where the last load found the raw logs; None where nothing was loaded."""
        return provenance.recorded_raw_root(self.home)

    def check(self, source: str | Path, **fields: str) -> Path:
        """Path of an artefact, or of any file, that is what its record says.

        What lies in the result root is from now on what the phase's files are made from.

        Raises
        ------
        InputNotFoundError, CheckFailedError
            If it is not there, or was changed since and ``accept_changed`` is off.
        """
        path = self.path(source, **fields) if isinstance(source, str) else source
        provenance.check_recorded_hash(self.home, path, accept_changed=self.accept_changed)
        if path.absolute().is_relative_to(self.home.result.absolute()):
            self.sources[path] = None
        return path

    def read(self, name: str, **fields: str) -> Any:
        """The artefact, checked: a frame, or the values of a JSON document."""
        path = self.check(name, **fields)
        return _READERS[path.suffix](path)

    def recorded(self, name: str, path: str = "") -> Recorded:
        """The last call of another phase here, or the one that made the artefact ``path``."""
        return Recorded.recorded_call(self.home, name, path)

    def write(self, name: str, value: Any, *, row_group_size: int | None = None, **fields: str) -> Path:
        """Write an artefact in its format, its columns checked; where it will lie once the phase is published."""
        path = self.path(name, **fields)
        if columns := ARTEFACTS[name].columns:
            schema.check_schema(value, schema.schema_columns(columns, model=fields.get("model", "if")), what=name)
        part = path.parent / f"{TEMPORARY}{secrets.token_hex(6)}-{path.name}"
        try:
            _WRITERS[path.suffix](part, value, **({"row_group_size": row_group_size} if row_group_size else {}))
        except OSError as error:
            error.filename = str(path)
            raise
        self._staged[path] = part
        return path

    def keep(self, *paths: Path) -> None:
        """Record files that were written elsewhere, complete and under their final names."""
        self.written += paths

    def bind(self, path: Path, companion: Path) -> None:
        """Record that what lies at ``path`` goes with this very ``companion``, whatever it was made from."""
        self.companions[path] = companion

    def drop_artefact(self, name: str, **fields: str) -> None:
        """Strike an artefact of an earlier call that this one does not make; the file stays."""
        self.dropped.append(self.home.logical(self.path(name, **fields)))

    def publish(self) -> list[Path]:
        """Give what was written its final name, now instead of at the end; its paths."""
        self.notes += self._phase_results_replaced()
        staged, self._staged = self._staged, {}
        for path, part in staged.items():
            part.replace(path)
            self.written.append(path)
        for folder in {path.parent for path in staged}:
            sync_to_disk(folder)
        return list(staged)

    def _phase_results_replaced(self) -> list[str]:
        """What is to be said where results of other data, or of another model, give way."""
        known = provenance.load_provenance(self.home)
        gone: dict[str, list[str]] = {}
        for name in map(self.home.logical, self._staged):
            entry, facts = known.artefacts.get(name), provenance.provenance_of_call(known, self.name, name)
            if facts is None or entry is None or entry.phase != self.name:
                continue
            if facts.get("input_fingerprint") not in (None, self.fingerprint):
                gone.setdefault("of other data", []).append(name)
                continue
            before = Recorded(self.home, self.name, facts).values
            if before.get("bundle_sha256") != self.options.get("bundle_sha256"):
                gone.setdefault("of another model", []).append(name)
            elif other := changed_options(before, self.options) if self.name in _DECIDE else []:
                gone.setdefault(f"made with other options ({', '.join(other)})", []).append(name)
        return [
            f"replaced: {names[0]}{f' and {len(names) - 1} more' if names[1:] else ''}, {what}. Keep both with "
            "--variant NAME"
            for what, names in gone.items()
        ]

    def discard(self) -> None:
        """Remove what was written and not published."""
        for part in self._staged.values():
            with suppress(OSError):
                part.unlink(missing_ok=True)
        self._staged.clear()

    @property
    def begun(self) -> bool:
        """Whether anything was written yet."""
        return bool(self.written or self._staged)

    def record(self) -> None:
        """Enter what was published into ``provenance.json`` and ``SHA256SUMS``."""
        provenance.record_provenance(
            self.home,
            phase=self.name,
            options=self.options,
            seed=self.seed,
            input_fingerprint=self.fingerprint,
            written=self.written,
            made_from={
                path: [*self.sources, *([self.companions[path]] if path in self.companions else [])]
                for path in self.written
            },
            forget=self.dropped,
        )


@contextmanager
def phase(
    home: Home, name: str, options: Mapping[str, Any] | None = None, *, seed: int | None = None,
    accept_changed: bool = False, **noted: Any
) -> Iterator[Phase]:  # fmt: skip
    """Run the block as the phase ``name`` of ``home``.

    Its files appear when it ends well, all together, and are recorded. When it fails, nothing that it had not published
    is left, what it had is recorded, and ``run.log.json`` says that it failed; a refusal before that leaves no trace.

    Raises
    ------
    LockedError
        If another process holds the data state.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     home = Home(Path(folder) / "result", Path(folder) / "models")
    ...     with phase(home, "report", {"title": "night"}) as p:
    ...         page = p.write("report", "<p>all well</p>")
    ...     page.read_text(), sorted(provenance.load_provenance(home).artefacts)
    ('<p>all well</p>', ['report.html'])
    """
    with lock(home):
        started = datetime.now(UTC)
        current = Phase(home, name, dict(options or {}), seed, accept_changed, noted=dict(noted))
        try:
            yield current
            current.publish()
            current.record()
        except BaseException as error:
            refused = isinstance(error, Lo2Error) and not current.begun
            current.discard()
            with suppress(OSError):
                if current.written:
                    current.record()
                if not refused:  # a refusal leaves everything as it is
                    _log_phase_call(current, started, failed=type(error).__name__)
            raise
        _log_phase_call(current, started)


def _log_phase_call(done: Phase, started: datetime, **outcome: str) -> None:
    seconds = round((datetime.now(UTC) - started).total_seconds(), 3)
    home = done.home
    places = {"metrics_dir": home.metrics_dir, "models_dir": home.models if home.models != Path("models") else None}
    noted = {**done.noted, **{name: path.absolute() for name, path in places.items() if path is not None}}
    facts = {name: value for name, value in noted.items() if value is not None}
    result = home.result.absolute()
    provenance.append_run_log(
        home, phase=done.name, started=started.isoformat(), seconds=seconds, result=result, **outcome, **facts
    )
    _LOG.info("%s: %d files in %s, %.1f s%s", done.name, len(done.written), result, seconds, " (failed)" * len(outcome))
