"""The page as HTML: one self-contained file from plain values, by templates. The only module that imports jinja2.

Every value passes ``finalize``: hidden characters become visible escapes, then autoescape makes the rest text. The
content security policy names the two inline blocks by hash and forbids everything else, requests above all.
"""

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from lo2.report import charts
from lo2.report.charts import panel_chart
from lo2.report.glossary import GLOSSARY, glossary_anchor
from lo2.report.reasons import FIRST
from lo2.report.values import Rating, ReportSummary
from lo2.visible import visible


def render_html(summary: ReportSummary) -> str:
    """HTML page of ``summary``; equal summaries give equal pages."""
    return html_page("report", script="report.js", summary=summary, shown=FIRST, glossary=GLOSSARY)


def html_page(name: str, *, script: str = "", **values: Any) -> str:
    """HTML of ``templates/<name>.html.j2`` with its own style, and with a script if one is named, from plain values."""
    blocks = {"style": f"{name}.css"} | ({"script": script} if script else {})
    texts = {kind: _html_template_text(file).strip() for kind, file in blocks.items()}
    hashes = {kind: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for kind, text in texts.items()}
    allowed = "".join(f"{kind}-src 'sha256-{digest}'; " for kind, digest in hashes.items())
    policy = f"default-src 'none'; {allowed}base-uri 'none'; form-action 'none'"
    template = _jinja_environment().from_string(_html_template_text(f"{name}.html.j2"))
    return template.render(policy=policy, **{kind: Markup(text) for kind, text in texts.items()}, **values) + "\n"


def _jinja_environment() -> Environment:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_visible_html_value, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        decimals=_html_decimals, code=_html_code_spans, ratings=_html_ratings_json, plain=_html_metric_name
    )
    environment.filters.update(p_value=_html_p_value, anchor=glossary_anchor)
    drawn = (charts.histogram_chart, charts.curve_chart, charts.meter_chart, panel_chart)
    environment.globals.update({function.__name__: _chart_as_html_markup(function) for function in drawn})
    return environment


def _html_template_text(name: str) -> str:
    return files("lo2.report").joinpath("templates", name).read_text(encoding="utf-8")


def _visible_html_value(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _chart_as_html_markup(function: Any) -> Any:
    """The chart function with its result as markup: it escapes its own texts."""
    return lambda *args, **kwargs: Markup(function(*args, **kwargs))


def _html_decimals(value: float | None, digits: int = 2) -> str:
    """Number with fixed decimals, a dash where there is none; tiny ones in scientific notation."""
    if value is None or value != value:
        return "–"
    if value and abs(value) < 0.5 * 10**-digits:
        return f"{value:.0e}"
    return f"{value:.{digits}f}".replace("-", "−")


def _html_code_spans(sentence: str) -> Markup:
    """Sentence whose parts between backticks are names."""
    parts = visible(sentence).split("`")
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts))


def _html_metric_name(name: str) -> str:
    """Name of a metric for people: ``fp_rate_at_0.05`` reads ``FP rate at 0.05``."""
    names = {"ap": "average precision", "oov_share_median": "unseen tokens, median"}
    words = names.get(name, name.replace("_", " ").replace("psi train vs holdout", "PSI hold-out vs test"))
    return words.replace("auc", "AUC").replace("fp rate", "FP rate").replace("f1", "F1")


def _html_p_value(rating: Rating) -> str:
    """p-value, with the sign of one that is the least which the normal ones allow."""
    return ("≤ " if rating.least else "") + _html_decimals(rating.p_value, 3)


def _html_ratings_json(summary: ReportSummary) -> Markup:
    """Ratings of every row and detector as JSON that cannot end its script element; numbers and detector names only."""
    rows = [
        [[one.rank, _html_rating_rounded(one.p_value), one.flagged, int(one.least)] for one in row.ratings]
        for row in summary.explorer.rows
    ]
    payload = {"detectors": list(summary.explorer.detectors), "rows": rows}
    return htmlsafe_json_dumps(payload, dumps=json.dumps, separators=(",", ":"))


def _html_rating_rounded(value: float | None) -> float | None:
    return None if value is None or value != value else float(f"{value:.4g}")
