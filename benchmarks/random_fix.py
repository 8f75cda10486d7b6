"""`fix` on random networks: a file that is written computes what the original computes, as far as its claims go.

    python benchmarks/random_fix.py [--models 5000] [--first SEED] [--keep FOLDER]

`tests/random_networks.py` makes the networks from a seed: data movement, arithmetic, masks with infinities,
functions with defaults, files of IR version 3, conversions of the operator set. What is written is run against the
original by `tests/agreement_of_models.py`, which shares nothing with the comparison that `fix` makes itself, on samples
whose values lie where the report says that the bounds hold (`tests/stated_ranges.py` asks the original).
Exit code 1 if anything differs, or if a model ends in another exception than those that a user is told.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import onnx
from agreement_of_models import disagreement
from random_networks import random_network
from stated_ranges import Within, stated

from safecheck.errors import SafecheckError
from safecheck.rewrite.algebra.rounding import LARGEST
from safecheck.rulebook.load import profile
from safecheck.usecases.fix import Request, fix

PROFILES = ("tensorrt-8.6-restricted", "tensorrt-10-safety")


def outcome(seed: int, folder: Path) -> tuple[str, str]:
    """What became of one network: a word for the tally, and what is wrong with it, if anything."""
    model, opset = random_network(seed)
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception:
        return "no valid network", ""
    before, after = folder / "before.onnx", folder / "after.onnx"
    before.write_bytes(model.SerializeToString())
    after.unlink(missing_ok=True)
    book = profile(PROFILES[seed % 5 == 0])
    try:
        fixed = fix(str(before), str(after), book, Request(opset=opset))
    except SafecheckError as refusal:
        return f"refused {refusal.code}", "" if not after.exists() else "refused, and written"
    except Exception:
        return "crash", traceback.format_exc(limit=-3)
    word = "left alone" if not fixed.applied else "rewritten" if fixed.whole and fixed.whole.ran else "not compared"
    try:
        original, ranges = before.read_bytes(), stated(fixed.applied)
        proofs = [step.proof for step in fixed.applied if step.proof is not None]
        limited = any(proof.ranges or LARGEST in proof.caveats for proof in proofs)
        claimed = Within(original, ranges) if ranges else lambda _: True
        return word, disagreement(original, after.read_bytes(), extreme=not limited, claimed=claimed)
    except Exception:
        return "crash", traceback.format_exc(limit=-3)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first network")
    parser.add_argument("--keep", type=Path, help="folder for networks that went wrong")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    counts: Counter[str] = Counter()
    wrong = 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        for seed in range(given.first, given.first + given.models):
            word, problem = outcome(seed, Path(place))
            counts[word] += 1
            if not counts.total() % 100:
                print(f"{counts.total()} networks, {wrong} wrong", file=sys.stderr, flush=True)
            if problem:
                wrong += 1
                print(f"{seed}: {problem}", flush=True)
                if given.keep:
                    given.keep.mkdir(exist_ok=True)
                    (Path(place) / "before.onnx").replace(given.keep / f"{seed}.onnx")
    for word, count in counts.most_common():
        print(f"{count:>6} {word}")
    print(f"{wrong:>6} wrong, in {time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
