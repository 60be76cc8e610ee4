"""The registry: every model under its name, family by family."""

from inspect import isabstract

from lo2.models import boosting, classifiers, density, forest, neighbours, ngrams, rarity
from lo2.models.base import ModelSpec
from lo2.models.bases import BaseEstimator

FAMILIES = (neighbours, forest, rarity, density, ngrams, classifiers, boosting)
MODELS: dict[str, ModelSpec] = {name: spec for family in FAMILIES for name, spec in family.MODELS.items()}
CLASSES = tuple(
    f"{found.__module__}.{found.__qualname__}"
    for family in FAMILIES
    for found in vars(family).values()
    if isinstance(found, type) and issubclass(found, BaseEstimator) and found.__module__.startswith("lo2.models.")
    if not isabstract(found)
)
"""Full names of the estimators that the families are made of: what a bundle of theirs may hold."""
