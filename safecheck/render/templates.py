"""The one room of Jinja: templates from `reports/`, every value escaped, one file without any request to outside."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from safecheck import resources


def rendered(template: str, **values: Any) -> str:
    """A template with the shared style sheet and its hash for the Content-Security-Policy."""
    import jinja2

    style = (resources.reports() / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    loader = jinja2.FunctionLoader(lambda name: (resources.reports() / name).read_text(encoding="utf-8"))
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    from markupsafe import Markup

    return environment.get_template(template).render(style=Markup(style), style_hash=digest, **values) + "\n"
