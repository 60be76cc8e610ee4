"""Charts as inline SVG text: own small functions, colours from the style sheet's classes, every text escaped."""

from collections.abc import Callable, Iterable
from html import escape

from lo2.report.values import Bar, Curve, Distribution, Panel, Points
from lo2.report.visible import visible

_LEFT, _TOP = 44.0, 14.0
_SAID = {
    "detector": "clears the shortcuts", "failing": "does not clear them",
    "reference": "the usual design, for reference",
}  # fmt: skip


def tag(name: str, content: str = "", **attributes: object) -> str:
    """One SVG element; ``class_`` stands for class, other underscores for hyphens, ``None`` leaves out.

    Examples
    --------
    >>> tag("line", x1=1.25, class_="axis")
    '<line x1="1.25" class="axis"/>'
    """
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value is not None)
    written = "".join(f' {key}="{_number(value)}"' for key, value in pairs)
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(content: str, x: float, y: float, **attributes: object) -> str:
    """Escaped text at a place."""
    return tag("text", escape(visible(content)), x=x, y=y, **attributes)


def histogram(data: Distribution, *, name: str) -> str:
    """Score distributions below each other on one score axis, with the threshold as a line through all."""
    row, width, left = 46.0, 520.0, 128.0
    height = _TOP + row * len(data.groups) + 30
    low, high = data.edges[0], data.edges[-1]
    scale = (width - left - 10) / (high - low)
    base = _TOP + row * len(data.groups) + 4
    parts = [_ticks_x([low, (low + high) / 2, high], left, width - 10, base, low, high)]
    for place, group in enumerate(data.groups):
        bottom = _TOP + row * (place + 1) - 4
        tallest = max(group.shares) or 1.0
        edges = zip(data.edges, data.edges[1:], group.shares, strict=False)
        bars = "".join(
            f"M{_number(left + (a - low) * scale)} {_number(bottom)}V{_number(bottom - share / tallest * (row - 10))}"
            f"H{_number(left + (b - low) * scale)}V{_number(bottom)}Z"
            for a, b, share in edges
            if share > 0
        )
        kind = "anomalous" if group.anomalous else "normal"
        parts += [
            tag("path", d=bars, class_=f"area {kind}"),
            tag("line", x1=left, x2=width - 10, y1=bottom, y2=bottom, class_="axis"),
            text(group.label, 0, bottom - 14, class_="label"),
            text(f"n = {group.n:,}", 0, bottom - 1, class_="tick"),
        ]
    if data.threshold is not None:
        x = left + (data.threshold - low) * scale
        parts.append(tag("line", x1=x, x2=x, y1=_TOP - 4, y2=base, class_="threshold"))
        side = {"text_anchor": "end", "x": x - 4} if x > width * 0.7 else {"x": x + 4}
        parts.append(tag("text", escape(f"threshold {data.threshold:.3g}"), y=_TOP + 2, class_="tick strong", **side))
    sizes = ", ".join(f"{group.n} {group.label}" for group in data.groups)
    return _svg(width, height, parts, f"Score distributions of {name}: {sizes}; higher scores are more anomalous")


def curve(data: Curve, *, x: str, y: str, name: str, base: float | None = None) -> str:
    """ROC or precision-recall curve in the unit square with its band; ``base`` is chance (None: the diagonal)."""
    side, width, height = 200.0, 262.0, 250.0

    def path(points: Iterable[tuple[float, float]], start: str = "M") -> str:
        return start + "L".join(f"{_number(_LEFT + a * side)} {_number(_TOP + (1 - b) * side)}" for a, b in points)

    parts = [tag("rect", x=_LEFT, y=_TOP, width=side, height=side, class_="frame")]
    chance: Points = ((0.0, 0.0), (1.0, 1.0)) if base is None else ((0.0, base), (1.0, base))
    if data.low and data.high:
        parts.append(tag("path", d=path(data.low) + path(reversed(data.high), "L") + "Z", class_="band"))
    parts += [tag("path", d=path(chance), class_="chance"), tag("path", d=path(data.points), class_="curve")]
    parts.append(_ticks_x([0, 0.5, 1], _LEFT, _LEFT + side, _TOP + side, 0, 1))
    for value in (0.0, 0.5, 1.0):
        parts.append(text(f"{value:g}", _LEFT - 6, _TOP + (1 - value) * side + 4, class_="tick", text_anchor="end"))
    parts.append(text(x, _LEFT + side / 2, height - 2, class_="tick", text_anchor="middle"))
    middle = _TOP + side / 2
    turned = f"rotate(-90 12 {_number(middle)})"
    parts.append(text(y, 12, middle, class_="tick", text_anchor="middle", transform=turned))
    return _svg(width, height, parts, f"{y} against {x} of {name}")


def panel(data: Panel) -> str:
    """Detectors and shortcuts as bars from chance on one AUC axis, with intervals and a line at the best shortcut."""
    order = {"detector": 0, "reference": 1, "shortcut": 2, "null": 3}
    bars = sorted((bar for bar in data.bars if bar.auc is not None), key=lambda bar: (order[bar.kind], -(bar.auc or 0)))
    row, width, left, right, top = 24.0, 760.0, 138.0, 222.0, 26.0
    across, best = width - left - right, data.best_shortcut

    def at(value: float) -> float:
        return left + value * across

    bottom = top + row * len(bars) + 2 + 8 * len({bar.kind for bar in bars})
    parts, y = [tag("line", x1=at(0.5), x2=at(0.5), y1=top - 6, y2=bottom, class_="chance")], top + row / 2
    for bar, before in zip(bars, [None, *bars], strict=False):
        y += 8 if before is not None and before.kind != bar.kind else 0
        parts += _bar(bar, y, at, at(1.0) + 18)
        y += row
    if best is not None and best.auc is not None:
        parts.append(tag("line", x1=at(best.auc), x2=at(best.auc), y1=top - 6, y2=bottom, class_="threshold"))
        side = {"class_": "tick strong", "text_anchor": "end" if best.auc > 0.7 else "middle"}
        parts.append(text(f"best shortcut: {best.name}", at(best.auc), top - 12, **side))
    parts.append(_ticks_x([0, 0.25, 0.5, 0.75, 1], left, left + across, bottom, 0, 1))
    spoken = "; ".join(f"{bar.name} {bar.auc:.2f}" for bar in bars)
    return _svg(width, bottom + 24, parts, f"AUC of detectors and shortcuts: {spoken}")


def _bar(bar: Bar, y: float, at: Callable[[float], float], words: float) -> list[str]:
    auc = bar.auc or 0.0
    kind = ("detector" if bar.clears else "failing") if bar.kind == "detector" else bar.kind
    left, width = min(at(0.5), at(auc)), abs(at(auc) - at(0.5))
    parts = [
        text(bar.name, 0, y + 4, class_=f"label {bar.kind}"),
        tag("rect", x=left, y=y - 5, width=width, height=10, rx=1.5, class_=f"bar {kind}"),
    ]
    if bar.low is not None and bar.high is not None:
        low, high = at(bar.low), at(bar.high)
        parts.append(tag("line", x1=low, x2=high, y1=y, y2=y, class_="whisker"))
        parts += [tag("line", x1=end, x2=end, y1=y - 3, y2=y + 3, class_="whisker") for end in (low, high)]
    said = _SAID.get(kind, bar.meaning)
    said = f"inverted; {said}" if bar.inverted and bar.kind == "detector" else said
    value = text(f"{auc:.2f}", words, y + 4, class_="value")
    return [*parts, value, text(said, words + 34, y + 4, class_=f"tick {kind}")]


def meter(value: float, largest: float, *, kind: str = "") -> str:
    """Small horizontal bar beside a number; hidden from screen readers, which read the number."""
    share = min(abs(value) / largest, 1.0) if largest else 0.0
    fill = tag("rect", width=f"{100 * share:.0f}%", height=8, class_=kind or ("neg" if value < 0 else "pos"))
    return f'<svg class="meter" aria-hidden="true">{fill}</svg>' if share else ""


def _ticks_x(values: Iterable[float], left: float, right: float, y: float, low: float, high: float) -> str:
    spread = (right - left) / (high - low)
    parts = [tag("line", x1=left, x2=right, y1=y, y2=y, class_="axis")]
    for value in values:
        x = left + (value - low) * spread
        parts.append(tag("line", x1=x, x2=x, y1=y, y2=y + 4, class_="axis"))
        parts.append(text(f"{value:.3g}", x, y + 16, class_="tick", text_anchor="middle"))
    return "".join(parts)


def _svg(width: float, height: float, parts: Iterable[str], label: str) -> str:
    box = f"0 0 {_number(width)} {_number(height)}"
    return tag("svg", "".join(parts), viewBox=box, role="img", aria_label=visible(label), class_="chart")


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return escape(str(value), quote=True)
