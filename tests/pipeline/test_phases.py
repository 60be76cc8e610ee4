"""The phases: every one can be called again, and a recorded call is the call that was made."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from lo2.artefacts.layout import ARTEFACTS, PHASE_NAMES, Home
from lo2.errors import Lo2Error
from lo2.loading.options import LoadOptions
from lo2.models.options import ForestOptions, SplitOptions
from lo2.options import built_options
from lo2.pipeline.detect import detect_again, recorded_detect_options
from lo2.pipeline.options import DetectOptions, RunOptions
from lo2.pipeline.phases import recreate_phase
from lo2.pipeline.recorded import Recorded
from lo2.schema import schema_columns


def test_every_phase_of_the_artefact_table_can_be_called_again():
    for phase in PHASE_NAMES:
        module = import_module(f"lo2.pipeline.{phase}")
        assert callable(getattr(module, f"{phase}_run"))
        assert callable(getattr(module, f"{phase}_again"))


def test_every_row_that_names_columns_names_those_of_a_table():
    named = {row.columns for row in ARTEFACTS.values() if row.columns}
    assert all(schema_columns(name) for name in named)
    assert {row.pattern.rpartition(".")[2] for row in ARTEFACTS.values() if row.columns} == {"parquet"}


def test_options_of_every_part_come_back_from_the_record(tmp_path):
    split_file = tmp_path / "split.json"
    split_file.write_text("{}")
    home = Home(tmp_path / "result", tmp_path / "models")
    options = DetectOptions(
        models=("lr_words",),
        seed=3,
        split_file=split_file,
        forest=ForestOptions(n_estimators=7, numeric=("seq_len",)),
        split=SplitOptions(holdout_fraction=0.4),
    )
    facts = json.loads(json.dumps({**recorded_detect_options(options), "generated_at": "2026-01-01T00:00:00Z"}))
    home.result.mkdir()
    log = {"runs": [{"phase": "detect", "split_file": str(split_file)}], "files": {}}
    home.path("run_log").write_text(json.dumps(log))
    again = detect_again(Recorded(home, "detect", {"options": facts}))
    assert again["options"] == options


def test_a_part_keeps_its_own_default_where_another_option_is_given():
    options = built_options(RunOptions, {"n_estimators": 7, "runs": 3})
    assert options.detect.save_model
    assert (options.detect.forest.n_estimators, options.load.runs) == (7, 3)


def test_a_phase_that_does_not_exist_is_refused_with_the_choices():
    with pytest.raises(Lo2Error, match="Choices: detect, explain, load, report, score"):
        recreate_phase("train", {}, Home(Path("a"), Path("b")))


def test_an_option_of_an_earlier_version_is_read_under_its_name_of_now(tmp_path):
    recorded = Recorded(
        Home(tmp_path, tmp_path), "load", {"options": {"usual_format": ["pay=access (clf)"], "runs": 3}}
    )
    options = recorded.options(LoadOptions)
    assert (options.expected_format, options.runs) == (("pay=access (clf)",), 3)
