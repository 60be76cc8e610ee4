"""The shortcut panel as a chart in a table: names and figures are text of the page, only bars and lines are drawn."""

from collections.abc import Iterator
from html import escape

from lo2.evaluation.figures import Bar, Panel
from lo2.report.charts import svg_element
from lo2.visible import visible

_ORDER = {"detector": 0, "reference": 1, "shortcut": 2, "null": 3}
_SAID = {
    "detector": "clears the shortcuts", "failing": "does not clear them",
    "reference": "the standard design, for reference",
}  # fmt: skip


def panel_chart(data: Panel) -> str:
    """Detectors and shortcuts as bars from chance on one AUC axis, with intervals and a line at the best shortcut."""
    bars = sorted(
        (bar for bar in data.bars if bar.auc is not None), key=lambda bar: (_ORDER[bar.kind], -(bar.auc or 0))
    )
    return f'<table class="panel"><tbody>{"".join(_shortcut_panel_rows(bars, data.best_shortcut))}</tbody></table>'


def _shortcut_panel_rows(bars: list[Bar], best: Bar | None) -> Iterator[str]:
    for bar in bars:
        kind = ("detector" if bar.clears else "failing") if bar.kind == "detector" else bar.kind
        said = _SAID.get(kind, bar.meaning)
        said = f"inverted; {said}" if bar.inverted and bar.kind == "detector" else said
        said = f"best shortcut: {said}" if bar is best else said
        span = "" if bar.low is None or bar.high is None else f'<span class="ci">{bar.low:.2f}–{bar.high:.2f}</span>'
        yield (
            f'<tr class="{kind}"><th scope="row"><code>{escape(visible(bar.name))}</code></th>'
            f'<td class="track">{_panel_auc_track(bar, kind, best)}</td><td class="n">{bar.auc:.2f}{span}</td>'
            f'<td class="note">{escape(visible(said))}</td></tr>'
        )


def _panel_auc_track(bar: Bar, kind: str, best: Bar | None) -> str:
    """Bar from chance to the AUC on an axis from 0 to 100, stretched to the cell; the figures next to it are read."""
    auc = 100 * (bar.auc or 0.0)
    parts = [
        svg_element("line", x1=50, x2=50, y1=0, y2=20, class_="chance"),
        svg_element("rect", x=min(50.0, auc), y=5, width=abs(auc - 50), height=10, class_=f"bar {kind}"),
    ]
    if bar.low is not None and bar.high is not None:
        parts.append(svg_element("line", x1=100 * bar.low, x2=100 * bar.high, y1=10, y2=10, class_="whisker"))
    if best is not None and best.auc is not None:
        parts.append(svg_element("line", x1=100 * best.auc, x2=100 * best.auc, y1=0, y2=20, class_="threshold"))
    return svg_element("svg", "".join(parts), viewBox="0 0 100 20", preserveAspectRatio="none", aria_hidden="true")
