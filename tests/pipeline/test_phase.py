"""A phase publishes all its files or none, records them, and says in the log how it ended."""

import json

import polars as pl
import pytest

from lo2.artefacts import provenance
from lo2.artefacts.files import TEMPORARY
from lo2.artefacts.layout import Home
from lo2.artefacts.scan import scan_artefacts
from lo2.errors import CheckFailedError, InputNotFoundError, SchemaError
from lo2.pipeline.phase import phase

FRAME = pl.DataFrame({"template_id": ["a"], "text": ["started"]})


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path / "result", tmp_path / "models")


def fail(home: Home, *, publish: bool) -> None:
    with phase(home, "load", {"profile": "tree"}) as p:
        p.write("templates", FRAME.clear())
        if publish:
            p.publish()
        p.write("quality", {"files": 1})
        raise ZeroDivisionError


def test_files_appear_together_and_are_recorded(home):
    with phase(home, "load", {"profile": "tree"}, seed=3, jobs=2) as p:
        p.write("templates", FRAME)
        p.write("quality", {"files": 1})
        assert not home.path("templates").exists()
        p.fingerprint = "f" * 64
    record = provenance.load_provenance(home)
    assert sorted(record.artefacts) == ["lo2_quality.json", "lo2_templates.parquet"]
    assert record.phases["load"]["options"] == {"profile": "tree"}
    assert record.phases["load"]["seed"] == 3
    assert record.artefacts["lo2_quality.json"].made_from == {"input": "f" * 64}
    run = provenance.read_run_log(home)["runs"][-1]
    assert (run["phase"], run["jobs"], "failed" in run) == ("load", 2, False)


def test_what_is_read_is_what_files_are_made_from(home):
    with phase(home, "load") as p:
        p.write("templates", FRAME)
    with phase(home, "report") as p:
        assert p.read("templates").equals(FRAME)
        p.write("report", "<p>")
    made = provenance.load_provenance(home).artefacts["report.html"].made_from
    assert list(made) == ["lo2_templates.parquet"]


def test_a_phase_that_fails_leaves_the_old_files_and_says_so_in_the_log(home):
    with phase(home, "load") as p:
        p.write("templates", FRAME)
    before = home.path("templates").read_bytes()
    with pytest.raises(ZeroDivisionError):
        fail(home, publish=False)
    assert home.path("templates").read_bytes() == before
    assert not [path for path in home.result.iterdir() if path.name.startswith(TEMPORARY)]
    assert not [f for f in scan_artefacts(home, strict=True) if f.state in ("changed", "stale", "foreign")]
    assert provenance.read_run_log(home)["runs"][-1]["failed"] == "ZeroDivisionError"


def test_what_was_published_before_the_failure_is_recorded(home):
    with pytest.raises(ZeroDivisionError):
        fail(home, publish=True)
    record = provenance.load_provenance(home)
    assert list(record.artefacts) == ["lo2_templates.parquet"]
    assert record.phases["load"]["options"] == {"profile": "tree"}
    assert not home.path("quality").exists()


def test_a_load_that_failed_is_not_where_the_logs_are(home, tmp_path):
    with pytest.raises(ZeroDivisionError), phase(home, "load", root=tmp_path / "wrong"):
        raise ZeroDivisionError
    assert provenance.recorded_raw_root(home) is None
    with phase(home, "load", root=tmp_path / "logs"):
        pass
    assert provenance.recorded_raw_root(home) == tmp_path / "logs"


def test_an_edited_source_is_refused_or_accepted(home):
    with phase(home, "load") as p:
        p.write("templates", FRAME)
    FRAME.clear().write_parquet(home.path("templates"))
    with pytest.raises(CheckFailedError, match="accept-changed"), phase(home, "report") as p:
        p.read("templates")
    with phase(home, "report", accept_changed=True) as p:
        assert p.read("templates").height == 0
    with pytest.raises(InputNotFoundError, match="missing"), phase(home, "report") as p:
        p.read("events")


def test_columns_are_checked_before_anything_is_written(home):
    with pytest.raises(SchemaError, match="'run'"), phase(home, "detect") as p:
        p.write("runs", FRAME)
    assert not home.path("runs").exists()


def test_documents_and_tables_are_read_back_as_values(home):
    with phase(home, "load") as p:
        p.write("quality", {"files": 1})
    with phase(home, "report") as p:
        assert p.read("quality") == json.loads(home.path("quality").read_text())


def test_a_refusal_leaves_no_trace(home):
    with phase(home, "load") as p:
        p.write("templates", FRAME)
    before = home.path("run_log").read_bytes()
    with pytest.raises(CheckFailedError), phase(home, "detect"):
        raise CheckFailedError("not these sequences")
    assert home.path("run_log").read_bytes() == before
