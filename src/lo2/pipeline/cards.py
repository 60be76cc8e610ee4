"""Cards from fitted models (``model.yml`` and its like), and fitted models read from bundle and card."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import lo2
from lo2.artefacts.bundle import Bundle, load_bundle
from lo2.artefacts.card import card_reference_path, read_card
from lo2.artefacts.provenance import library_versions
from lo2.evaluation.metric import Metric
from lo2.extras import need_extra
from lo2.models.base import Fitted
from lo2.models.bundles import EXTRA_ALLOWED, card_facts, fitted_from_bundle, self_test, self_test_scores
from lo2.models.table import MODELS
from lo2.pipeline.code_stamp import CodeStamp
from lo2.pipeline.reference import read_reference

NO_REFERENCE = (
    "{} is not there: what varies in lines is unknown, so that names count as new words, and there are scores only"
)
_HEADLINE = ("auc", "ap", "f1_at_threshold", "recall_at_threshold", "fp_rate_at_threshold", "prevalence")


def make_card(
    fitted: Fitted,
    *,
    data_fingerprint: str,
    metrics: Mapping[str, Metric],
    stamp: CodeStamp,
    preprocessing: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Card with every key of the contract.

    That of a bundle that was loaded keeps the data it was trained on; its metrics are those of ``measured_on``.
    """
    trained_on = fitted.trained_on or data_fingerprint
    return {
        "generated_at": stamp.generated_at,
        "lo2_version": lo2.__version__,
        "git_commit": stamp.git_commit,
        **({"git_commit_why": stamp.git_commit_why} if stamp.git_commit is None else {}),
        "versions": library_versions(),
        **{"model": fitted.spec.name, "data_fingerprint": trained_on, "source": stamp.source},
        **({} if trained_on == data_fingerprint else {"measured_on": data_fingerprint}),
        **({} if preprocessing is None else {"door": dict(preprocessing)}),
        **card_facts(fitted),
        "self_test": self_test(fitted),
        "metrics": {name: metrics[name].value for name in _HEADLINE if name in metrics},
    }


def read_fitted_with_card(path: Path) -> tuple[Fitted, Bundle]:
    """Model of a bundle after every check; notes of the bundle are kept next to it.

    Its learnt variables are those of the reference next to it: without that they are unknown, which is noted.

    Raises
    ------
    MissingExtraError
        Before anything of the bundle is read, if its model needs a library that is not installed.
    """
    name = read_card(path).get("model") or "if"
    if library := getattr(MODELS.get(name), "library", "sklearn"):
        need_extra(library, what=f"Scoring with {name}")
    bundle = load_bundle(path, self_test=self_test_scores, extra_allowed=EXTRA_ALLOWED)
    fitted = fitted_from_bundle(bundle.payload, bundle.card)
    if not fitted.spec.learnt:
        return fitted, bundle
    reference = read_reference(path, bundle.card)
    if reference is not None:
        return replace(fitted, variables=reference.variables), bundle
    return replace(fitted, notes=(*fitted.notes, NO_REFERENCE.format(card_reference_path(path)))), bundle
