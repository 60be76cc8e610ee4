"""The registry: every model under its name, family by family."""

from lo2.models import boosting, density, forest, linear, neighbours, ngrams, rarity, trees
from lo2.models.base import ModelSpec

MODELS: dict[str, ModelSpec] = {
    **forest.MODELS,
    **neighbours.MODELS,
    **rarity.MODELS,
    **density.MODELS,
    **ngrams.MODELS,
    **linear.MODELS,
    **trees.MODELS,
    **boosting.MODELS,
}
