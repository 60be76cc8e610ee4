"""Prints the tables of the code into the pages under docs/, between ``<!-- table: NAME -->`` and ``<!-- end -->``.

``python tools/make_docs.py`` refreshes them all; ``tests/test_docs.py`` fails while one is out of date.
"""

import ast
import io
import json
import os
import re
import tomllib
import types
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from lo2 import schema
from lo2.artefacts.layout import ARTEFACTS, HOLDS
from lo2.cli.main import COMMANDS, run
from lo2.evaluation.figures import EvaluationDocument
from lo2.explain.document import ExplanationDocument
from lo2.features import FEATURES
from lo2.levels import LEVELS
from lo2.loading.formats.envelopes import ENVELOPES
from lo2.loading.formats.headers import HEADERS
from lo2.loading.formats.plain import PLAIN
from lo2.loading.times.stamps import STAMPS
from lo2.masking.masks import Mask
from lo2.masking.secrets import KINDS
from lo2.masking.values import APART, KEPT, VALUES, WORDS
from lo2.models.table import MODELS
from lo2.report.glossary import GLOSSARY
from lo2.report.values import ReportSummary

DOCS = Path(__file__).parents[1] / "docs"
SCHEMAS = DOCS.parent / "src" / "lo2" / "report" / "schemas"
_REGION = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

DOCUMENTS: Mapping[str, tuple[type, str]] = {
    "evaluation": (EvaluationDocument, "metrics/evaluation.json: counts, verdict, figures"),
    "explanation": (ExplanationDocument, "explainability/explanation.json: lines, words, nearest normals"),
    "report": (ReportSummary, "report.json: what page and closing screen show"),
}
TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def main() -> None:
    """Refresh every page, and the schemas in the package."""
    for page in pages():
        page.write_text(refreshed(page.read_text()))
    SCHEMAS.mkdir(exist_ok=True)
    for name in DOCUMENTS:
        (SCHEMAS / f"{name}.schema.json").write_text(schema_text(name))


def schema_text(name: str) -> str:
    """JSON schema of a document, as the package ships it."""
    kind, title = DOCUMENTS[name]
    return json.dumps(schema_of(kind, title=title), indent=1) + "\n"


def schema_of(kind: type, *, title: str) -> dict[str, Any]:
    """JSON schema (draft 2020-12) of the documents of a dataclass."""
    named: dict[str, Any] = {}
    root = _schema(kind, named)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return {**head, **root, "$defs": dict(sorted(named.items()))}


def _schema(kind: Any, named: dict[str, Any]) -> dict[str, Any]:
    if is_dataclass(kind) and isinstance(kind, type):
        if kind.__name__ not in named:
            named[kind.__name__] = {}
            hints = get_type_hints(kind)
            properties = {one.name: _schema(hints[one.name], named) for one in fields(kind)}
            text = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
            named[kind.__name__] = {
                "type": "object", "description": text, "properties": properties, "required": list(properties),
            }  # fmt: skip
        return {"$ref": f"#/$defs/{kind.__name__}"}
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(one, named) for one in inner]}
    if origin is tuple and inner[-1] is Ellipsis:
        return {"type": "array", "items": _schema(inner[0], named)}
    if origin is tuple:
        parts = [_schema(one, named) for one in inner]
        return {"type": "array", "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}
    if origin is not None:
        return {"type": "object", "additionalProperties": _schema(inner[1], named)}
    return {} if kind is Any else {"type": TYPES[kind]}


def pages() -> list[Path]:
    """Pages that hold at least one table."""
    return sorted(page for page in DOCS.rglob("*.md") if _REGION.search(page.read_text()))


def refreshed(text: str) -> str:
    """Page with all its tables printed anew."""
    return _REGION.sub(lambda found: found[1] + TABLES[found[2]]() + found[3], text)


def markdown(header: str, rows: Iterable[tuple[str, ...]]) -> str:
    """Table with ``header``, its cells separated by ``|``."""
    lines = [f"| {header} |", "|" + "---|" * (header.count("|") + 1)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def artefacts(*, yes: str, header: str) -> str:
    """The ``ARTEFACTS`` table."""
    return markdown(
        header,
        (
            (
                f"`{row.pattern}`",
                row.phase,
                row.written,
                *(yes if flag else "" for flag in (row.required, row.shareable, row.prunable)),
                row.meaning,
            )
            for row in ARTEFACTS.values()
        ),
    )


def held() -> str:
    """What every artefact holds of the logs."""
    return markdown(
        " | ".join(("file", *HOLDS.values(), "may be shared")),
        (
            (
                f"`{row.pattern}`",
                *("yes" if what in row.holds else "" for what in HOLDS.values()),
                "yes" * row.shareable,
            )
            for row in ARTEFACTS.values()
        ),
    )


def columns(table: schema.Table) -> str:
    """Columns of a frame."""
    return markdown("column | type | meaning", ((f"`{n}`", str(c.dtype), c.meaning) for n, c in table.items()))


def models() -> str:
    """The ``MODELS`` table."""
    return markdown(
        "model | reads | labels | on real sets | explained by | what it is",
        (
            (
                f"`{name}`",
                f"`{m.column}`",
                "needed" if m.supervised else "not used",
                "stable" if m.stable else "experimental",
                m.explains,
                m.meaning,
            )
            for name, m in MODELS.items()
        ),
    )


def features() -> str:
    """The ``FEATURES`` table."""
    return markdown("feature | column | meaning", ((n, f"`{f.column}`", f.meaning) for n, f in FEATURES.items()))


def code(text: str) -> str:
    """Text of a log as a cell: what a table cannot show is written as an escape."""
    shown = text.replace("\t", "\\t").replace("\n", "\\n").replace("\x1f", " ")
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


def formats() -> str:
    """The tables of headers, with and without a time."""
    rows = {**HEADERS, **PLAIN}
    return markdown(
        "name | a line | level | logger | message",
        ((f"`{name}`", *(code(part) if part else "" for part in row.examples[0])) for name, row in rows.items()),
    )


def stamps() -> str:
    """The ``STAMPS`` table."""
    return markdown(
        "name | as written | as read",
        ((name, *map(code, next(iter((row.examples or {}).items())))) for name, row in STAMPS.items()),
    )


def envelopes() -> str:
    """The ``ENVELOPES`` table."""
    return markdown(
        "around each line | as written | inside",
        ((name, *map(code, row.examples[0])) for name, row in ENVELOPES.items()),
    )


def levels() -> str:
    """The ``LEVELS`` table."""
    return markdown(
        "level | counted as | also written",
        (
            (f"`{name}`", row.counts, ", ".join((*row.words, *row.letters, *map(str, row.numbers))))
            for name, row in LEVELS.items()
        ),
    )


def hidden() -> str:
    """Masks of any log, one example each."""
    tables: Mapping[str, Iterable[Mask]] = {
        "a value": (*VALUES.values(), *APART.values(), *WORDS.values()),
        "stays": KEPT.values(),
    }
    return markdown(
        "what | written | becomes",
        (
            (f"{kind}: {mask.reason}", *map(code, mask.examples[0]))
            for kind, masks in tables.items()
            for mask in masks
            if mask.examples
        ),
    )


def secrets() -> str:
    """Kinds of secrets by name; an example of each is in the table itself."""
    return "".join(f"- `{name}`: {mask.reason}\n" for name, mask in KINDS.items())


def glossary() -> str:
    """Words that need a sentence, each under a heading of its own so that it can be linked."""
    return "".join(f"\n### {term}\n\n{meaning}\n" for term, meaning in GLOSSARY.items()) + "\n"


def commands() -> str:
    """Help page of every command."""
    return "".join(f"\n## lo2 {name}\n\n```text\n{help_page(name)}\n```\n" for name in COMMANDS) + "\n"


def help_page(command: str) -> str:
    """What ``lo2 COMMAND --help-all`` prints, 110 characters wide."""
    os.environ["COLUMNS"] = "110"
    with redirect_stdout(io.StringIO()) as shown:
        run([command, "--help-all"])
    return "\n".join(line.rstrip() for line in shown.getvalue().strip().splitlines())


def layers() -> str:
    """The layers of ``pyproject.toml`` as boxes, the highest first, with what each room is for."""
    contracts = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rows = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    width, shown = 140, []
    for row in rows:
        names = [name for name in re.findall(r"\w+", row) if name != "__main__"]
        if names:
            shown.append(("├" if shown else "┌") + "─" * width + ("┤" if shown else "┐"))
            shown += [f"│ {name:<12}{purpose(name, width - 15)} │" for name in names]
    return "\n".join(["```text", *shown, "└" + "─" * width + "┘", "```", ""])


def purpose(room: str, width: int) -> str:
    """First sentence of a module's docstring, cut to ``width`` characters and filled up to it."""
    text = (ast.get_docstring(ast.parse(source(room).read_text())) or "").splitlines()[0]
    text = text.replace("``", "")
    return f"{text if len(text) <= width else text[: width - 1].rsplit(' ', 1)[0] + '…':<{width}} "


def source(room: str) -> Path:
    """File of a top-level module or package."""
    home = DOCS.parent / "src" / "lo2"
    return home / room / "__init__.py" if (home / room).is_dir() else home / f"{room}.py"


TABLES: Mapping[str, Callable[[], str]] = {
    "artefacts": lambda: artefacts(
        yes="yes", header="file | phase | written | required | may be shared | may be cleaned away | content"
    ),
    "artefakte": lambda: artefacts(
        yes="ja", header="Datei | Phase | geschrieben | Pflicht | teilbar | aufräumbar | Inhalt (wie im Code)"
    ),
    "held": held,
    "sequences": lambda: columns(schema.SEQUENCES),
    "events": lambda: columns(schema.EVENTS),
    "predictions": lambda: columns(schema.predictions_table("if")),
    "runs": lambda: columns(schema.RUNS),
    "models": models,
    "features": features,
    "formats": formats,
    "stamps": stamps,
    "envelopes": envelopes,
    "levels": levels,
    "hidden": hidden,
    "secrets": secrets,
    "commands": commands,
    "layers": layers,
    "glossary": glossary,
}

if __name__ == "__main__":
    main()
