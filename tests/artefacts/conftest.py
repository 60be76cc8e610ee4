"""The forest of the guide, and a small result root with every required artefact recorded."""

from collections import Counter
from pathlib import Path

import pytest

from artefacts.result_root import ROWS, detect_phase, explain_phase, load_phase
from lo2.artefacts.layout import Home


@pytest.fixture(scope="session")
def forest():
    """The tuple of the guide, on a many-to-one vocabulary."""
    from sklearn.ensemble import IsolationForest
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer=list).fit(ROWS)
    vectorizer.vocabulary_ = Counter({word: min(i, 3) for i, word in enumerate(sorted(vectorizer.vocabulary_))})
    return IsolationForest(n_estimators=5, random_state=0).fit(vectorizer.transform(ROWS)), vectorizer


@pytest.fixture
def home(tmp_path: Path, forest) -> Home:
    """All phases done."""
    place = Home(tmp_path / "result", tmp_path / "models")
    load_phase(place)
    detect_phase(place, forest)
    explain_phase(place)
    return place
