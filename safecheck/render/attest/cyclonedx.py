"""A CycloneDX 1.6 ML-BOM: the model and its weights, a model card, and a declaration of conformance with evidence.

The library writes the components. Model card and declarations are the specification's own fields, which it does not
know yet (its release 11): they are added to the document, and the tests hold the whole against the schema.
"""

from __future__ import annotations

from typing import Any

from safecheck import __version__
from safecheck.audit.audit import Audit
from safecheck.audit.decisions import Deviation
from safecheck.audit.report import Report
from safecheck.finding import Finding
from safecheck.ir.signature import Tensor
from safecheck.render.audit.json import shown_path
from safecheck.render.bom import Piece, content
from safecheck.render.json_text import dumped
from safecheck.text import printable

_MODEL, _ASSESSOR, _STANDARD = "model", "safecheck", "rulebook"
_IS_NOT = (
    "The verdict is a necessary check before a build, not the build: the vendor's builder and checkers decide.",
    "Nothing is claimed about what the network is good for: accuracy, robustness and backdoors are not looked at.",
)


def document(report: Report) -> str:
    """The bill of materials, unsigned: equal reports give equal bytes, so it has no time and its number is a digest's.

    Raises:
        UsageError: the library is missing.
    """
    assert report.model is not None
    model = report.model
    about = Piece("machine-learning-model", _MODEL, printable(shown_path(report.path)), model.sha256, model.sha256[:16])
    weights = [
        Piece("data", f"weights-{at}", printable(file.path), file.sha256) for at, file in enumerate(model.external_data)
    ]
    found = content(weights, _identity(report), about)
    found["metadata"]["component"]["modelCard"] = _card(report)
    found["definitions"] = {"standards": [_standard(report)]}
    found["declarations"] = _declarations(report)
    return dumped(found)


def _identity(report: Report) -> str:
    assert report.model is not None
    parts = [report.model.sha256, *(file.sha256 for file in report.model.external_data), report.profile.sha256]
    return ":".join([*parts, *report.decisions.files, str(report.verdict), __version__])


def _card(report: Report) -> dict[str, Any]:
    assert report.model is not None
    main, tensors = report.model.proto.graph, report.model.graph.scopes[0].tensors
    fed = [value.name for value in main.input if tensors[value.name].network_input]
    quantities = {
        "nodes": len(_audited(report).nodes),
        "parameters": report.model.parameters,
        "multiply-accumulate operations": _audited(report).macs,
    }
    return {
        "modelParameters": {
            "inputs": [{"format": _value(name, tensors[name])} for name in fed],
            "outputs": [{"format": _value(value.name, tensors[value.name])} for value in main.output],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {"type": name, "value": str(value)} for name, value in quantities.items() if value is not None
            ]
        },
        "considerations": {"technicalLimitations": [*_IS_NOT, *(part.text for part in report.profile.assumptions)]},
    }


def _value(name: str, tensor: Tensor) -> str:
    """Name, element type and shape of a network input or output."""
    sizes = ", ".join("?" if size is None else str(size) for size in tensor.shape or ())
    return printable(f"{name}: {tensor.dtype or 'no tensor'}{'' if tensor.shape is None else f'[{sizes}]'}")


def _standard(report: Report) -> dict[str, Any]:
    """The profile as a standard, each rule that spoke about the model as a requirement of it."""
    book = report.profile
    titles = {rule.id: rule.title for rule in (*book.rules, *book.defects)}
    return {
        "bom-ref": _STANDARD,
        "name": book.title,
        "version": f"{book.version}, SHA-256 {book.sha256}",
        "description": f"{book.name}: {', '.join(f'{key} {value}' for key, value in book.target.items())}",
        "requirements": [
            {"bom-ref": f"rule-{rule}", "identifier": rule, "title": titles.get(rule, rule)} for rule in _rules(report)
        ],
    }


def _rules(report: Report) -> list[str]:
    spoken = {allowance.rule for allowance in _audited(report).allowances} | {part.rule for part in report.findings}
    return sorted(spoken)


def _declarations(report: Report) -> dict[str, Any]:
    """For each rule one claim: what allowed nodes is evidence, a finding is counter-evidence, a deviation mitigates."""
    evidence: list[dict[str, Any]] = []

    def kept(entry: dict[str, Any]) -> str:
        evidence.append(entry)
        return str(entry["bom-ref"])

    claims, attested = [], []
    for rule in _rules(report):
        found = [finding for finding in report.findings if finding.rule == rule]
        records = {record.id: record for part in found if (record := report.decisions.deviated.get(part.fingerprint))}
        open_ones = [finding for finding in found if finding.fingerprint not in report.decisions.deviated]
        nodes = sum(part.nodes for part in _audited(report).allowances if part.rule == rule)
        mitigation = [kept(_mitigation(rule, record)) for _, record in sorted(records.items())]
        claims.append(
            {
                "bom-ref": f"claim-{rule}",
                "target": _MODEL,
                "predicate": f"No node of the model breaks the rule {rule}.",
                "mitigationStrategies": mitigation,
                "evidence": [kept(_allowance(rule, nodes))] if nodes else [],
                "counterEvidence": [kept(_finding(at, finding)) for at, finding in enumerate(found)],
            }
        )
        rationale = f"{nodes} nodes allowed, {len(found)} findings, {len(found) - len(open_ones)} of them deviated"
        conformance = {"score": 0 if open_ones else 1, "rationale": rationale, "mitigationStrategies": mitigation}
        attested.append({"requirement": f"rule-{rule}", "claims": [f"claim-{rule}"], "conformance": conformance})
    counts = ", ".join(f"{count} {name}" for name, count in report.coverage.items() if name != "total" and count)
    organization = {"name": f"safecheck {__version__}, a program that runs where the model is developed"}
    return {
        "assessors": [{"bom-ref": _ASSESSOR, "thirdParty": False, "organization": organization}],
        "attestations": [{"summary": f"{report.verdict}: {counts}", "assessor": _ASSESSOR, "map": attested}],
        "claims": claims,
        "evidence": evidence,
    }


def _audited(report: Report) -> Audit:
    assert report.audit is not None
    return report.audit


def _finding(at: int, finding: Finding) -> dict[str, Any]:
    place = finding.location
    facts = "; ".join(f"{part.fact} is {part.actual}, limit: {part.limit}" for part in finding.evidence)
    where = f"{place.scope or 'main graph'}[{place.index}] {place.node} {place.op_type}"
    return {
        "bom-ref": f"finding-{finding.rule}-{at}",
        "propertyName": "safecheck:finding",
        "description": printable(f"{finding.verdict}: {finding.message}; fingerprint {finding.fingerprint}", 1000),
        "data": [
            {
                "name": printable(where, 500),
                "contents": {"attachment": {"contentType": "text/plain", "content": printable(facts, 2000)}},
            }
        ],
    }


def _allowance(rule: str, nodes: int) -> dict[str, Any]:
    return {
        "bom-ref": f"allowance-{rule}",
        "propertyName": "safecheck:allowance",
        "description": f"The rule allows {nodes} nodes.",
    }


def _mitigation(rule: str, record: Deviation) -> dict[str, Any]:
    text = f"{record.id}, approved by {record.approved_by} on {record.approved_on} until {record.expires_on}: "
    return {
        "bom-ref": f"deviation-{rule}-{record.id}",
        "propertyName": "safecheck:deviation",
        "description": printable(f"{text}{record.rationale} Mitigation: {record.mitigation}", 4000),
    }
