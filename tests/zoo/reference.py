"""What the tests of the zoo share."""

from __future__ import annotations

from typing import Any

import numpy as np


def settled(network: Any, shape: tuple[int, ...]) -> Any:
    """Give every BatchNorm the statistics of one random batch, and return the network in inference mode.

    Fresh statistics let the activations fade to nothing, and comparing zeros proves nothing.
    """
    import torch

    norms = [part for part in network.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.rand((4, *shape[1:]), generator=torch.Generator().manual_seed(2)))
    return network.eval()


def answers(data: bytes, network: Any, image: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Outputs of onnxruntime and of torch for the same image."""
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"input": image.numpy()})
    with torch.no_grad():
        return found, network(image).numpy()
