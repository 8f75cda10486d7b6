"""Bills of materials in CycloneDX 1.6, without a time and numbered by what they are about: equal contents, equal bytes.

The one room of the library.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from safecheck import __version__
from safecheck.errors import UsageError, pip_install


class Piece(NamedTuple):
    """One component."""

    kind: str
    """As the specification names it: `library`, `data`, `machine-learning-model`."""
    ref: str
    """What other parts of the document call it."""
    name: str
    sha256: str = ""
    version: str | None = None


def content(pieces: Sequence[Piece], identity: str, about: Piece | None = None) -> dict[str, Any]:
    """The document as plain values, numbered by `identity`.

    With `about` it is the bill of that component, which needs the others, and this tool is named as what wrote it.

    Raises:
        UsageError: the library is missing.
    """
    try:
        from cyclonedx.model import HashAlgorithm, HashType
        from cyclonedx.model.bom import Bom
        from cyclonedx.model.component import Component, ComponentType
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError as error:
        what = "the library that writes CycloneDX is not installed"
        raise UsageError("SC-ENV-EXTRA", "cyclonedx", what, f"run: {pip_install('evidence')}") from error

    def component(piece: Piece) -> Component:
        hashes = [HashType(alg=HashAlgorithm.SHA_256, content=piece.sha256)] if piece.sha256 else []
        kind = ComponentType(piece.kind)
        return Component(name=piece.name, version=piece.version, type=kind, bom_ref=piece.ref, hashes=hashes)

    bom = Bom()
    parts = list(map(component, pieces))
    bom.components.update(parts)
    if about is not None:
        bom.metadata.component = component(about)
        tool = Component(name="safecheck", version=__version__, type=ComponentType.APPLICATION, bom_ref="tool")
        bom.metadata.tools.components.add(tool)
        bom.register_dependency(bom.metadata.component, parts)
    found: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    found["metadata"].pop("timestamp", None)
    found["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'safecheck:{identity}')}"
    return found
