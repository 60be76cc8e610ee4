"""What import-linter cannot see: which of two functions of one library a module calls, and what an import drags in."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from lo2.cli.main import COMMANDS
from lo2.extras import EXTRAS
from lo2.models.table import FAMILIES
from lo2.pipeline.parts import part_code_files

SRC = Path(__file__).parents[1] / "src"
MODULES = {".".join(p.relative_to(SRC).with_suffix("").parts): ast.parse(p.read_text()) for p in SRC.rglob("*.py")}


def calls_of(name: str) -> set[str]:
    """Modules that mention ``joblib.<name>``, or import ``name`` from joblib."""
    found = set()
    for module, tree in MODULES.items():
        for node in ast.walk(tree):
            dotted = isinstance(node, ast.Attribute) and node.attr == name and getattr(node.value, "id", "") == "joblib"
            imported = (
                isinstance(node, ast.ImportFrom)
                and (node.module or "").split(".")[0] == "joblib"
                and name in {alias.name for alias in node.names}
            )
            if dotted or imported:
                found.add(module)
    return found


def test_only_the_bundle_module_loads_pickles():
    assert calls_of("load") <= {"lo2.artefacts.bundle"}


def test_only_the_engine_runs_work_in_parallel():
    assert calls_of("Parallel") | calls_of("parallel_backend") <= {"lo2.engine"}


def imports_of(module: str) -> set[str]:
    """Modules of ours that a module imports, at once or by what it imports."""
    found, left = set(), [module]
    while left:
        for node in ast.walk(MODULES[left.pop()]):
            if isinstance(node, ast.ImportFrom) and node.module:
                named = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
                new = named & MODULES.keys() - found
                found |= new
                left += new
    return found


def test_model_families_are_independent_of_each_other():
    """A family is a module that the registry collects: whoever adds one names it there and nowhere else."""
    families = {family.__name__ for family in FAMILIES}
    assert len(families) > 5
    assert {family: imports_of(family) & families for family in families} == {family: set() for family in families}


def test_all_code_that_makes_a_part_is_in_its_key():
    """A cached part of a load is reused only where the code is the same; writing it down adds nothing to it."""
    hashed = {".".join(path.relative_to(SRC).with_suffix("").parts) for path in part_code_files()}
    assert "lo2.loading.lines.scan" in hashed
    assert imports_of("lo2.pipeline.parts") - hashed == {"lo2.artefacts.files"}


def imported_by(statement: str) -> set[str]:
    """Top-level names of what an interpreter of its own has imported after ``statement``."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


HEAVY = {"sklearn", "scipy", "shap", "numba", "matplotlib", "xgboost", "dask", "pandas"}


@pytest.mark.parametrize("module", ["lo2", "lo2.artefacts.scan", "lo2.artefacts.clean", "lo2.artefacts.exchange"])
def test_files_half_imports_no_machine_learning_library(module):
    assert not imported_by(f"import {module}") & HEAVY


def test_loading_imports_no_machine_learning_library():
    assert not imported_by("import lo2.pipeline.load") & HEAVY


def test_program_starts_without_heavy_libraries():
    assert not imported_by("import lo2.cli.main") & (HEAVY | {"polars", "jinja2"})


def test_help_pages_import_options_alone():
    calls = [[name, "--help"] for name in COMMANDS]
    said = f"import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as said:\n    [run(one) for one in {calls}]"
    assert not imported_by(f"from lo2.cli.main import run\n{said}") & (HEAVY | {"numpy", "polars", "joblib", "jinja2"})
    done = subprocess.run([sys.executable, "-m", "lo2", *calls[0]], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: lo2 ")


def test_only_doors_need_an_extra_to_be_imported():
    """Whoever scores imports most of the package, and a base install scores."""
    found = {
        module
        for module, tree in MODULES.items()
        for node in tree.body
        for one in (node.body if isinstance(node, ast.Try) else [node])
        if isinstance(one, ast.Import | ast.ImportFrom)
        for name in ([one.module or ""] if isinstance(one, ast.ImportFrom) else [alias.name for alias in one.names])
        if name.partition(".")[0] in {library.partition(".")[0] for library in EXTRAS}
    }
    assert found - {"lo2.models.foreign"} == {"lo2.sparse", "lo2.models.bases"}


def test_every_module_has_a_docstring():
    assert [module for module, tree in MODULES.items() if not ast.get_docstring(tree)] == []


def test_no_module_is_longer_than_300_lines():
    assert [str(p) for p in SRC.rglob("*.py") if len(p.read_text().splitlines()) > 300] == []


def test_only_the_files_module_reads_tables_by_name():
    """Elsewhere Polars would read ``[``, ``*`` and ``?`` in a folder's name as a pattern."""
    readers = {"read_parquet", "scan_parquet", "read_csv", "scan_csv", "read_ipc", "scan_ipc", "read_ndjson"}
    found = {
        module
        for module, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in readers and getattr(node.value, "id", "") == "pl"
    }
    assert found == {
        "lo2.artefacts.files",
        "lo2.artefacts.anonymise",
        "lo2.pipeline.reference",
    }  # the last two from memory
