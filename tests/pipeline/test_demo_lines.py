"""The demo's first screen: its three lines carry what the simulator planted. ``benchmarks/first_minute.py`` tries ten seeds."""

import importlib.util
from pathlib import Path

import polars as pl

from lo2.artefacts.layout import Home
from lo2.cli.closing import found_lines
from lo2.pipeline.demo import demo_run

FIRST_MINUTE = Path(__file__).parents[2] / "benchmarks" / "first_minute.py"


def wrong_hits(summary, truth):
    spec = importlib.util.spec_from_file_location("first_minute", FIRST_MINUTE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.wrong_hits(summary, truth)


def test_the_three_lines_of_the_demo_carry_planted_marks(tmp_path):
    result = demo_run(Home(tmp_path / "result", tmp_path / "models"), tmp_path / "logs")
    truth = pl.read_csv(tmp_path / "logs" / "truth.csv", infer_schema=False)
    assert wrong_hits(result.summary, truth) == []
    first = next(found_lines(result.summary))
    assert "6 of 6 detectable faults found" in first
    nothing_planted = truth.with_columns(mark=pl.lit("planted nowhere"))
    assert len(wrong_hits(result.summary, nothing_planted)) == 3
