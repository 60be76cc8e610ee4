"""Charts as inline SVG: histogram, curve, meter, axis, shortcut panel; colours by the classes of the style sheet."""

from collections.abc import Iterable, Iterator
from html import escape

from lo2.evaluation.figures import Bar, Curve, Distribution, Panel, Points
from lo2.visible import visible

_LEFT, _TOP = 44.0, 14.0
_ORDER = {"detector": 0, "reference": 1, "shortcut": 2, "null": 3}
_SAID = {
    "detector": "clears the shortcuts", "failing": "does not clear them",
    "reference": "the standard design, for reference",
}  # fmt: skip


def svg_element(name: str, content: str = "", **attributes: object) -> str:
    """One SVG element; ``class_`` stands for class, other underscores for hyphens, ``None`` leaves out.

    Examples
    --------
    >>> svg_element("line", x1=1.25, class_="axis")
    '<line x1="1.25" class="axis"/>'
    """
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value is not None)
    written = "".join(f' {key}="{_svg_number(value)}"' for key, value in pairs)
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def svg_text(content: str, x: float, y: float, **attributes: object) -> str:
    """Escaped text at a place."""
    return svg_element("text", escape(visible(content)), x=x, y=y, **attributes)


def histogram_chart(data: Distribution, *, name: str) -> str:
    """Score distributions below each other on one score axis, with the threshold as a line through all."""
    row, width = 58.0, 340.0
    low, high = data.edges[0], data.edges[-1]
    scale = (width - 10) / (high - low)
    base = _TOP + row * len(data.groups) + 4
    parts = [_svg_axis_with_ticks([low, (low + high) / 2, high], 0, width - 10, base, low, high, ends=True)]
    for place, group in enumerate(data.groups):
        bottom = _TOP + row * (place + 1) - 4
        tallest = max(group.shares) or 1.0
        edges = zip(data.edges, data.edges[1:], group.shares, strict=False)
        bars = "".join(
            f"M{_svg_number((a - low) * scale)} {_svg_number(bottom)}"
            f"V{_svg_number(bottom - share / tallest * (row - 24))}"
            f"H{_svg_number((b - low) * scale)}V{_svg_number(bottom)}Z"
            for a, b, share in edges
            if share > 0
        )
        kind = "anomalous" if group.anomalous else "normal"
        parts += [
            svg_element("path", d=bars, class_=f"area {kind}"),
            svg_element("line", x1=0, x2=width - 10, y1=bottom, y2=bottom, class_="axis"),
            svg_text(
                f"{group.label}, n = {group.n:,}", width - 10, bottom - row + 20, class_="label", text_anchor="end"
            ),
        ]
    if data.threshold is not None:
        x = (data.threshold - low) * scale
        parts.append(svg_element("line", x1=x, x2=x, y1=_TOP - 2, y2=base, class_="threshold"))
        side = {"text_anchor": "end", "x": x - 4} if x > width * 0.6 else {"x": x + 4}
        parts.append(
            svg_element("text", escape(f"threshold {data.threshold:.3g}"), y=_TOP - 4, class_="tick strong", **side)
        )
    sizes = ", ".join(f"{group.n} {group.label}" for group in data.groups)
    label = f"Score distributions of {name}: {sizes}; higher scores are more anomalous"
    return _svg_element(width, base + 26, parts, label)


def curve_chart(data: Curve, *, x: str, y: str, name: str, base: float | None = None) -> str:
    """ROC or precision-recall curve in the unit square with its band; ``base`` is chance (None: the diagonal)."""
    side, width, height = 200.0, 262.0, 254.0

    def curve_path(points: Iterable[tuple[float, float]], start: str = "M") -> str:
        return start + "L".join(
            f"{_svg_number(_LEFT + a * side)} {_svg_number(_TOP + (1 - b) * side)}" for a, b in points
        )

    parts = [svg_element("rect", x=_LEFT, y=_TOP, width=side, height=side, class_="frame")]
    chance: Points = ((0.0, 0.0), (1.0, 1.0)) if base is None else ((0.0, base), (1.0, base))
    if data.low and data.high:
        parts.append(
            svg_element("path", d=curve_path(data.low) + curve_path(reversed(data.high), "L") + "Z", class_="band")
        )
    parts += [
        svg_element("path", d=curve_path(chance), class_="chance"),
        svg_element("path", d=curve_path(data.points), class_="curve"),
    ]
    parts.append(_svg_axis_with_ticks([0, 0.5, 1], _LEFT, _LEFT + side, _TOP + side, 0, 1))
    for value in (0.0, 0.5, 1.0):
        parts.append(svg_text(f"{value:g}", _LEFT - 6, _TOP + (1 - value) * side + 4, class_="tick", text_anchor="end"))
    parts.append(svg_text(x, _LEFT + side / 2, height - 2, class_="tick", text_anchor="middle"))
    middle = _TOP + side / 2
    turned = f"rotate(-90 12 {_svg_number(middle)})"
    parts.append(svg_text(y, 12, middle, class_="tick", text_anchor="middle", transform=turned))
    return _svg_element(width, height, parts, f"{y} against {x} of {name}")


def meter_chart(value: float, largest: float, *, kind: str = "") -> str:
    """Small horizontal bar next to a number; hidden from screen readers, which read the number."""
    share = min(abs(value) / largest, 1.0) if largest else 0.0
    fill = svg_element("rect", width=f"{100 * share:.0f}%", height=8, class_=kind or ("neg" if value < 0 else "pos"))
    return f'<svg class="meter" aria-hidden="true">{fill}</svg>' if share else ""


def _svg_axis_with_ticks(
    values: Iterable[float], left: float, right: float, y: float, low: float, high: float, *, ends: bool = False
) -> str:
    """Axis with numbers; with ``ends`` the first and last stand within it."""
    spread = (right - left) / (high - low)
    parts = [svg_element("line", x1=left, x2=right, y1=y, y2=y, class_="axis")]
    for value in values:
        x = left + (value - low) * spread
        parts.append(svg_element("line", x1=x, x2=x, y1=y, y2=y + 4, class_="axis"))
        side = {low: "start", high: "end"}.get(value, "middle") if ends else "middle"
        parts.append(svg_text(f"{value:.3g}", x, y + 16, class_="tick", text_anchor=side))
    return "".join(parts)


def _svg_element(width: float, height: float, parts: Iterable[str], label: str) -> str:
    box = f"0 0 {_svg_number(width)} {_svg_number(height)}"
    return svg_element("svg", "".join(parts), viewBox=box, role="img", aria_label=visible(label), class_="chart")


def _svg_number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return escape(str(value), quote=True)


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
