"""How a phase is called again: as its record says, not with the options that nobody chose."""

import pytest

from lo2.artefacts.layout import Home
from lo2.loading.options import LoadOptions
from lo2.models.options import ForestOptions
from lo2.options import record_options
from lo2.pipeline.calls import call_again, detect_call
from lo2.pipeline.detect import recorded_detect_options
from lo2.pipeline.options import DetectOptions
from lo2.pipeline.phase import phase


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "result", tmp_path / "models")


def done(home: Home, name: str, options: dict[str, object]) -> None:
    with phase(home, name, options) as p:
        p.keep(p.home.result / "made.txt")
        p.home.result.joinpath("made.txt").write_text("x")


def test_detect_is_called_with_the_flags_of_its_record(home):
    options = DetectOptions(models=("lof_words", "oov_words"), save_model=True, forest=ForestOptions(n_estimators=7))
    done(home, "detect", recorded_detect_options(options))
    assert detect_call(home) == "lo2 detect --models lof_words,oov_words --save-model --if-n-estimators 7"
    assert detect_call(home, saving=True) == detect_call(home)


def test_a_file_that_is_gone_is_left_to_the_reader(home, tmp_path):
    split = tmp_path / "split.json"
    split.write_text("{}")
    facts = recorded_detect_options(DetectOptions(split_file=split))
    split.unlink()
    done(home, "detect", facts)
    assert detect_call(home, saving=True) == "lo2 detect --split-file FILE --save-model"


def test_load_is_called_with_what_was_asked_not_with_what_was_found(home):
    options = LoadOptions(profile="tree", normal="*", variable=("a, b", "c d"), keep_startup=True)
    done(home, "load", record_options(options))
    assert call_again(home, "load") == "lo2 load ROOT --normal '*' --keep-startup --variable 'a, b' --variable 'c d'"
    done(home, "load", record_options(LoadOptions(profile="lo2", normal="correct")))
    assert call_again(home, "load") == "lo2 load ROOT"


def test_what_never_ran_is_called_as_anybody_calls_it(home):
    assert [call_again(home, name) for name in ("load", "detect", "explain", "score")] == [
        "lo2 load ROOT", "lo2 detect", "lo2 explain", "lo2 score ROOT",
    ]  # fmt: skip
