"""How a rate went in the last minute, as a line that moves."""

from typing import Any

import reflex as rx


class Plot(rx.Component):
    """Draws a rate; each new tick is a new second of it."""

    library = rx.asset("plot.jsx", shared=True).importable_path.split("?")[0]
    tag = "RatePlot"

    rate: rx.Var[float]
    """How many in the last second."""

    tick: rx.Var[int]
    """Changes once for each second."""

    label: rx.Var[str]
    """What it is a rate of, for whoever does not see it."""


def plot(**props: Any) -> rx.Component:
    return Plot.create(**props)
