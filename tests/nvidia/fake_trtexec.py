"""Executables that behave like trtexec, well or badly."""

from __future__ import annotations

import sys
from pathlib import Path

HEAD = """
import os, signal, sys, time
ARGS = dict(part.partition("=")[::2] for part in sys.argv[1:])
CODE = {code}
LINE = "&&&& {{}} TensorRT.trtexec [TensorRT v" + str(CODE) + "] # " + " ".join(sys.argv)

def say(text):
    print("[11/26/2026-10:00:00] " + text, flush=True)

def begin(restricted=None):
    print(LINE.format("RUNNING"), flush=True)
    on = lambda name: "Enabled" if name in ARGS else "Disabled"
    say("[I] === Build Options ===")
    say("[I] Precision: FP32" + ("+FP16" if "--fp16" in ARGS else ""))
    say("[I] Safe mode: " + on("--safe"))
    say("[I] Build DLA standalone loadable: " + on("--buildDLAStandalone"))
    say("[I] DirectIO mode: " + on("--directIO"))
    say("[I] Restricted mode: " + (restricted or on("--restricted")))
    say("[I] Selected Device: Orin")

def engine(content=b"engine" * 100, said=None):
    with open(ARGS["--saveEngine"], "wb") as file:
        file.write(content)
    say("[I] Created engine with size: %g MiB" % ((said or len(content)) / 2**20))
    if "--exportLayerInfo" in ARGS:
        with open(ARGS["--exportLayerInfo"], "w") as file:
            file.write('{{"Layers": ["conv"]}}')
    say("[I] Engine built in 1.5 sec.")

def end(word="PASSED"):
    print(LINE.format(word), flush=True)
    sys.exit(0 if word == "PASSED" else 1)

if "--help" in ARGS:
    begin()
    print("  --buildOnly  Exit after the engine has been built\\n  --restricted  Enable safety scope checking")
    end()
"""


def trtexec(folder: Path, body: str, code: int = 8611, name: str = "trtexec") -> Path:
    """An executable of that body; `code` is NV_TENSORRT_VERSION."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{HEAD.format(code=code)}\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


SUCCESS = "begin(); engine(); end()"
REFUSAL = """
begin()
say("[E] Error[4]: Error Code 4: Internal Error (Layer {layer} failed DriveOS 6.0 safety scope validation)")
say("[E] Engine could not be created from network")
say("[E] Engine set up failed")
end("FAILED")
"""
