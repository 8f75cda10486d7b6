"""From a file on disk to a parsed model whose large tensors never enter memory."""
