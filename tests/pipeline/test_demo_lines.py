"""The demo's first screen: its three lines carry what the simulator planted. ``benchmarks/first_minute.py`` tries ten seeds."""

import importlib.util
import json
from pathlib import Path

import polars as pl
import yaml

from lo2.document import document_restored
from lo2.report.values import ReportSummary

FIRST_MINUTE = Path(__file__).parents[2] / "benchmarks" / "first_minute.py"


def wrong_hits(summary, truth):
    spec = importlib.util.spec_from_file_location("first_minute", FIRST_MINUTE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.wrong_hits(summary, truth)


def test_the_demo_has_a_variant_of_its_own_and_its_three_lines_carry_planted_marks(tmp_path, lo2):
    result, models = tmp_path / "demo/result/lo2_demo", tmp_path / "models/lo2_demo"
    models.mkdir(parents=True)
    (models / "lo2_if.joblib").write_text("of an earlier demo with another seed")
    shown = lo2("demo", cwd=tmp_path)
    assert "6 of 6 detectable faults found" in shown.stdout.splitlines()[0]
    assert shown.stdout.splitlines()[-1] == "open demo/result/lo2_demo/report.html"
    summary = document_restored(ReportSummary, json.loads((result / "report.json").read_text()))
    truth = pl.read_csv(tmp_path / "demo/logs/lo2/truth.csv", infer_schema=False)
    assert wrong_hits(summary, truth) == []
    nothing_planted = truth.with_columns(mark=pl.lit("planted nowhere"))
    assert len(wrong_hits(summary, nothing_planted)) == 3
    assert summary.simulated
    assert yaml.safe_load((models / "model.yml").read_text())["source"] == "simulated"
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["lo2_demo"]
    assert sorted(path.name for path in (tmp_path / "demo/result").iterdir()) == ["lo2_demo"]
    lo2("scan", "--variant", "lo2_demo", cwd=tmp_path)
