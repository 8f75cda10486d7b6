"""What `--help` shows at its end: command lines that can be typed as they are, for every command."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "": (
        "safecheck audit model.onnx",
        "safecheck fix model.onnx -o fixed.onnx",
        "safecheck profiles",
    ),
    "attest": ("safecheck attest model.onnx --output intoto=statement.json --output cyclonedx=bom.json",),
    "audit": (
        "safecheck audit model.onnx",
        "safecheck audit models/ --profile tensorrt-8.6 --profile tensorrt-10",
        "safecheck audit model.onnx --plan --output html=report.html",
    ),
    "baseline": ("safecheck baseline write models/ -o baseline.json",),
    "baseline write": (
        "safecheck baseline write models/ -o baseline.json",
        "safecheck audit models/ --baseline baseline.json",
    ),
    "baseline prune": ("safecheck baseline prune baseline.json",),
    "bench": ("safecheck bench model.onnx --batch 1,4 -o measured.json",),
    "build": (
        "safecheck build model.onnx --plan",
        "safecheck build model.onnx --trtexec ./trtexec",
        "safecheck build model.onnx --import build.log model.engine",
    ),
    "compare": ("safecheck compare csa.onnx swin.onnx --profile tensorrt-8.6 -o report.html",),
    "completion": ('eval "$(safecheck completion bash)"',),
    "config": ("safecheck config show --origin",),
    "config show": ("safecheck config show --origin",),
    "deviations": ("safecheck deviations check deviations.yaml",),
    "deviations new": ("safecheck deviations new model.onnx --rule softmax -o deviations.yaml",),
    "deviations check": ("safecheck deviations check deviations.yaml",),
    "deviations list": ("safecheck deviations list deviations.yaml",),
    "diff": ("safecheck diff old.onnx new.onnx",),
    "evidence": ("safecheck evidence model.onnx -o bundle.zip",),
    "explain": ("safecheck explain SC-LIM-TIME", "safecheck explain resize-sizes"),
    "fix": (
        "safecheck fix model.onnx -o fixed.onnx",
        "safecheck fix model.onnx -o fixed.onnx --batch 1 --output html=fix.html",
        "safecheck fix model.onnx --dry-run --diff",
    ),
    "fleet": (
        "safecheck audit models/ --profile tensorrt-8.6 --profile tensorrt-10 --output jsonl=results.jsonl",
        "safecheck fleet results.jsonl --output html=fleet.html",
    ),
    "graph": (
        "safecheck graph model.onnx -o graph.graphml",
        "safecheck graph model.onnx --format dot --around node_mean --hops 3",
    ),
    "help": ("safecheck help", "safecheck help exit-codes"),
    "hook": ("safecheck hook -- model.onnx weights.bin",),
    "ledger": ("safecheck ledger check",),
    "ledger add": ("safecheck ledger add report.json --by 'A. Person'",),
    "ledger check": ("safecheck ledger check",),
    "ledger log": ("safecheck ledger log model.onnx",),
    "probe": ("safecheck probe model.onnx -o measured.yaml --profile tensorrt-10",),
    "profiles": ("safecheck profiles", "safecheck audit model.onnx --profile tensorrt-8.6@8.6.12"),
    "quantize": ("safecheck quantize model.onnx --images calibration/ -o int8.onnx",),
    "rules": ("safecheck rules list --op Resize", "safecheck rules show resize-sizes"),
    "rules diff": ("safecheck rules diff tensorrt-8.6-restricted tensorrt-10-safety --model model.onnx",),
    "rules explain": ('safecheck rules explain "ReduceLayer not supported"',),
    "rules facts": ("safecheck rules facts",),
    "rules init": ("safecheck rules init -o ours.yaml",),
    "rules lint": ("safecheck rules lint ours.yaml",),
    "rules list": ("safecheck rules list --op Resize", "safecheck rules list --summary"),
    "rules show": ("safecheck rules show resize-sizes",),
    "selftest": ("safecheck selftest", "safecheck selftest --profile tensorrt-8.6"),
    "verify": ("safecheck verify report.json model.onnx",),
    "zoo": ("safecheck zoo list", "safecheck zoo export csa-tiny -o csa.onnx"),
    "zoo export": (
        "safecheck zoo export csa-tiny -o csa.onnx",
        "safecheck zoo export swin-tiny -o swin.onnx --exporter torchscript",
    ),
    "zoo list": ("safecheck zoo list --output json",),
}
"""Words of a command behind `safecheck` -> its examples."""


def epilog(command: str) -> str:
    """The examples of a command as click shows them: each on a line of its own."""
    shown = EXAMPLES.get(command, ())
    lines = [line if len(line) <= _WIDTH else line.replace(" --", " \\\n    --", 1) for line in shown]
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


_WIDTH = 74
