"""``/recipes``: small pages that each do one thing, with their code beside them."""

from app.pages.recipes.catalogue import servers
from app.pages.recipes.page import add_recipes

__all__ = ["add_recipes", "servers"]
