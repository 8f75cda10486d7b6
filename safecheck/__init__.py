"""safecheck: would TensorRT's restricted mode build this ONNX model, and if not, why not."""

__version__ = "0.1.0"
