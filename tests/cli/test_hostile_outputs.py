"""Hostile log text in every output of ``diff``, ``score`` and ``run``, from real logs through the real commands."""

import html
import json
import re
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from lo2.cli.main import run

HOSTILE = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 <script>alert(1)</script> </pre></details><img src=x onerror=alert(1)> ]]> "
    "##[error]x `code` [link](javascript:x) |cell| @mention \u202egnp.exe {{ 7*7 }} ::set-output name=a::b"
)
COMMANDS = ("::error file=a::owned", "##[error]owned", "::add-mask::x")


def write_night(root: Path, number: int, *, bad: bool) -> None:
    folder = root / f"night-{number:02d}"
    folder.mkdir(parents=True)
    day = date(2024, 5, 1) + timedelta(number)
    for name in ("web", "db<b>"):
        lines = [f"{day} 08:00:{i:02d},120 INFO shop.Cart - cart {i * number} opened" for i in range(20)]
        if bad:
            lines += [f"{day} 08:00:30,120 ERROR shop.Pay - the bank said {HOSTILE} of {name}", *COMMANDS]
        (folder / f"{name}.log").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory) -> dict[str, str]:
    """What each command printed and wrote, by command and output."""
    here = tmp_path_factory.mktemp("hostile")
    for number in range(45):
        write_night(here / "logs", number, bad=number == 44)
    write_night(here / "new", 60, bad=True)
    where = ("--output-dir", "out", "--models-dir", "models")
    commands = {
        "diff": ("diff", "logs/night-03", "new/night-60"),
        "run": ("run", "logs", "--skip-if", "--models", "knn_words", *where),
        "score": ("score", "new", *where),
    }
    found: dict[str, str] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        for name, arguments in commands.items():
            patch.setenv("GITHUB_STEP_SUMMARY", f"{name}.md")
            files = ("--html", f"{name}.html", "--junit", f"{name}.xml", "--github")
            found[f"{name} text"] = printed(arguments)
            found[f"{name} json"] = printed((*arguments, "--json", *files))
            for kind in ("html", "xml", "md"):
                found[f"{name} {kind}"] = Path(f"{name}.{kind}").read_text()
        for path in (*Path("out").rglob("findings.json"), *Path("out").rglob("report.html")):
            found[f"{'score' if 'scored' in path.parts else 'run'} file {path.name}"] = path.read_text()
    return found


def printed(arguments: tuple[str, ...]) -> str:
    import contextlib
    import io

    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(stream):
        assert run(list(arguments)) == 0
        stream.flush()
    return stream.buffer.getvalue().decode()


NAMES = [f"{command} {kind}" for command in ("diff", "run", "score") for kind in ("text", "json", "html", "xml", "md")]
NAMES += [f"{command} file {name}" for command in ("run", "score") for name in ("findings.json", "report.html")]


@pytest.mark.parametrize("name", NAMES)
def test_hostile_text_acts_in_no_output(outputs, name):
    text = outputs[name]
    if name != "run file report.html":  # which shows masked words, of any line or none
        assert "said" in html.unescape(text), "the hostile line is not there at all"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    if name.endswith("report.html"):  # no build server reads a page
        text = text.replace("##[", "")
    assert "##[" not in text
    assert not any(line.lstrip().startswith("::") for line in text.split("\n"))
    if name.endswith(("html", "md", "xml")):
        assert "<script>alert" not in text
        assert "<img" not in text
    if name.endswith("json"):
        json.loads(text)
    if name.endswith("xml"):
        ET.fromstring(text)


def test_the_original_text_is_in_the_json_of_all_three(outputs):
    for command in ("diff", "run", "score"):
        values = json.loads(outputs[f"{command} json"])
        texts = [one["text"] for one in values["findings"] if one["text"]]
        assert any(HOSTILE in text for text in texts), command
        assert set(values) >= {"format", "baselines", "target", "lines_shown", "ignored", "findings"}
