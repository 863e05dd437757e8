"""Recipes: each module is a page that does one thing. Its docstring is its title and sentence.

To run one by itself, add two lines: ``app = rx.App()`` and ``app.add_page(page)``.
"""
