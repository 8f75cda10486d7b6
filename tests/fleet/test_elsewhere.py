"""Models in an S3 store, and processes of a Dask cluster: the same verdicts in the same bytes as here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import pytest
from case_files import model_from_text
from workflow_repo import ALLOWED, FORBIDDEN, UNPROVEN

for _name in ("distributed", "moto", "s3fs"):
    pytest.importorskip(_name, reason="needs the extra `clusters`")

pytestmark = pytest.mark.slow
SECRET = "s3cr3t-k3y"


def command(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "safecheck", "audit", "--isolated", *map(str, arguments)], cwd=cwd, text=True,
        capture_output=True, timeout=300, env={**os.environ, "SAFECHECK_CACHE_DIR": str(cwd / "kept"), **environment},
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    assert SECRET not in done.stdout + done.stderr
    return done


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    for number, text in enumerate((ALLOWED, FORBIDDEN, UNPROVEN) * 4):
        model = model_from_text(text)
        model.doc_string = str(number)
        onnx.save(model, folder / f"{number:02}.onnx")
    model = model_from_text("(float[1,64,8,8] x) => (y) <float[64,64,1,1] w> { y = Conv(x, w) }")
    del model.graph.initializer[:]
    weights = np.zeros((64, 64, 1, 1), np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weights, "w"))
    onnx.save(model, folder / "weights.onnx", save_as_external_data=True, location="data.bin", size_threshold=0)
    (folder / "broken.onnx").write_bytes(b"")
    return folder


@pytest.fixture
def store(models: Path) -> Iterator[dict[str, str]]:
    """The environment in which `s3://bucket/models` holds the models, in a real server on this machine."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _, port = server.get_host_and_port()
    environment = {
        "AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }  # fmt: skip
    import boto3

    client = boto3.client(
        "s3", endpoint_url=environment["AWS_ENDPOINT_URL"], region_name="us-east-1", aws_access_key_id="me",
        aws_secret_access_key=SECRET,
    )  # fmt: skip
    client.create_bucket(Bucket="bucket")
    for file in models.iterdir():
        client.upload_file(str(file), "bucket", f"models/{file.name}")
    yield environment
    server.stop()


def test_models_in_a_store_have_the_verdicts_that_they_have_here(
    tmp_path: Path, models: Path, store: dict[str, str]
) -> None:
    here = command("models", "--output", "jsonl", "--no-cache", cwd=tmp_path)
    there = command("s3://bucket/models", "--output", "jsonl", "--no-cache", "-j", 2, cwd=tmp_path, **store)
    assert there.stdout == here.stdout.replace('"models/', '"s3://bucket/models/')
    assert there.returncode == here.returncode == 1
    assert there.stderr == here.stderr.replace("models/broken", "s3://bucket/models/broken")
    assert there.stdout.count("\n") == 14


def test_a_store_is_asked_for_nothing_that_is_known(tmp_path: Path, models: Path, store: dict[str, str]) -> None:
    first = command("s3://bucket/models", "--output", "json", "-v", cwd=tmp_path, **store)
    second = command("s3://bucket/models", "--output", "json", "-v", cwd=tmp_path, **store)
    assert first.stdout == second.stdout
    assert "0 of 14 verdicts" in first.stderr
    assert "13 of 14 verdicts" in second.stderr


def test_what_cannot_be_fetched_is_one_line_without_secrets(tmp_path: Path, store: dict[str, str]) -> None:
    done = command("s3://bucket/no.onnx", cwd=tmp_path, **store)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
    done = command(f"https://me:{SECRET}@127.0.0.1:9/a.onnx?sig={SECRET}", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr


def test_a_cluster_says_the_same(tmp_path: Path, models: Path) -> None:
    from distributed import LocalCluster

    environment = {"SAFECHECK_CACHE_DIR": str(tmp_path / "kept")}
    one = command("models", "--output", "jsonl", "--no-cache", "-j", 1, cwd=tmp_path)
    two = command("models", "--output", "jsonl", "--no-cache", "-j", 2, cwd=tmp_path)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        three = command("models", "--output", "jsonl", "--no-cache", "--cluster", address, cwd=tmp_path, **environment)
    assert (one.stdout, one.stderr, one.returncode) == (two.stdout, two.stderr, two.returncode)
    assert (one.stdout, one.stderr, one.returncode) == (three.stdout, three.stderr, three.returncode)


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1:9"])
def test_no_cluster_is_one_line(tmp_path: Path, models: Path, address: str) -> None:
    done = command("models", "--cluster", address, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_server_that_goes_away_costs_the_models_that_it_has_not_sent(tmp_path: Path, models: Path, jobs: int) -> None:
    asked = []

    class Leaving(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if len(asked) == 17:  # one for each model to find it, and five to read some
                server.socket.close()  # whoever comes now is refused
            super().do_GET()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Leaving, directory=str(models)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    names = [f"{number:02}.onnx" for number in range(12)]
    urls = [f"http://me:{SECRET}@127.0.0.1:{server.server_port}/{name}" for name in names]
    done = command(*urls, "--output", "jsonl=out.jsonl", "-j", jobs, "--no-cache", cwd=tmp_path)
    here = command(*(f"models/{name}" for name in names), "--output", "jsonl", "--no-cache", cwd=tmp_path)
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    expected = [json.loads(line)["exit_code"] for line in here.stdout.splitlines()]
    codes = [one["exit_code"] for one in found]
    read = [number for number, one in enumerate(found) if one["error"] is None]
    assert 0 < len(read) < len(names)
    assert [codes[number] for number in read] == [expected[number] for number in read]
    assert {one["error"]["code"] for one in found if one["error"] is not None} == {"SC-IO-READ"}
    assert {codes[number] for number in range(12) if number not in read} == {3}
    assert sum(line.startswith("error[SC-IO-READ]") for line in done.stderr.splitlines()) == len(names) - len(read)
