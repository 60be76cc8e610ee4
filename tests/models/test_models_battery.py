"""Every entry of the registry stands the battery."""

import pytest

from lo2.models.table import MODELS
from models.checks import CHECKS


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_model_stands_the_battery(check, name):
    check(name)


def test_registry_holds_the_models_of_the_brief():
    wanted = (
        "lr_words lsvm_words dt_trigrams rf_words xgb_words lof_words ocsvm_words kmeans_words rarity_words oov_words"
    )
    assert {*wanted.split(), "lr_numeric", "knn_words", "ngram_events", "if"} <= set(MODELS)
    assert all(name == spec.name and spec.meaning for name, spec in MODELS.items())
