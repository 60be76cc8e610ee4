"""The three documents of a data state, and the JSON schemas in this package that say what they hold."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from lo2.artefacts.documents import parse_json, read_text
from lo2.document import restored, schema_of
from lo2.evaluation.figures import EvaluationDocument
from lo2.explain.document import ExplanationDocument
from lo2.report.values import ReportSummary

DOCUMENTS: Mapping[str, tuple[type, str]] = {
    "evaluation": (EvaluationDocument, "metrics/evaluation.json: counts, verdict, figures"),
    "explanation": (ExplanationDocument, "explainability/explanation.json: lines, words, nearest normals"),
    "report": (ReportSummary, "report.json: what page and closing screen show"),
}
"""Type and title of every document."""


def schema(name: str) -> dict[str, Any]:
    """JSON schema of the document ``name``, as the package ships it.

    Examples
    --------
    >>> schema("report")["$ref"]
    '#/$defs/ReportSummary'
    """
    return dict(json.loads(files("lo2.report").joinpath("schemas", f"{name}.schema.json").read_text("utf-8")))


def derived_schema(name: str) -> dict[str, Any]:
    """The same from the dataclass; ``tools/make_docs.py`` writes it into the package."""
    kind, title = DOCUMENTS[name]
    return schema_of(kind, title=title)


def read_report(path: Path) -> ReportSummary:
    """``report.json`` as the values that ``render`` makes a page of."""
    found: ReportSummary = restored(ReportSummary, parse_json(read_text(path)))
    return found
