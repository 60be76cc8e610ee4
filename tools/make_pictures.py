"""Pictures of ``docs/gallery.md``: ``python tools/make_pictures.py`` runs the demo somewhere else and takes them.

``python tools/make_pictures.py RESULT`` takes them of a result root that is there. Needs Chromium (Debian's package
``chromium``, or name one in LO2_CHROMIUM). Look at them before they go into a commit.
"""

import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

from lo2.artefacts.layout import Home
from lo2.pipeline.demo import demo_run
from lo2.pipeline.options import DemoOptions

IMAGES = Path(__file__).parents[1] / "docs" / "images"
PLOTS = {
    "detection_card": "detection-card", "knn_words_shap_bar": "shap-bar", "knn_words_shap_summary": "shap-summary",
}  # fmt: skip
SECTIONS = {"findings": "#findings", "explorer": "#explorer", "evaluation": "#evaluation"}
WINDOW: ViewportSize = {"width": 1280, "height": 860}
NARROW: ViewportSize = {"width": 390, "height": 1200}
_SCROLL = "place => place.scrollIntoView({behavior: 'instant'})"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def keep(png: bytes, name: str) -> None:
    """Few colours: a page of text is a fifth as large that way."""
    Image.open(io.BytesIO(png)).convert("RGB").quantize(64).save(IMAGES / f"{name}.png", optimize=True)


def screenshots(page: Page, report: Path) -> None:
    """Sections as they stand in the window, one sequence in full, a telephone, the detection card in the dark."""
    page.goto(report.absolute().as_uri())
    for name, place in SECTIONS.items():
        page.locator(place).evaluate(_SCROLL)
        keep(page.screenshot(), f"report-{name}")
    page.emulate_media(color_scheme="dark")
    page.locator("#card").evaluate(_SCROLL)
    keep(page.screenshot(), "report-card-dark")
    page.emulate_media(color_scheme="light")
    page.locator(".hit a[href^='#seq-']").first.click()
    keep(page.screenshot(full_page=True), "report-detail")
    page.set_viewport_size(NARROW)
    page.goto(report.absolute().as_uri())
    keep(page.screenshot(), "report-narrow")


def take(result: Path, browser: str) -> None:
    """Copy the plots, open the report."""
    for plot, name in PLOTS.items():
        shutil.copyfile(result / "explainability" / f"{plot}.png", IMAGES / f"{name}.png")
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=browser, args=list(FLAGS)).new_page(viewport=WINDOW)
        screenshots(page, result / "report.html")


def main() -> None:
    """Run the demo, unless a result root is named, and take the pictures."""
    browser = os.environ.get("LO2_CHROMIUM") or shutil.which("chromium")
    if browser is None:
        sys.exit("needs Chromium: install Debian's package `chromium`, or name one in LO2_CHROMIUM")
    if sys.argv[1:]:
        take(Path(sys.argv[1]), browser)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "lo2", Path(folder) / "models")
        demo_run(home, DemoOptions(Path(folder) / "logs"))
        take(home.result, browser)


if __name__ == "__main__":
    main()
