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


def interface(kind: str) -> str:
    """The interface of a type of layer."""
    return _INTERFACES.get(kind, f"I{kind.title().replace('_', '')}Layer")


def label(trt: Any, layer: Any) -> str:
    """Interface and kind of a layer of `trt`, the vendor's module; the object is turned into that interface."""
    name = interface(layer.type.name)
    if name not in _KINDS:
        return name
    layer.__class__ = getattr(trt, name)
    kind = f"k{getattr(layer, _KINDS[name]).name}"
    return name if kind in _PLAIN_KINDS else f"{name}:{kind}"
