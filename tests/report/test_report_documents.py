"""The documents: they hold what their schemas say, come back as they were, and the page is made of them."""

import json
from pathlib import Path
from typing import Any

import pytest

import lo2.report
from lo2.artefacts.files import write_json
from lo2.artefacts.layout import Home
from lo2.document import document_restored, document_values
from lo2.evaluation.figures import EvaluationDocument
from lo2.report.html import render_html
from lo2.report.sources import Sources
from lo2.report.summary import summarise
from lo2.report.values import ReportSummary

SCHEMAS = Path(lo2.report.__file__).parent / "schemas"
TYPES = {
    "string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None), "array": list,
    "object": dict,
}  # fmt: skip


def schema(name: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def problems(value: Any, rule: dict[str, Any], root: dict[str, Any], at: str = "$") -> list[str]:
    """Where ``value`` breaks ``rule``: the part of JSON schema that the three schemas use."""
    if "$ref" in rule:
        rule = root["$defs"][rule["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in rule:
        tried = [problems(value, one, root, at) for one in rule["anyOf"]]
        return [] if [] in tried else min(tried, key=len)
    kind = rule.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return [f"{at}: {type(value).__name__} is no {kind}"]
    found = [f"{at}: {name} is missing" for name in rule.get("required", ()) if name not in value]
    if kind == "object":
        inner = rule.get("properties", {})
        for name, one in value.items():
            part = inner.get(name, rule.get("additionalProperties", {}))
            found += problems(one, part, root, f"{at}.{name}")
    if kind == "array":
        parts = rule.get("prefixItems") or [rule["items"]] * len(value)
        found += [f"{at}: {len(value)} items"] * (len(parts) != len(value))
        for place, (one, part) in enumerate(zip(value, parts, strict=False)):
            found += problems(one, part, root, f"{at}[{place}]")
    return found


@pytest.mark.parametrize("name", ["evaluation", "explanation"])
def test_what_the_phases_write_fits_its_schema(name: str, state: Home) -> None:
    values = json.loads(state.path(name).read_text())
    assert problems(values, schema(name), schema(name)) == []
    del values["format"]
    assert problems(values, schema(name), schema(name)) == ["$: format is missing"]


def test_an_evaluation_of_format_1_is_read(state: Home) -> None:
    values = json.loads(state.path("evaluation").read_text())
    now = document_restored(EvaluationDocument, values)
    assert {panel.detectable for panel in now.panels} == {True, False}
    for panel in values["panels"]:
        panel["traced"] = panel.pop("detectable")
    assert document_restored(EvaluationDocument, {**values, "format": 1}).panels == now.panels


def test_the_report_is_its_document(state: Home, tmp_path: Path) -> None:
    summary = summarise(Sources.from_home(state))
    path = tmp_path / "report.json"
    write_json(path, document_values(summary))
    values = json.loads(path.read_text())
    assert problems(values, schema("report"), schema("report")) == []
    assert problems({**values, "secrets": "none"}, schema("report"), schema("report")) == [
        "$.secrets: str is no integer"
    ]
    again = document_restored(ReportSummary, values)
    assert again == summary
    assert render_html(again) == render_html(summary)


def test_screen_page_and_document_of_a_real_run_agree(workspace: Path, lo2: Any) -> None:
    screen = lo2("report", cwd=workspace).stdout.splitlines()
    root = workspace / "demo" / "result" / "lo2"
    places = {
        "evaluation": "metrics/evaluation.json",
        "explanation": "explainability/explanation.json",
        "report": "report.json",
    }
    found = {name: json.loads((root / place).read_text()) for name, place in places.items()}
    for name, values in found.items():
        assert problems(values, schema(name), schema(name)) == [], name
    report, page = found["report"], (root / "report.html").read_text()
    assert screen[0] == report["verdict"]["found"] == found["evaluation"]["verdict"]["found"]
    assert f'class="headline">{report["verdict"]["found"]}</h2>' in page
    hits = [line for line in screen if line[:3] in ("1. ", "2. ", "3. ")]
    assert [one["row"]["run"] in hit for one, hit in zip(report["findings"], hits, strict=False)] == [True] * len(hits)
