"""Pictures: the same bytes again, whatever the environment, and labels that survive hostile text."""

import os
import subprocess
import sys

import polars as pl
import pytest

from lo2.explain.plots import elided_label, plot_card_map, shap_bar, shap_summary

FRAME = pl.DataFrame(
    {
        "seq_id": ["a", "b", "c", "a", "b"],
        "token": ["ERR12014", "ERR12014", "$x_1$ \u4e2d", "b", "b"],
        "contribution": [0.5, 0.5, -0.25, 0.1, -0.1],
    }
)
COUNTS = pl.Series([1, 2, 0, 1, 0], dtype=pl.UInt32)
CARD = pl.DataFrame(
    {
        "test_case": ["x_404", "x_404", "y_none"], "service": ["token", "code", "token"], "n": [3, 3, 2],
        "recall": [1.0, None, 0.0], "auc": [0.98, None, 0.5], "low": [0.9, None, 0.3], "high": [1.0, None, 0.7],
        "signal_in_data": [True, None, False],
    }
)  # fmt: skip


def draw(kind: str) -> bytes:
    if kind == "card":
        return plot_card_map(CARD, detector="knn_words")
    if kind == "bar":
        return shap_bar(FRAME, n_sequences=3, unit="unit", title="bar")
    return shap_summary(FRAME, COUNTS, n_sequences=3, unit="unit", title="summary")


@pytest.mark.parametrize("kind", ["bar", "summary", "card"])
def test_second_picture_has_the_same_bytes(kind):
    first = draw(kind)
    assert first.startswith(b"\x89PNG")
    assert draw(kind) == first
    assert b"Software" not in first


def test_row_order_does_not_change_the_picture():
    order = [4, 2, 0, 3, 1]
    again = shap_summary(FRAME[order], COUNTS[order], n_sequences=3, unit="unit", title="summary")
    assert again == draw("summary")


@pytest.mark.parametrize("backend", ["", "no-such-window-system", "TkAgg"])
def test_pictures_need_no_window_system(backend, tmp_path):
    (tmp_path / "matplotlibrc").write_text("font.size: 31\nbackend: TkAgg\n")
    code = (
        "import sys, polars as pl\nfrom lo2.explain.plots import shap_bar\n"
        "frame = pl.DataFrame({'seq_id': ['a'], 'token': ['b'], 'contribution': [1.0]})\n"
        "sys.stdout.buffer.write(shap_bar(frame, n_sequences=1, unit='u', title='t'))"
    )
    env = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "MPLBACKEND"}}
    env |= {"MPLBACKEND": backend} if backend else {}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=env, cwd=tmp_path, check=True)
    expected = pl.DataFrame({"seq_id": ["a"], "token": ["b"], "contribution": [1.0]})
    assert done.stdout == shap_bar(expected, n_sequences=1, unit="u", title="t")


def test_nothing_to_show_is_a_picture_too():
    assert shap_bar(FRAME.clear(), n_sequences=0, unit="u", title="t").startswith(b"\x89PNG")
    assert shap_summary(FRAME.clear(), COUNTS.clear(), n_sequences=0, unit="u", title="t").startswith(b"\x89PNG")
    assert plot_card_map(CARD.clear(), detector="if").startswith(b"\x89PNG")


def test_class_names_lose_their_packages_before_anything_else():
    frame = "com.networknt.oauth.cache.model.Service.writeData(Service.java:227)"
    assert elided_label(frame) == "…model.Service.writeData(Service.java:227)"
    long = elided_label(
        "com.networknt.oauth.token.handler.Oauth2TokenPostHandler.handle(Oauth2TokenPostHandler.java:232)"
    )
    assert long == "…Oauth2TokenPostHandler.handle:232"
    assert elided_label("x" * 100).startswith("x" * 22 + "…")


def test_both_events_of_a_succession_can_be_read():
    label = elided_label("DEBUG a.b.C load - Load:<*> of the first store > ERROR a.b.D set - failed for good and all")
    assert len(label) <= 46
    assert label.startswith("Load:<*>")
    assert " > failed" in label


def test_blanks_of_trigrams_and_odd_characters_are_shown():
    assert elided_label(" ab") == "\N{OPEN BOX}ab"
    assert elided_label("a\x1bb\n") == "a\N{WHITE SQUARE}b\\n"
