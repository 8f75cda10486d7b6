"""The tables of a comparison, one column per model; text, Markdown and HTML differ only in how they draw them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from safecheck.cost.price import WORDS
from safecheck.cost.traffic import BATCHES, assumptions
from safecheck.finding import ModelVerdict
from safecheck.render import amounts
from safecheck.render.fix.price_text import of_network
from safecheck.text import printable
from safecheck.usecases.compare import Compared, Contrast, Standing, weight

_OPERATORS = 12
_RULES = 6
_STOPS = 6


class Row(NamedTuple):
    """A line of a table."""

    label: str
    cells: tuple[str, ...]


class Table(NamedTuple):
    """A table with a heading; `note` says what its figures are."""

    title: str
    note: str
    rows: tuple[Row, ...]


def names(contrast: Contrast) -> tuple[str, ...]:
    """The column heads."""
    return tuple(printable(model.name, 60) for model in contrast.models)


def tables(contrast: Contrast) -> Iterator[Table]:
    """All tables in reading order."""
    models = contrast.models
    note = "As the files are, and as `safecheck fix` would leave them, planned without running its proofs. "
    yield Table("Does it comply?", note + WORDS, tuple(_verdicts(contrast)))
    yield Table(
        "How the files were made",
        "As each file says of itself; other weights have other accuracies.",
        tuple(_made(models)),
    )
    for position, profile in enumerate(contrast.profiles):
        yield Table(
            f"What stops them under {profile.id}",
            "Nodes that break each rule; forbidden first, then the best founded.",
            tuple(_breaches(models, position)),
        )
    yield Table(
        "Size, counted in the files",
        "Multiply-accumulates of convolutions and products; weights that kernels read; what all nodes read and write. "
        "Parameters are all floating-point numbers stored in the file: tables and masks that an exporter stored count "
        "too, and what it folded away does not, so authors, who count what is trained, print other numbers.",
        (
            Row("parameters", tuple(amounts.parameters(model.parameters) for model in models)),
            Row("multiply-accumulates", tuple(amounts.macs(model.macs) for model in models)),
            *_sizes(models),
        ),
    )
    if any(model.reference_by for model in models):
        note = "As printed by the authors, of their own trained network; nothing of it was measured or counted here."
        yield Table("Published by the authors, other weights", note, tuple(_published(models)))
    if any(model.measured for model in models):
        yield Table("Measured by you", "From the measurement files that were given.", tuple(_measured(models)))
    yield Table(
        "Memory traffic per frame, estimated",
        "To and from memory, by precision and batch. " + " ".join(part.text for part in assumptions(contrast.cache)),
        tuple(_traffic(models)),
    )
    yield Table("Operators", "Nodes by operator.", tuple(_operators(models)))


def _verdicts(contrast: Contrast) -> Iterator[Row]:
    for position, profile in enumerate(contrast.profiles):
        standings = [model.standings[position] for model in contrast.models]
        yield Row(profile.id, tuple(f"{ModelVerdict(one.verdict).symbol} {one.verdict}" for one in standings))
        yield Row("  nodes allowed", tuple(_of(one, 0) for one in standings))
        yield Row("  nodes forbidden", tuple(_of(one, 1) for one in standings))
        yield Row("  nodes unproven", tuple(_of(one, 2) for one in standings))
        yield Row("  after rewriting", tuple(_planned(one) for one in standings))
        yield Row("  forbidden + unproven after rewriting", tuple(_left(one) for one in standings))
        yield Row("  price of rewriting", tuple(price_words(one) for one in standings))
        yield Row("  stopped by", tuple(stop_words(one) for one in standings))


def _of(standing: Standing, position: int) -> str:
    return str(standing.counts[position]) if standing.total else "not read"


def _planned(standing: Standing) -> str:
    return f"{ModelVerdict(standing.planned).symbol} {standing.planned}" if standing.planned else "not computed"


def price_words(standing: Standing) -> str:
    """What the rewritten model costs beside the original."""
    if standing.after_fix is None:
        return "not computed"
    if standing.toll.ratio is not None and standing.verdict == ModelVerdict.COMPLIANT:
        return "none: as it is"
    return of_network(standing.toll)


def stop_words(standing: Standing) -> str:
    """`29 LayerNormalization, 12 Softmax`; where only the exporter's way of writing stops it, that."""
    if not standing.stops:
        return "nothing" if standing.verdict.startswith(ModelVerdict.COMPLIANT) else "not known"
    own = [stop for stop in standing.stops if not stop.artefact]
    words = ", ".join(f"{stop.places} {printable(stop.what, 60)}" for stop in (own or standing.stops)[:_STOPS])
    more = len(own or standing.stops) - _STOPS
    words += f" and {more} more" if more > 0 else ""
    return words if own else f"only how it was exported: {words}"


def _made(models: tuple[Compared, ...]) -> Iterator[Row]:
    opsets = [
        ", ".join(f"{printable(domain, 40) or 'ai.onnx'} {version}" for domain, version in model.opsets) or "unknown"
        for model in models
    ]
    yield Row("opset", tuple(opsets))
    yield Row("exporter", tuple(model.producer or "not stated" for model in models))
    yield Row("weights", tuple(model.weights or "not stated" for model in models))


def _left(standing: Standing) -> str:
    if standing.after_fix is None:
        return "not computed"
    return " + ".join(map(str, standing.after_fix))


def _sizes(models: tuple[Compared, ...]) -> Iterator[Row]:
    for precision in _precisions(models):
        sizes = [{name: parts for name, *parts in model.sizes}.get(precision, (None, None)) for model in models]
        yield Row(f"weights, {precision}", tuple(amounts.size(weights) for weights, _ in sizes))
        yield Row(f"activations, {precision}", tuple(amounts.size(activations) for _, activations in sizes))


def _precisions(models: tuple[Compared, ...]) -> list[str]:
    return list(dict.fromkeys(precision for model in models for precision, _ in model.traffic))


def _published(models: tuple[Compared, ...]) -> Iterator[Row]:
    yield Row("network", tuple(model.reference.title if model.reference else "-" for model in models))
    yield Row("taken for it, or not, by", tuple(model.reference_by or "-" for model in models))
    subjects = dict.fromkeys(figure.what for model in models if model.reference for figure in model.reference.figures)
    for subject in subjects:
        cells = []
        for model in models:
            figures = model.reference.figures if model.reference else ()
            found = [
                f"{figure.value} {figure.unit}".strip()
                + (f" ({figure.note})" if figure.note else "")
                + f" [{', '.join(source.ref for source in figure.sources)}]"
                for figure in figures
                if figure.what == subject
            ]
            cells.append("; ".join(found) or "-")
        yield Row(f"{subject} (published, other weights)", tuple(cells))


def _measured(models: tuple[Compared, ...]) -> Iterator[Row]:
    keys = dict.fromkeys(
        (part.metric, part.batch, part.precision, part.device, part.versions)
        for model in models
        for part in model.measured
    )
    for key in keys:
        cells = []
        for model in models:
            found = [
                f"{part.value:.10g} {printable(part.unit, 20)}"
                + (f" on {printable(part.date, 20)}" if part.date else "")
                for part in model.measured
                if (part.metric, part.batch, part.precision, part.device, part.versions) == key
            ]
            cells.append("; ".join(found) or "-")
        metric, batch, precision, device, versions = key
        numbered = f"batch {batch}" if batch else ""
        where = [printable(precision, 20), numbered, printable(device, 40), printable(versions, 60)]
        yield Row(f"{printable(metric, 40)} (measured{''.join(f', {part}' for part in where if part)})", tuple(cells))


def _traffic(models: tuple[Compared, ...]) -> Iterator[Row]:
    for precision in _precisions(models):
        for position, batch in enumerate(BATCHES):
            cells = [dict(model.traffic).get(precision) for model in models]
            yield Row(
                f"{precision}, batch {batch}",
                tuple(amounts.size(None if cell is None else cell[position]) for cell in cells),
            )


def _breaches(models: tuple[Compared, ...], position: int) -> Iterator[Row]:
    all_breaches = [breach for model in models for breach in model.standings[position].breaches]
    order = sorted(
        {breach.rule: breach for breach in all_breaches}.values(),
        key=weight,
    )
    for breach in order[: 2 * _RULES]:
        counts = [{one.rule: one.nodes for one in model.standings[position].breaches} for model in models]
        cells = tuple(str(count.get(breach.rule, "-")) for count in counts)
        yield Row(f"{breach.verdict}: {printable(breach.rule, 80)} ({breach.grade})", cells)
    if len(order) > 2 * _RULES:
        yield Row(f"and {len(order) - 2 * _RULES} more rules, in the JSON", tuple("" for _ in models))
    if not order:
        yield Row("nothing", tuple("-" for _ in models))


def _operators(models: tuple[Compared, ...]) -> Iterator[Row]:
    totals: dict[str, int] = {}
    for model in models:
        for operator, count in model.operators:
            totals[operator] = totals.get(operator, 0) + count
    order = sorted(totals, key=lambda operator: (-totals[operator], operator))
    for operator in order[:_OPERATORS]:
        cells = tuple(str(dict(model.operators).get(operator, "-")) for model in models)
        yield Row(printable(operator, 40), cells)
    if len(order) > _OPERATORS:
        rest = [
            sum(count for operator, count in model.operators if operator not in order[:_OPERATORS]) for model in models
        ]
        yield Row(f"{len(order) - _OPERATORS} others", tuple(map(str, rest)))
