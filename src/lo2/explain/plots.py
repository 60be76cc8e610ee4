"""Plots as PNG, reproducible: SHAP bars and summary, map of the card. The only module that imports matplotlib."""

import io
import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lo2.explain.bags import THEN
from lo2.explain.headless import headless
from lo2.explain.tokens import rank_tokens, token_in_line
from lo2.extras import need_extra
from lo2.features.trigrams import text_for_trigrams

# Okabe-Ito colours: told apart with every kind of colour vision, and by brightness in print.
MORE, LESS, MISSING = "#D55E00", "#0072B2", "#009E73"
_INK, _FAINT = "#222222", "#CCCCCC"
_DPI = 120
_LABEL = 46
_TOKENS_DRAWN = 20
# The first package of a dotted name and the name without it; where in its file a stack frame stands.
_PACKAGE = re.compile(r"[a-z_][\w$-]*\.((?:[\w$-]+[.:])*[A-Za-z_$].*)", re.ASCII)
_SOURCE = re.compile(r"\([\w$]+\.\w+(:\d+)\)$", re.ASCII)


def elided_label(text: str, width: int = _LABEL) -> str:
    """``text`` on one line, shortened: of a class its packages go first, then the middle of what is left.

    Of a succession of events each message is shortened by itself, without level, logger and method.

    Examples
    --------
    >>> elided_label("com.networknt.oauth.Handler", 15), elided_label("Unauthorized client with a wrong secret", 15)
    ('…oauth.Handler', 'Unautho… secret')
    """
    text = "".join(c if c.isprintable() and c < "\u0530" else "\N{WHITE SQUARE}" for c in token_in_line(text))
    # Not every font draws a blank at the ends of a trigram.
    text = text.replace(" ", "\N{OPEN BOX}") if text != text.strip() else text
    if len(text) <= width:
        return text
    parts = [text_for_trigrams(part) for part in text.split(THEN)]
    if len(parts) > 1:
        return THEN.join(elided_label(part, (width + len(THEN)) // len(parts) - len(THEN)) for part in parts)
    while (inner := _PACKAGE.fullmatch(text.removeprefix("…"))) and len(text) > width:
        text = f"…{inner[1]}"
    text = text if len(text) <= width else _SOURCE.sub(r"\1", text)
    if len(text) <= width:
        return text
    left = (width - 1) // 2
    return f"{text[:left]}…{text[len(text) - (width - 1 - left) :]}"


@contextmanager
def _default_matplotlib_style() -> Iterator[None]:
    """matplotlib as it comes: somebody's matplotlibrc must not change the bytes."""
    need_extra("matplotlib", what="Drawing")
    with headless():
        import matplotlib
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield


@_default_matplotlib_style()
def shap_bar(attributions: pl.DataFrame, *, n_sequences: int, unit: str, title: str) -> bytes:
    """Bars of the mean absolute contribution of the tokens that carry most."""
    ranked = rank_tokens(attributions, n_sequences=n_sequences, limit=_TOKENS_DRAWN)
    figure, axes = _plot_canvas(max(ranked.height, 1), title)
    if not ranked.height:
        return _empty_plot(figure, axes)
    places = np.arange(ranked.height)
    means = ranked["mean"].to_numpy()
    axes.barh(places, means, color=LESS, height=0.7)
    for place, mean in zip(places, means, strict=True):
        axes.annotate(f"{mean:.3g}", (mean, place), (3, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_xlim(0, float(means.max()) * 1.12)
    _plot_token_axis(axes, ranked["token"].to_list())
    axes.set_xlabel(_plot_axis_name("mean absolute contribution, more or less anomalous alike", unit), fontsize=9)
    return _plot_png_bytes(figure)


@_default_matplotlib_style()
def shap_summary(attributions: pl.DataFrame, counts: pl.Series, *, n_sequences: int, unit: str, title: str) -> bytes:
    """A dot per sequence and token, at its contribution; stacked where dots would hide each other.

    Colour and shape tell whether the sequence holds the token (``counts`` above 0) or lacks it.
    """
    ranked = rank_tokens(attributions, n_sequences=n_sequences, limit=_TOKENS_DRAWN)
    figure, axes = _plot_canvas(max(ranked.height, 1), title)
    if not ranked.height:
        return _empty_plot(figure, axes)
    rows = attributions.with_columns(held=counts > 0).filter(pl.col("token").is_in(ranked["token"].to_list()))
    extent = max(float(rows["contribution"].abs().max() or 0.0), 1e-12)  # type: ignore[arg-type]
    axes.axvline(0, color=_FAINT, linewidth=1, zorder=0)
    for place, token in enumerate(ranked["token"]):
        own = rows.filter(pl.col("token") == token).sort("contribution", "seq_id")
        values, held = own["contribution"].to_numpy(), own["held"].to_numpy()
        heights = place + _swarm_plot_offsets(values, extent)
        axes.scatter(values[held], heights[held], s=14, color=MORE, marker="o", linewidths=0, alpha=0.8)
        axes.scatter(values[~held], heights[~held], s=14, color=LESS, marker="D", linewidths=0, alpha=0.8)
    _plot_token_axis(axes, ranked["token"].to_list())
    left = min(float(rows["contribution"].min() or 0.0), 0.0)  # type: ignore[arg-type]
    right = max(float(rows["contribution"].max() or 0.0), 0.0)  # type: ignore[arg-type]
    axes.set_xlim(left - 0.05 * extent, right + 0.05 * extent)
    axes.set_xlabel(_plot_axis_name("contribution: left is more normal, right more anomalous", unit), fontsize=9)
    axes.scatter([], [], s=20, color=MORE, marker="o", label="token is in the sequence")
    axes.scatter([], [], s=20, color=LESS, marker="D", label="token is missing")
    axes.legend(loc="lower right", fontsize=8, framealpha=0.9)
    return _plot_png_bytes(figure)


def _swarm_plot_offsets(values: NDArray[np.float64], extent: float) -> NDArray[np.float64]:
    """Offsets that pile dots of about equal value symmetrically, within the row's height."""
    bins = np.round(values / extent * 120).astype(np.int64)
    offsets = np.zeros(values.size)
    for one in np.unique(bins):
        members = np.flatnonzero(bins == one)
        turns = np.arange(members.size)
        side = np.where(turns % 2, 1, -1) * ((turns + 1) // 2)
        offsets[members] = side * min(0.07, 0.76 / max(members.size, 1))
    return offsets


@_default_matplotlib_style()
def plot_card_map(card: pl.DataFrame, *, detector: str) -> bytes:
    """Fault x service map of the detection card of ``detector``: recall as shade and number, AUC behind it.

    Cells without test sequences stay blank; an orange corner marks those whose logs carry no signal.
    """
    title = f"{detector}: share of each fault's logs at or above the threshold, by service"
    cases, services = sorted(card["test_case"].unique()), sorted(card["service"].unique())
    figure, axes = _plot_canvas(max(len(cases), 1), title, width=max(9.0, 3.6 + 1.15 * len(services)), row=0.34)
    if not cases:
        return _empty_plot(figure, axes)
    from matplotlib.patches import Polygon

    recall = np.full((len(cases), len(services)), np.nan)
    for row in card.iter_rows(named=True):
        y, x = cases.index(row["test_case"]), services.index(row["service"])
        value = row["recall"]
        recall[y, x] = np.nan if value is None else value
        text = "" if value is None else f"{value:.2f}"
        behind = "" if row["auc"] is None else f"  (AUC {row['auc']:.2f})"
        ink = "white" if value is not None and value > 0.6 else _INK
        cell = axes.text(x, y, f"{text}{behind}", ha="center", va="center", fontsize=7, color=ink)
        cell.set_in_layout(False)  # hundreds of them, all inside the axes
        if row["signal_in_data"] in (False, "none", "no"):
            corner = [(x - 0.5, y - 0.5), (x - 0.36, y - 0.5), (x - 0.5, y - 0.05)]
            axes.add_patch(Polygon(corner, facecolor=MORE, edgecolor="white", linewidth=0.6))
    image = axes.imshow(recall, cmap="Blues", vmin=0, vmax=1, aspect="auto", zorder=0)
    axes.set_xticks(range(len(services)), [elided_label(name, 18) for name in services], fontsize=8)
    axes.set_yticks(range(len(cases)), [elided_label(name) for name in cases], fontsize=8)
    axes.xaxis.tick_top()
    bar = figure.colorbar(image, ax=axes, shrink=min(1.0, 6 / max(len(cases), 1)), pad=0.02)
    bar.set_label("recall: share flagged at the threshold", fontsize=8)
    note = "AUC: 0.5 is chance, 1 ranks every fault above every normal. Orange corner: the logs carry no signal"
    axes.set_xlabel(note, fontsize=8)
    return _plot_png_bytes(figure)


def _plot_canvas(rows: int, title: str, *, width: float = 10.0, row: float = 0.36) -> tuple[Any, Any]:
    """Figure without pyplot: no window system is ever asked for, no state is shared."""
    with headless():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 1.6 + row * rows), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=11, loc="left")
    return figure, axes


def _plot_token_axis(axes: Any, tokens: list[str]) -> None:
    # Dollar signs would start mathematics.
    labels = [elided_label(token).replace("$", r"\$") for token in tokens]
    axes.set_yticks(range(len(tokens)), labels, fontsize=9, family="monospace")
    axes.set_ylim(len(tokens) - 0.4, -0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _plot_axis_name(what: str, unit: str) -> str:
    return "\n".join([what, *textwrap.wrap(f"(unit: {unit.split(';')[0]})", 90)])


def _empty_plot(figure: Any, axes: Any) -> bytes:
    axes.text(0.5, 0.5, "nothing to show: no token contributes", ha="center", va="center", transform=axes.transAxes)
    axes.set_axis_off()
    return _plot_png_bytes(figure)


def _plot_png_bytes(figure: Any) -> bytes:
    stream = io.BytesIO()
    # Directly, since savefig draws twice; without the entry the version of matplotlib would be in the file.
    figure.canvas.print_png(stream, metadata={"Software": None}, pil_kwargs={"compress_level": 4})
    return stream.getvalue()
