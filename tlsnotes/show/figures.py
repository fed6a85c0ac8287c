"""How a figure of ours is shown in a notebook: as a picture with its words for those who do not see it."""

from __future__ import annotations

import base64
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # whoever has a figure has loaded it
    from matplotlib.figure import Figure


def figure_html(figure: Figure) -> str | None:
    """The HTML of a figure whose label says in a sentence what it shows; None for others, which show themselves."""
    words = figure.get_label()
    if not words:
        return None
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    data = base64.b64encode(picture.getvalue()).decode("ascii")
    style = "max-width: 100%; height: auto; border-radius: 8px"
    return f'<img style="{style}" alt="{escape(str(words))}" src="data:image/png;base64,{data}">'
