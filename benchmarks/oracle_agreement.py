"""How often the profile `tensorrt-10-safety` and NVIDIA's own safety-scope check agree, family by family.

    pip install -e '.[test,oracle]'
    python benchmarks/oracle_agreement.py [--corpus FOLDER] [--random N] [--backend] [--list OUTCOME]

`undecided` models are not counted as agreement: the parser refused them, or the check skipped its validation.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "oracle"))

from agreement import Outcome, backend_cases, compare, corpus_cases, table  # noqa: E402
from scope_check import scope_check  # noqa: E402
from scope_models import Case, cases, random_model  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=ROOT / "tests" / "corpus" / "data", help="folder of exports")
    parser.add_argument("--random", type=int, default=100, help="random networks of each size")
    parser.add_argument("--backend", action="store_true", help="ONNX's own node models as well")
    parser.add_argument("--list", choices=[outcome.value for outcome in Outcome], help="print these models")
    options = parser.parse_args()
    try:
        ask = scope_check()
    except ImportError as reason:
        print(f"the check is not installed: {reason}", file=sys.stderr)
        return 2
    sizes = range(options.random)
    chosen: list[Iterable[Case]] = [cases()]
    chosen += [[Case(f"random, {layers} layers", str(n), random_model(n, layers)) for n in sizes] for layers in (1, 10)]
    if options.corpus.is_dir():
        chosen.append(corpus_cases(options.corpus))
    if options.backend:
        chosen.append(backend_cases())
    start = time.perf_counter()
    compared = [compare(ask, case) for case in chain.from_iterable(chosen)]
    seconds = time.perf_counter() - start
    columns = [outcome.value for outcome in Outcome]
    print(f"{'family':22}" + "".join(f"{column:>13}" for column in columns))
    for family, counts in table(compared).items():
        print(f"{family:22}" + "".join(f"{counts[column]:13}" for column in columns))
    print(f"{len(compared)} models in {seconds:.0f} s")
    for one in compared:
        if one.outcome.value == options.list:
            print(one)
    return 1 if any(one.outcome is Outcome.DANGEROUS for one in compared) else 0


if __name__ == "__main__":
    sys.exit(main())
