"""A child that stands in for the vendor's check, well-behaved or not: `python fake.py BEHAVIOUR MODEL`.

It stands in for the comparison of the vendor's network with the file as well: `python fake.py BEHAVIOUR MODEL FILE`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

GOOD = {"version": "1.4.0.76", "library": "", "messages": [], "layers": [], "scope": "INSIDE"}
LIMIT = "Error Code: 4: \n[LayerKernelLimit] [I] Validating x\n[LayerKernelLimit] [E] [19,19] is not within [1, 18]"
CLOSING = (
    "IBuilder::isNetworkSupported: Error Code 4: API Usage Error (failed safety scope validation, please check the "
    "logs from error recorder for more details. In validateSafetyScope at network.cpp:4060)"
)


def told(*messages: str) -> dict[str, object]:
    layers = [["s", "[ONNX Layer: s]", "IActivationLayer:kSIGMOID"], ["m_0", "[ONNX Layer: m]", "IReduceLayer:kAVG"]]
    return {**GOOD, "scope": "REFUSED", "messages": [*messages, CLOSING], "layers": layers}


def refused(layer: str) -> str:
    return f'Error Code: 4: Layer {{Reduce}} "{layer}" failed safety scope validation'


OTHERWISE = {
    "tensor": "y", "sample": "zeros", "layer": "m_0", "metadata": "[ONNX Layer: m]", "parameters": "REDUCE axes=0b1100",
    "file": "1.0 at [0]", "network": "2.0 at [0]", "error": 1.0,
}  # fmt: skip
ANSWERS: dict[str, object] = {
    "inside": GOOD,
    "refuses-first": told(refused("s")),
    "refuses-second": told(LIMIT, refused("m_0")),
    "refuses-both": told(refused("s"), LIMIT, refused("m_0")),
    "refuses-io": told("Error Code: 4: Network IO tensors are not in safety scope."),
    "refuses-nothing-known": told(refused("never made")),
    "refuses-in-other-words": told("something new"),
    "refuses-without-words": told(),
    "skips": {**GOOD, "scope": "UNCHECKED", "messages": ["Safety scope validation skipped for dynamic shapes"]},
    "invalid": {**GOOD, "scope": "INVALID", "messages": ["no outputs"]},
    "unparsed": {**GOOD, "scope": "UNPARSED", "errors": [["m", "Det: false"]], "positions": [1]},
    "unparsed-unnamed": {**GOOD, "scope": "UNPARSED", "errors": [["", "Det: false"]], "positions": [1]},
    "unparsed-nowhere": {**GOOD, "scope": "UNPARSED", "errors": [["", "no type"]], "positions": [-1]},
    "unparsed-plugin": {
        **GOOD,
        "scope": "UNPARSED",
        "errors": [["m", "X: Op type X is not supported in TensorRT-RTX."]],
        "positions": [1],
    },
    "same": {"status": "same", "reason": "", "samples": ["normal"], "compared": 2, "outputs": [["y", 0.5]]},
    "different": {
        "status": "different",
        "reason": "",
        "samples": ["normal"],
        "compared": 2,
        "differences": [OTHERWISE],
    },
    "undecided": {
        "status": "undecided",
        "reason": "NMS 'n': unknown",
        "missing": [["NMS", "n", "[ONNX Layer: m]", "w"]],
    },
    "different-in-nothing": {"status": "different", "reason": ""},
    "same-and-different": {"status": "same", "reason": "", "differences": [OTHERWISE]},
    "garbage-positions": {**GOOD, "scope": "UNPARSED", "errors": [["", "no type"]], "positions": []},
    "failed": {"scope": "CRASHED", "messages": ["MemoryError: "]},
    "other-version": {**GOOD, "version": "1.5.0.114"},
    "no-version": {**GOOD, "version": ""},
    "garbage-shape": {**GOOD, "layers": [["one"]]},
    "garbage-scope": {**GOOD, "scope": "PASS"},
    "garbage-list": [],
    "garbage-messages": {**GOOD, "messages": [1]},
}


def main(behaviour: str, *rest: str) -> None:
    if "--describe" in rest:
        with open(rest[rest.index("--describe") + 1], "wb") as file:
            file.write(b"a network")
    if behaviour == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif behaviour == "answers-then-crashes":
        print(json.dumps(GOOD), flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    elif behaviour == "answers-then-fails":
        print(json.dumps(GOOD), flush=True)
        sys.exit(3)
    elif behaviour == "hang":
        time.sleep(600)
    elif behaviour == "answers-then-hangs":
        print(json.dumps(GOOD), flush=True)
        time.sleep(600)
    elif behaviour == "garbage":
        sys.stdout.buffer.write(b"\xff\x00 in scope")
    elif behaviour == "cut":
        print(json.dumps(GOOD)[:-5])
    elif behaviour == "twice":
        print(json.dumps(GOOD) * 2)
    elif behaviour == "deep":
        print("[" * 1_000_000)
    elif behaviour == "huge":
        while True:
            os.write(1, b"x" * (1 << 20))
    elif behaviour == "greedy":
        print(len(bytearray(6 << 30)))
    elif behaviour != "silent":
        print(json.dumps(ANSWERS[behaviour]))


if __name__ == "__main__":
    main(*sys.argv[1:])
