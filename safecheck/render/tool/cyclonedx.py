"""The bill of materials of an installation, CycloneDX 1.6: the packages that a report depends on."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

from safecheck.audit.provenance import Package
from safecheck.errors import UsageError, pip_install
from safecheck.render.json_text import dumped


def document(packages: Sequence[Package]) -> str:
    """The bill; a package's hash is that of its RECORD, the list of its files with the hash of each.

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
    bom = Bom()
    for package in packages:
        digest = [HashType(alg=HashAlgorithm.SHA_256, content=package.record_sha256)] if package.record_sha256 else []
        bom.components.add(
            Component(
                name=package.name,
                version=package.version,
                type=ComponentType.LIBRARY,
                bom_ref=f"{package.name}@{package.version}",
                hashes=digest,
            )
        )
    found = json.loads(JsonV1Dot6(bom).output_as_string())
    found["metadata"].pop("timestamp", None)
    identity = ":".join(":".join(package) for package in packages)
    found["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'safecheck:{identity}')}"
    return dumped(found)
