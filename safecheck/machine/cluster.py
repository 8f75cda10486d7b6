"""The processes of a cluster that is there already: Dask's client is an executor, and Dask schedules and restarts."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from safecheck.errors import UsageError, pip_install
from safecheck.machine.pool import Engine
from safecheck.text import printable

_SECONDS = 10
_ADDRESS = re.compile(r"[a-z+]+://[^/\s]+:[0-9]{1,5}/?")
_TODO = "give the address of a running scheduler, such as tcp://HOST:8786"


@contextmanager
def cluster(address: str, share: int) -> Iterator[Engine]:
    """The processes of the Dask cluster at an address, each given so many tasks at a time.

    Raises:
        UsageError: Dask is not installed, nobody answers, or the cluster has no process.
    """
    try:
        from distributed import Client
    except ImportError:
        what = "Dask's distributed is not installed"
        raise UsageError("SC-CFG-CLUSTER", "--cluster", what, pip_install("fleet")) from None
    if not _ADDRESS.fullmatch(address):  # Dask would go on about it while the process ends
        raise _refused(address, "this is no address", _TODO)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it means for a run is said in one line
    try:
        client: Any = Client(address, timeout=_SECONDS, set_as_default=False)
    except Exception as error:
        what = f"no cluster answers there ({type(error).__name__})"
        raise _refused(address, what, _TODO) from None
    try:
        workers = sum(client.nthreads().values())
        if not workers:
            raise _refused(address, "the cluster has no worker", "start some")
        yield Engine(workers, share, lambda: _executor(client, address))
    finally:
        client.close()


@contextmanager
def _executor(client: Any, address: str) -> Iterator[Executor]:
    if client.status != "running":
        raise _refused(address, "the cluster is gone", "start it, and go on with --resume")
    executor: Executor = client.get_executor(pure=False)
    yield executor  # where that raises, the client is closed, and the scheduler forgets what it had asked for
    executor.shutdown(wait=True)


def _refused(address: str, what: str, todo: str) -> UsageError:
    return UsageError("SC-ENV-CLUSTER", printable(address.rpartition("@")[2], 200), what, todo)
