"""The commands `safecheck zoo ...`."""

from __future__ import annotations

import json
from typing import get_args

import click

from safecheck.cli.group import Group, Name
from safecheck.cli.interrupt import keeping
from safecheck.cli.output import note, say
from safecheck.cli.progress import waiting
from safecheck.render.output import Target, check_targets, write_bytes
from safecheck.text import printable
from safecheck.usecases.limits import budget, within
from safecheck.zoo.build import Order
from safecheck.zoo.export import Exported, Exporter
from safecheck.zoo.models import CATALOGUE, Geometry, Pool, Reference, ResizeBy


@click.group(cls=Group)
def zoo() -> None:
    """Make the reference models: CSA and the baselines it is compared with."""


@zoo.command("list")
@click.option(
    "--output", "output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Format."
)
def list_models(output: str) -> int:
    """List the models, their sizes and where they are published."""
    if output == "json":
        say(json.dumps([_as_json(reference) for reference in CATALOGUE.values()], indent=2))
        return 0
    for reference in CATALOGUE.values():
        macs = ", ".join(
            f"{count / 1e9:.3f} GMACs" + (f" ({geometry})" if reference.is_csa else "")
            for geometry, count in reference.macs.items()
        )
        say(f"{reference.name:<14}{reference.title}")
        say(f"{'':<14}{reference.parameters:,} parameters, {macs} at {reference.image}x{reference.image}")
        say(f"{'':<14}made with {' and '.join(reference.needs)}; {reference.source}")
    return 0


def _as_json(reference: Reference) -> dict[str, object]:
    return {
        "name": reference.name,
        "title": reference.title,
        "image": reference.image,
        "parameters": reference.parameters,
        "macs": dict(reference.macs),
        "needs": list(reference.needs),
        "source": reference.source,
    }


@zoo.command("export")
@click.argument("name", metavar="NAME", type=Name(CATALOGUE, "model"))
@click.option("--output", "-o", "path", metavar="FILE", required=True, help="Where to write it.")
@click.option(
    "--image", type=click.IntRange(32, 2048), metavar="PIXELS",
    help="Side of the square image. Default: 224, for miniatures 64.",
)  # fmt: skip
@click.option("--batch", type=click.IntRange(1, 1024), default=1, show_default=True, help="Images at once.")
@click.option(
    "--opset", type=click.IntRange(13, 23), default=17, show_default=True,
    help="Operator set to ask for; standard error says if the exporter wrote another.",
)  # fmt: skip
@click.option(
    "--exporter", type=click.Choice(get_args(Exporter)),
    help="Of PyTorch's two. Default: dynamo from operator set 17 on, torchscript below.",
)  # fmt: skip
@click.option("--weights", metavar="FILE", help="A .safetensors or .pth file; seeded random weights by default.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of random weights.")
@click.option(
    "--geometry", type=click.Choice(get_args(Geometry)), default="published", show_default=True,
    help="CSA: maps of 56, 27, 13, 6 or of 56, 28, 14, 7 pixels.",
)  # fmt: skip
@click.option(
    "--resize", type=click.Choice(get_args(ResizeBy)), default="scales", show_default=True,
    help="CSA: resize by constant scales or to sizes.",
)  # fmt: skip
@click.option(
    "--pool", type=click.Choice(get_args(Pool)), default="average", show_default=True,
    help="CSA: AveragePool with a kernel or ReduceMean.",
)  # fmt: skip
def export_model(
    name: str, path: str, image: int | None, batch: int, opset: int, exporter: Exporter | None, weights: str | None,
    seed: int, geometry: Geometry, resize: ResizeBy, pool: Pool,
) -> int:  # fmt: skip
    """Write a reference model as one ONNX file.

    The same seed gives the same bytes, with the same versions of the libraries.
    """
    check_targets([Target("onnx", path)], [] if weights is None else [weights])
    order = Order(name, image, seed, weights, geometry, resize, pool)
    with keeping([path]):
        with waiting(f"building {name}") as tell:
            most, asked = budget("exporting it", "nothing was written"), (order, batch, opset, exporter)
            exported: Exported = within(most, name, None, "safecheck.zoo.made:made", *asked, tell=tell)
        write_bytes(path, exported.data)
    if exported.opset != opset:
        note(f"note: opset {opset} was asked for; the exporter could not reach it and wrote {exported.opset}")
    note(f"{printable(path)}: {name}, opset {exported.opset}, {len(exported.data):,} bytes")
    return 0
