"""Findings as one JSON document, for machines: the same for ``diff``, ``score`` and ``run``."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from lo2.diff.comparison import Comparison
from lo2.diff.finding import Finding
from lo2.visible import visible_json

FORMAT = 1


def findings_document(found: Comparison, findings: Sequence[Finding] | None = None) -> dict[str, Any]:
    """Plain values of a comparison; with several bad runs also ``targets`` and which ids they share.

    Examples
    --------
    >>> findings_document(Comparison((("good.log", 10),), (("bad.log", 9),), ()))["target"]
    {'path': 'bad.log', 'lines': 9}
    """
    chosen = found.findings if findings is None else findings
    several = len(found.targets) > 1
    values: dict[str, Any] = {
        "format": FORMAT,
        "baselines": [_findings_document_side(pair) for pair in found.baselines],
        "target": _findings_document_side(
            (", ".join(path for path, _ in found.targets), sum(lines for _, lines in found.targets))
        ),
        "lines_shown": sum(one.n_lines for one in chosen),
        "ignored": found.ignored,
        "findings": [one.finding_document() for one in chosen],
    }
    if found.command != "diff":
        values["runs"] = [asdict(one) for one in found.runs]
        values["why"] = found.why or None
    if several:
        values["targets"] = [_findings_document_side(pair) for pair in found.targets]
        for one, facts in zip(chosen, values["findings"], strict=True):
            facts["target"] = found.targets[one.target][0]
        values["shared"] = [
            {"template": name, "targets": [found.targets[i][0] for i in runs]} for name, runs in found.shared
        ]
    return values


def _findings_document_side(pair: tuple[str, int]) -> dict[str, Any]:
    return {"path": pair[0], "lines": pair[1]}


def findings_json(values: Any) -> str:
    """JSON that no terminal and no build server acts on; escapes read as the same text.

    Examples
    --------
    >>> json.loads(findings_json({"text": "##[error]"}))["text"]
    '##[error]'
    """
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    return visible_json(text)
