"""A journal of an earlier run is read without holding its lines, and what is too long in it is audited again."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

from safecheck.workflow.journal import HEAD, Journal


def test_a_line_of_any_length_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    record = json.dumps({"verdict": "compliant", "more": "x" * 200_000}).encode()
    with path.open("wb") as file:
        file.write(HEAD + b"before " + record + b"\n" + b"long ")
        file.seek(300 << 20, 1)  # a hole, which takes no room
        file.write(b"\nwithout-a-record\n" + b"k" * (1 << 20) + b" {}\nafter " + record + b"\n" + b"cut ")
        size = file.tell()
        file.seek(20 << 20, 1)
        file.write(b"{")
    tracemalloc.start()
    try:
        with Journal(str(path), resume=True) as journal:
            peak = tracemalloc.get_traced_memory()[1]
            kept = journal.get("before"), journal.get("long"), journal.get("without-a-record"), journal.get("after")
            assert path.stat().st_size == size - len(b"cut "), "what was not written to its end is gone"
    finally:
        tracemalloc.stop()
    assert kept == (json.loads(record), None, None, json.loads(record))
    assert peak < 4 << 20
