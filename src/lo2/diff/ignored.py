"""Ignored findings, which a team accepted: entries of a small YAML file, each with its reason and its last day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from lo2.canonical import canonical_line
from lo2.diff.comparison import Comparison
from lo2.diff.finding import Finding, split_finding
from lo2.errors import InputError, UsageError
from lo2.features.templates import template_id

FORMAT = 1


@dataclass(frozen=True)
class IgnoredMessage:
    """One accepted finding; ``text`` is its masked text, ``until`` the last day it counts."""

    id: str
    text: str
    kind: str
    reason: str
    added: str
    until: str | None = None

    def ignored_lines(self) -> set[str]:
        """Its masked lines."""
        return set(self.text.split("\n"))


@dataclass(frozen=True)
class Ignored:
    """All entries of a file, and those whose day has passed."""

    entries: tuple[IgnoredMessage, ...] = ()
    expired: tuple[IgnoredMessage, ...] = ()


def parse_ignored(document: Any, today: date) -> Ignored:
    """Entries from the plain values of the file.

    Raises
    ------
    InputError
        Naming the entry that is not one.

    Examples
    --------
    >>> entry = {"id": "0a0b0c0d", "text": "up", "kind": "new", "reason": "known"}
    >>> entry |= {"added": "2026-01-01", "until": "2026-02-01"}
    >>> parse_ignored({"format": 1, "findings": [entry]}, date(2026, 3, 1)).expired[0].id
    '0a0b0c0d'
    """
    advice = "Expected format: 1 and findings: a list with id, text, kind, reason, added, until"
    if (
        not isinstance(document, Mapping)
        or document.get("format") != FORMAT
        or not isinstance(document.get("findings"), list)
    ):
        raise InputError(f"this is no ignore file. {advice}")
    entries: list[IgnoredMessage] = []
    for number, one in enumerate(document["findings"], 1):
        if not isinstance(one, Mapping) or not one.get("id") or not str(one.get("reason") or "").strip():
            raise InputError(f"entry {number} of the ignore file has no id or no reason. {advice}")
        until = one.get("until")
        entries.append(
            IgnoredMessage(
                str(one["id"]),
                str(one.get("text") or ""),
                str(one.get("kind") or "new"),
                str(one["reason"]),
                str(one.get("added") or ""),
                None if until is None else _parse_ignored_until(str(until), f"until of entry {number}").isoformat(),
            )
        )
    over = [one for one in entries if one.until is not None and date.fromisoformat(one.until) < today]
    return Ignored(tuple(one for one in entries if one not in over), tuple(over))


def _parse_ignored_until(text: str, what: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{what} is {text!r}. Expected a day such as 2026-12-31") from error


def leave_out_ignored(found: Comparison, ignored: Ignored) -> Comparison:
    """The comparison without what was accepted, which is counted; entries that match nothing are named."""
    if not ignored.entries and not ignored.expired:
        return found
    used: set[str] = set()
    kept: list[Finding] = []
    n_ignored = 0
    for one in found.findings:
        rest = list(_leave_ignored_lines(one, ignored.entries, used))
        n_ignored += not rest
        kept += rest
    unmatched = [f"{one.id} ({one.reason})" for one in ignored.entries if one.id not in used]
    expired = [f"{one.id} ended on {one.until} ({one.reason})" for one in ignored.expired]
    notes = (*found.notes, *(f"the accepted finding {text}: it is shown again" for text in expired))
    return replace(found, findings=tuple(kept), ignored=n_ignored, unmatched=tuple(unmatched), notes=notes)


def _leave_ignored_lines(one: Finding, entries: Sequence[IgnoredMessage], used: set[str]) -> Iterator[Finding]:
    """What is left of a finding: all of it, pieces, or nothing."""
    ids = [one.template] if one.line is None else [template_id(text) for text in one.masked]
    mine = [entry for entry in entries if entry.id in ids]
    used.update(entry.id for entry in mine)
    if not mine:
        yield one
        return
    texts = {line for entry in mine for line in entry.ignored_lines()} - {""}
    accepted = {entry.id for entry in mine}
    if one.line is not None:
        lines = [canonical_line(text).removeprefix("\n") for text in one.masked]
        yield from split_finding(
            one, {i for i, line in enumerate(lines) if ids[i] not in accepted and line not in texts}
        )


def accept_as_ignored(
    document: Any, found: Comparison, ids: Iterable[str], *, reason: str, until: str | None, today: date
) -> dict[str, Any]:
    """Plain values of the ignore file with these findings added.

    Raises
    ------
    UsageError
        If no finding has such an id, or there is no reason.
    """
    if not reason.strip():
        raise UsageError("--add-ignore needs --reason TEXT: why may this finding be left out?")
    if until is not None:
        until = _parse_ignored_until(until, "--until").isoformat()
    known = {one.template: one for one in reversed(found.findings)}
    entries = list(document["findings"]) if document else []
    there = {str(one.get("id")) for one in entries}
    for name in ids:
        if name not in known:
            raise UsageError(f"no finding has the id {name!r}. Ids found: {', '.join(list(known)[:12]) or 'none'}")
        one = known[name]
        entry: dict[str, str | None] = {"id": name, "text": one.template_text, "kind": one.kind, "reason": reason}
        entry |= {"added": today.isoformat(), "until": until}
        entries = [entry if str(old.get("id")) == name else old for old in entries]
        entries += [] if name in there else [entry]
        there.add(name)
    return {"format": FORMAT, "findings": entries}
