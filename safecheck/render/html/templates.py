"""The one room of Jinja: templates from `reports/`, every value escaped, one file without any request to outside."""

from __future__ import annotations

import base64
import hashlib
import marshal
import os
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from safecheck.intake.once import once
from safecheck.strict import resources
from safecheck.text import printable

if TYPE_CHECKING:  # imported where it is used
    import jinja2
    from markupsafe import Markup

_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)
"""What lets a debugger ask for a file beside the page."""
_PLAIN = re.compile(r"[\w /,.:-]*", re.ASCII)


def rendered(template: str, script_file: str = "", **values: Any) -> str:
    """A template with the shared style sheet, a script if one is named, and their hashes for the policy.

    The style sheet is a template too: `values` may fill the headers of printed pages. Whoever does that gives texts
    without quotes and backslashes, for nothing is escaped in a style sheet.
    """
    from markupsafe import Markup

    environment = _environment()
    head, identity = (str(values.pop(name, "")) for name in ("head", "identity"))
    if not _PLAIN.fullmatch(head + identity):
        raise ValueError("the headers of printed pages hold plain words only")
    style = environment.get_template("style.css").render(head=head, identity=identity)
    script = (resources.reports() / script_file).read_text(encoding="utf-8") if script_file else ""
    return (
        environment.get_template(template).render(
            style=Markup(style), style_hash=_digest(style), script=Markup(script), script_hash=_digest(script), **values
        )
        + "\n"
    )


class Inlined(NamedTuple):
    """A file of `reports/` to stand in a page as it is."""

    text: Markup
    hash: str
    """SHA-256 in Base64, for the policy of the page."""


def inlined(file: str) -> Inlined:
    """A script, style sheet or licence that is no template."""
    from markupsafe import Markup

    text = _SOURCE_MAP.sub("", resources.reports().joinpath(*file.split("/")).read_text(encoding="utf-8"))
    return Inlined(Markup(text), _digest(text))


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (resources.reports() / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = printable
    environment.filters["anchor"] = _anchor
    _compile(environment)
    return environment


def _compile(environment: jinja2.Environment) -> None:
    """Take the templates as code that an earlier run has compiled, which costs as much as all of a small audit."""
    import jinja2

    folder = resources.reports()
    files = {file.name: str(file) for file in folder.iterdir() if file.name.endswith((".j2", ".css"))}
    if not all(map(os.path.isfile, files.values())):
        return  # in a zipped wheel

    def make() -> dict[str, bytes]:
        sources = {name: (folder / name).read_text(encoding="utf-8") for name in files}
        return {name: marshal.dumps(environment.compile(source, name)) for name, source in sources.items()}

    kept = f"templates-{sys.implementation.cache_tag}"
    made = once(kept, __file__, make, (jinja2.__file__, *(files[name] for name in sorted(files))))
    if made is None:
        return
    codes = made

    class Compiled(jinja2.BaseLoader):
        def load(self, _: jinja2.Environment, name: str, globals: Any = None) -> jinja2.Template:
            return jinja2.Template.from_code(environment, marshal.loads(codes[name]), dict(globals or {}), None)

    environment.loader = Compiled()


def _anchor(text: str) -> str:
    """A name as part of an `id`, and of a link to it: without anything that an address would have to quote."""
    return "".join(letter if _PLAIN.fullmatch(letter) and letter != " " else f"_{ord(letter):x}_" for letter in text)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
