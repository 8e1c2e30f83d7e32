"""Style transfer: a photo painted in the manner of a painting."""

from style.errors import StyleError
from style.instant import instant
from style.iterate import Iterate, Losses
from style.optimise import stylise
from style.recipe import Recipe

__all__ = ["Iterate", "Losses", "Recipe", "StyleError", "instant", "stylise"]
