"""The registry: every model under its name, family by family."""

from lo2.models import boosting, classifiers, density, forest, neighbours, ngrams, rarity
from lo2.models.base import ModelSpec

MODELS: dict[str, ModelSpec] = {
    **forest.MODELS,
    **neighbours.MODELS,
    **rarity.MODELS,
    **density.MODELS,
    **ngrams.MODELS,
    **classifiers.MODELS,
    **boosting.MODELS,
}
