"""Facts about plugin layers."""

from __future__ import annotations

from safecheck.ir.signature import UNKNOWN, FactValue, Layer

# NVIDIA/TensorRT v8.6.1, plugin/: the classes of both plugins derive from IPluginV2DynamicExt.
_STANDARD_PLUGINS = {"InstanceNormalization": "IPluginV2DynamicExt", "RoiAlign": "IPluginV2DynamicExt"}


def plugin_interface(layer: Layer) -> FactValue:
    """Interface of the plugin that carries out the node; UNKNOWN for anything but NVIDIA's own two parser plugins."""
    if layer.type != "IPluginV2Layer":
        return UNKNOWN
    return _STANDARD_PLUGINS.get(layer.node.op_type, UNKNOWN)
