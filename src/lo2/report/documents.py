"""The three documents of a data state, and the JSON schemas in this package that say what they hold."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from lo2.evaluation.figures import EvaluationDocument
from lo2.explain.document import ExplanationDocument
from lo2.report.values import ReportSummary

DOCUMENTS: Mapping[str, tuple[type, str]] = {
    "evaluation": (EvaluationDocument, "metrics/evaluation.json: counts, verdict, figures"),
    "explanation": (ExplanationDocument, "explainability/explanation.json: lines, words, nearest normals"),
    "report": (ReportSummary, "report.json: what page and closing screen show"),
}
"""Type and title of every document; ``tools/make_docs.py`` writes the schemas from them."""


def schema(name: str) -> dict[str, Any]:
    """JSON schema of the document ``name``, as the package ships it.

    Examples
    --------
    >>> schema("report")["$ref"]
    '#/$defs/ReportSummary'
    """
    return dict(json.loads(files("lo2.report").joinpath("schemas", f"{name}.schema.json").read_text("utf-8")))
