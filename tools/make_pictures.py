"""Pictures of ``docs/gallery.md`` from a finished demo: ``scripts/demo``, then ``python tools/make_pictures.py``.

Needs Chromium (Debian's package ``chromium``, or name one in LO2_CHROMIUM).
"""

import io
import os
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

RESULT, IMAGES = Path("demo/result/lo2"), Path("docs/images")
PLOTS = {"detection_card": "detection-card", "if_shap_bar": "shap-bar", "if_shap_summary": "shap-summary"}
SECTIONS = {"overview": "#overview", "detector": "#detectors", "explorer": "#explorer"}
WINDOW: ViewportSize = {"width": 1280, "height": 860}
_SCROLL = "place => place.scrollIntoView({behavior: 'instant'})"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def keep(png: bytes, name: str) -> None:
    """Few colours: a page of text is a fifth as large that way."""
    Image.open(io.BytesIO(png)).convert("RGB").quantize(64).save(IMAGES / f"{name}.png", optimize=True)


def screenshots(page: Page) -> None:
    """Sections as they stand in the window, one sequence in full, the detection card in the dark."""
    page.goto((RESULT / "report.html").absolute().as_uri())
    for name, place in SECTIONS.items():
        page.locator(place).evaluate(_SCROLL)
        keep(page.screenshot(), f"report-{name}")
    page.emulate_media(color_scheme="dark")
    page.locator("#card").evaluate(_SCROLL)
    keep(page.screenshot(), "report-card-dark")
    page.emulate_media(color_scheme="light")
    page.locator("#rows tbody tr a").nth(1).click()
    keep(page.screenshot(full_page=True), "report-detail")


def main() -> None:
    """Copy the plots, open the report."""
    browser = os.environ.get("LO2_CHROMIUM") or shutil.which("chromium")
    if browser is None or not (RESULT / "report.html").is_file():
        sys.exit(f"needs Chromium (found: {browser}) and {RESULT}/report.html: run scripts/demo first")
    for plot, name in PLOTS.items():
        shutil.copyfile(RESULT / "explainability" / f"{plot}.png", IMAGES / f"{name}.png")
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=browser, args=list(FLAGS)).new_page(viewport=WINDOW)
        screenshots(page)


if __name__ == "__main__":
    main()
