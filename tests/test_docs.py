"""The pages under docs/: their tables are the code's, their links lead somewhere, their commands exist."""

import importlib.util
import re
import shlex
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
REFRESH = "refresh with: .venv/bin/python tools/make_docs.py"


def script(path):
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_docs = script("tools/make_docs.py")


def test_the_steps_into_which_a_load_is_split_are_there_by_name():
    steps = script("benchmarks/where.py").STEPS
    assert [(step, name) for step, holder, name in steps if not callable(getattr(holder, name, None))] == []


@pytest.mark.parametrize("name", make_docs.DOCUMENTS)
def test_schemas_in_the_package_are_those_of_the_code(name):
    assert (make_docs.SCHEMAS / f"{name}.schema.json").read_text() == make_docs.schema_text(name), REFRESH


@pytest.mark.parametrize("page", make_docs.pages(), ids=lambda page: page.name)
def test_tables_in_the_docs_are_those_of_the_code(page):
    assert page.read_text() == make_docs.refreshed(page.read_text()), REFRESH


def test_every_table_of_the_code_is_in_the_docs():
    shown = {name for page in PAGES for name in re.findall(r"<!-- table: ([\w-]+) -->", page.read_text())}
    assert shown == set(make_docs.TABLES)


def anchor(heading: str) -> str:
    """Anchor of a heading as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_repository_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), f"{page.name}: {target}"
        if fragment:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert fragment in {anchor(heading) for heading in headings}, f"{page.name}: {target}"


@pytest.mark.parametrize("name", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_modules_named_for_contributors_exist(name):
    prose = re.sub(r"```.*?```", "", (ROOT / name).read_text(), flags=re.DOTALL)
    named = {
        word for word in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", prose) if not word.endswith((".json", ".toml", ".py"))
    }
    assert len(named) > 4
    assert [word for word in named if not (ROOT / "src/lo2" / f"{word.replace('.', '/')}.py").exists()] == []


def test_both_languages_of_the_guide_show_the_same_code():
    blocks = [
        re.findall(r"```.*?```", (ROOT / "docs" / f"{name}.md").read_text(), re.DOTALL)
        for name in ("guide", "guide.de")
    ]
    assert blocks[0] == blocks[1]


def test_pages_run_as_they_stand_one_after_the_other(tmp_path, monkeypatch, lo2):
    monkeypatch.chdir(tmp_path)
    for name in ("tutorial", "guide", "exchange", "scale", "python"):
        text, names = (ROOT / "docs" / f"{name}.md").read_text(), {"__name__": name}
        for kind, block in re.findall(r"```(sh|python|sql)\n(.*?)```", text, re.DOTALL):
            if kind == "sh":
                for line in (line for line in block.splitlines() if "~" not in line):
                    lo2(*shlex.split(line)[1:], cwd=tmp_path)
            elif kind == "sql":
                assert pl.sql(block).collect().width > 1
            else:
                exec(compile(block, name, "exec"), names)


def lo2_commands() -> list[tuple[str, list[str]]]:
    """Every ``lo2 ...`` line of a shell block in the docs, as arguments."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```(?:sh|bash)\n(.*?)```", page.read_text(), re.DOTALL):
            lines = block.replace("\\\n", " ").splitlines()
            found += [(page.name, shlex.split(line, comments=True)[1:]) for line in lines if line.startswith("lo2 ")]
    return found


@pytest.mark.parametrize(("page", "arguments"), lo2_commands())
def test_flags_of_commands_in_the_docs_exist(page, arguments):
    known = make_docs.help_page(arguments[0])
    for flag in (word.partition("=")[0] for word in arguments[1:] if word.startswith("--")):
        assert re.search(rf"(?<![\w-]){flag}(?![\w-])", known), f"{page}: lo2 {arguments[0]} has no {flag}"
