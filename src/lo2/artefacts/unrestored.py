"""What could not be restored while the rest was: gathered, and said in one error at the end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lo2.artefacts.advice import scan_advice
from lo2.artefacts.layout import Home
from lo2.artefacts.provenance import Provenance, library_versions
from lo2.artefacts.scan import Scanned, artefact_row_name
from lo2.errors import CheckFailedError, Lo2Error


@dataclass
class Unrestored:
    """What came out different, what is made from things that are not back and was not tried, and other faults."""

    different: list[str] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)
    faults: list[Lo2Error] = field(default_factory=list)
    faulty: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)

    def add_different(self, path: str, facts: Mapping[str, Any]) -> None:
        """``path`` came out different from the call that ``facts`` record."""
        self.different.append(path)
        made, here = facts.get("versions"), library_versions()
        known = made.items() if isinstance(made, Mapping) else ()
        self.versions |= {
            f"{name} {one} (here {here.get(name, 'none')})" for name, one in known if one != here.get(name)
        }

    def add_fault(self, fault: Lo2Error, paths: Sequence[str]) -> None:
        """``paths`` could not be made at all."""
        self.faults.append(fault)
        self.faulty += paths

    def blocks(self, trusted: Provenance, paths: Sequence[str]) -> bool:
        """Whether one of ``paths`` was made from what is not back."""
        failed = {*self.different, *self.untried, *self.faulty}
        return any(failed & trusted.artefacts[path].made_from.keys() for path in paths if path in trusted.artefacts)

    def raise_unrestored(self, home: Home, call: Callable[[str], str]) -> None:
        """Raise one error about all of it, with how to make anew what differs; ``call`` says how a phase is called.

        Raises
        ------
        CheckFailedError
            If anything differs, or more than one fault was met; a single fault is raised as it is.
        """
        if not self.different and len({str(fault) for fault in self.faults}) == 1:
            raise self.faults[0]
        said = list(dict.fromkeys(str(fault).rstrip(".") for fault in self.faults))
        if self.different:
            said.append(self._reason(home))
        if self.untried:
            more = f" and {len(self.untried) - 3} more" if len(self.untried) > 3 else ""
            said.append(f"Not tried, as it is made from what is not back: {', '.join(self.untried[:3])}{more}")
        if self.different:
            said.append(self._advice(home, call))
        if said:
            raise CheckFailedError(". ".join(said))

    def _reason(self, home: Home) -> str:
        made = f"made with {', '.join(sorted(self.versions))}" if self.versions else "made by another version of lo2"
        there = any(home.locate_artefact(path).is_file() for path in self.different)
        kept = ". What is there is untouched" if there else ""
        return f"{', '.join(self.different)} came out different: {made}, or from other input{kept}"

    def _advice(self, home: Home, call: Callable[[str], str]) -> str:
        anew = [(path, home.locate_artefact(path).is_file()) for path in (*self.different, *self.untried)]
        rows = [
            Scanned(artefact_row_name(path), path, "stale" if there else "missing", required=True)
            for path, there in anew
        ]
        try:
            return scan_advice(rows, call=call)
        except Lo2Error:  # the record that knows the options is damaged itself
            return scan_advice(rows)
