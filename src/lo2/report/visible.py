"""Hostile text made visible on the page: the one function of the whole program."""

from lo2.visible import visible

__all__ = ["visible"]
