"""The registry: every model under its name, family by family."""

from lo2.models import boosting, classifiers, density, forest, neighbours, ngrams, rarity
from lo2.models.base import ModelSpec

FAMILIES = (neighbours, forest, rarity, density, ngrams, classifiers, boosting)
MODELS: dict[str, ModelSpec] = {name: spec for family in FAMILIES for name, spec in family.MODELS.items()}
