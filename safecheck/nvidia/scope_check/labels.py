"""What the vendor's layers are called here: `IReduceLayer:kAVG`, as in a lowering table."""

from __future__ import annotations

from typing import Any

# Interface of a layer type, where it is not the name in camel case, and the property that tells its kind.
_INTERFACES = {
    "CONDITIONAL_INPUT": "IIfConditionalInputLayer",
    "CONDITIONAL_OUTPUT": "IIfConditionalOutputLayer",
    "ELEMENTWISE": "IElementWiseLayer",
    "KV_CACHE_UPDATE": "IKVCacheUpdateLayer",
    "LRN": "ILRNLayer",
    "NMS": "INMSLayer",
    "PARAMETRIC_RELU": "IParametricReLULayer",
    "SOFTMAX": "ISoftMaxLayer",
    "TOPK": "ITopKLayer",
}
_KINDS = {
    "IActivationLayer": "type",
    "ICumulativeLayer": "op",
    "IElementWiseLayer": "op",
    "IFillLayer": "operation",
    "IGatherLayer": "mode",
    "IPoolingLayer": "type",
    "IReduceLayer": "op",
    "IScaleLayer": "mode",
    "IScatterLayer": "mode",
    "ISliceLayer": "mode",
    "ITopKLayer": "op",
    "ITripLimitLayer": "kind",
    "IUnaryLayer": "op",
}
_PLAIN_KINDS = frozenset({"kDEFAULT", "kSTRICT_BOUNDS"})  # the tables name the others only


def label(trt: Any, layer: Any) -> str:
    """Interface and kind of a layer of `trt`, the vendor's module; the object is turned into that interface."""
    name = layer.type.name
    interface = _INTERFACES.get(name, f"I{name.title().replace('_', '')}Layer")
    if interface not in _KINDS:
        return interface
    layer.__class__ = getattr(trt, interface)
    kind = f"k{getattr(layer, _KINDS[interface]).name}"
    return interface if kind in _PLAIN_KINDS else f"{interface}:{kind}"
