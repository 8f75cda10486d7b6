"""The parts of a wheel as CycloneDX 1.6: itself, what is vendored, and what it needs, in the versions found here."""

from __future__ import annotations

import hashlib
import io
import re
import uuid
import zipfile
from datetime import UTC, datetime
from email.parser import Parser
from importlib.metadata import PackageNotFoundError, metadata

from cyclonedx.model import HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

VENDORED = re.compile(r"(?P<package>\S+) (?P<version>\S+): (?P<licence>\S+) sha512-\S+")
"""A line of `reports/vendor/vendor.txt`."""


def sbom(wheel: bytes, epoch: int) -> bytes:
    """The file for a wheel; equal wheels and installations give equal bytes."""
    archive = zipfile.ZipFile(io.BytesIO(wheel))
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    about = Parser().parsestr(archive.read(name).decode())
    digest = hashlib.sha256(wheel).hexdigest()
    itself = Component(
        name=about["Name"], version=about["Version"], type=ComponentType.APPLICATION,
        bom_ref=f"{about['Name']}@{about['Version']}", licenses=[LicenseExpression("Apache-2.0")],
        purl=PackageURL("pypi", None, about["Name"], about["Version"]),
        hashes=[HashType.from_composite_str(f"sha256:{digest}")],
    )  # fmt: skip
    bom = Bom()
    bom.metadata.component = itself
    bom.metadata.timestamp = datetime.fromtimestamp(epoch, UTC)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, digest)
    text = archive.read("safecheck/reports/vendor/vendor.txt").decode()
    needed = [entry for entry in about.get_all("Requires-Dist", []) if "extra ==" not in entry]
    parts = [*map(_vendored, VENDORED.finditer(text)), *map(_needed, needed)]
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(itself, parts)
    return JsonV1Dot6(bom).output_as_string(indent=2).encode() + b"\n"


def _vendored(found: re.Match[str]) -> Component:
    package, version = found["package"], found["version"]
    group, _, name = package.rpartition("/")
    return Component(
        name=name, group=group or None, version=version, type=ComponentType.LIBRARY, bom_ref=f"{package}@{version}",
        licenses=[LicenseExpression(found["licence"])], purl=PackageURL("npm", group or None, name, version),
    )  # fmt: skip


def _needed(requirement: str) -> Component:
    """A dependency, in the version that is installed here."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None
    try:
        about = metadata(match[0])
    except PackageNotFoundError:
        return Component(
            name=match[0], type=ComponentType.LIBRARY, bom_ref=match[0], purl=PackageURL("pypi", None, match[0])
        )
    version, licence = about["Version"], about.get("License-Expression")
    named = licence or next(iter((about.get("License") or "").splitlines()), "")
    licences = [LicenseExpression(licence)] if licence else [DisjunctiveLicense(name=named)] if named else []
    return Component(
        name=match[0], version=version, type=ComponentType.LIBRARY, bom_ref=f"{match[0]}@{version}", licenses=licences,
        purl=PackageURL("pypi", None, match[0].lower(), version),
    )  # fmt: skip
