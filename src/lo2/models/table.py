"""The registry: every model under its name, family by family."""

from lo2.models import forest
from lo2.models.base import ModelSpec

MODELS: dict[str, ModelSpec] = {**forest.MODELS}
