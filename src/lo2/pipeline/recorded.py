"""A call of a phase as ``provenance.json`` holds it: its options as they were given, its inputs where they are now."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lo2.artefacts import provenance
from lo2.artefacts.layout import Home
from lo2.artefacts.outside import find_outside_input
from lo2.errors import InputNotFoundError
from lo2.options import record_options, restore_options

_RENAMED = {"usual_format": "expected_format"}
"""What options of the records of earlier versions are called now."""


@dataclass(frozen=True)
class Recorded:
    """The record of one call; empty where the phase never ran. ``root`` is where the raw logs are now, if they moved.

    Examples
    --------
    >>> from lo2.loading.inventory import LoadOptions
    >>> Recorded(Home(Path("out"), Path("models")), "load", {"options": {"runs": 3}}).options(LoadOptions).runs
    3
    """

    home: Home
    phase: str
    facts: Mapping[str, Any]
    root: Path | None = None

    @classmethod
    def recorded_call(cls, home: Home, phase: str, path: str = "") -> "Recorded":
        """The call of ``phase`` that made the artefact ``path``, by default the last one."""
        return cls(home, phase, provenance.provenance_of_call(provenance.load_provenance(home), phase, path) or {})

    @property
    def values(self) -> Mapping[str, Any]:
        """Options as they stand in the record, under the names of today."""
        found: Mapping[str, Any] = self.facts.get("options", {})
        return {_RENAMED.get(name, name): value for name, value in found.items()}

    def options(self, kind: type, part: str = "") -> Any:
        """Options dataclass, or that of a ``part``; what the record of an earlier version lacks has its default."""
        values = self.values[part] if part else self.values
        return restore_options(kind, {name: values[name] for name in record_options(kind()) if name in values})

    def inputs(self, recorded: Mapping[str, str] | None = None) -> dict[str, Path]:
        """Files outside the result root that the call was given, by name.

        Raises
        ------
        InputNotFoundError
            If one is gone or changed.
        """
        wanted = self.values["inputs"] if recorded is None else recorded
        return {name: find_outside_input(self.home, self.phase, name, digest) for name, digest in wanted.items()}

    def raw_root(self) -> Path:
        """The raw logs: ``root``, or where the last load found them.

        Raises
        ------
        InputNotFoundError
            If they are not there any more.
        """
        root = self.root or provenance.recorded_raw_root(self.home)
        if root is None or not root.exists():
            raise InputNotFoundError(
                f"The raw logs {root or ''} are not there any more. Name them with --root: the sequences are made from "
                "them"
            )
        return root
