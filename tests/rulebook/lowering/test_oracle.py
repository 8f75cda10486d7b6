"""The lowering table of TensorRT 10.15 against NVIDIA's own parser of that generation, on ONNX's node tests.

Compared are the types and kinds of layers and their number, for every model of one node. Constants are left out:
whether a helper value becomes a constant says nothing about the operator. Layers that the table gives with a count
other than one are compared by presence.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from functools import cache

import pytest
from rulebook.lowering import oracle


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RELEASE = "onnx-tensorrt-10.15"
AGREEING = words(
    """Abs Acos Acosh Adagrad Adam Add AffineGrid And ArgMax ArgMin ArrayFeatureExtractor Asin Asinh Atan Atanh
    Attention AveragePool BatchNormalization Bernoulli Binarizer BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr
    BitwiseXor BlackmanWindow Cast CastLike CausalConvWithState Ceil Celu CenterCropPad Col2Im Compress Concat
    Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumProd CumSum DFT DepthToSpace
    DequantizeLinear Det Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten
    FlexAttention Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater
    GridSample GroupNormalization HammingWindow HannWindow HardSigmoid HardSwish Hardmax Identity If ImageDecoder
    InstanceNormalization IsInf IsNaN LRN LSTM LabelEncoder LayerNormalization LeakyRelu Less LinearAttention Log
    LogSoftmax Loop LpNormalization LpPool MatMul MatMulInteger Max MaxPool MaxUnpool Mean MeanVarianceNormalization
    MelWeightMatrix Min Mish Mod Momentum Mul Neg NegativeLogLikelihoodLoss NonMaxSuppression NonZero Not OneHot
    OptionalGetElement OptionalHasElement Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization
    RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
    ReduceSum ReduceSumSquare RegexFullMatch Relu Reshape Resize ReverseSequence RotaryEmbedding Round STFT Scan
    Scatter ScatterND Selu SequenceInsert SequenceMap Shrink Sigmoid Sign Sin Sinh Size Slice Softmax
    SoftmaxCrossEntropyLoss Softplus Softsign SpaceToDepth Split SplitToSequence Sqrt Squeeze StringConcat
    StringNormalizer StringSplit Sub Sum SwiGLU Swish Tan Tanh TensorScatter TfIdfVectorizer ThresholdedRelu Tile
    TopK Transpose TreeEnsemble Trilu Unique Unsqueeze Upsample Where Xor"""
)
# Operator: how many cases differ, and why.
DIFFERENCES = {
    "DeformConv": (8, "a plugin, which the measured package does not have"),
    "GreaterOrEqual": (1, "UINT8: the network refuses the first comparison, the parser then trips over the second"),
    "LessOrEqual": (1, "UINT8: as GreaterOrEqual"),
    "RoiAlign": (6, "a plugin, which the measured package does not have"),
    "ScatterElements": (8, "a reduction is a plugin, which the measured package does not have"),
    "Shape": (2, "start and end that keep everything add no Slice; no fact says so"),
}


@cache
def parser() -> oracle.Parse:
    try:
        return oracle.parser()
    except ImportError as error:
        pytest.skip(f"NVIDIA's parser is not installed: {error}")


def outcomes(wanted: Callable[[oracle.Case], bool]) -> list[oracle.Outcome]:
    return list(oracle.compare(oracle.table(RELEASE), parser(), wanted))


def check(found: list[oracle.Outcome]) -> None:
    """Nothing differs that is not written down."""
    decided = [outcome for outcome in found if outcome.agrees is not None]
    unexpected = [
        f"{outcome.case.name}\n  table:  {outcome.expected}\n  parser: {outcome.actual}"
        for outcome in decided
        if not outcome.agrees and outcome.case.op_type not in DIFFERENCES
    ]
    assert not unexpected, "\n".join(unexpected)


def test_the_first_cases_of_every_operator() -> None:
    seen: collections.Counter[str] = collections.Counter()

    def early(case: oracle.Case) -> bool:
        seen[case.op_type] += 1
        return seen[case.op_type] <= 2

    check(outcomes(early))


@pytest.mark.slow
def test_every_case() -> None:
    found = outcomes(lambda _: True)
    check(found)
    decided = [outcome for outcome in found if outcome.agrees is not None]
    differing = collections.Counter(outcome.case.op_type for outcome in decided if not outcome.agrees)
    assert {name: count for name, (count, _) in DIFFERENCES.items()} == differing
    assert {outcome.case.op_type for outcome in decided} - differing.keys() >= AGREEING


@pytest.mark.slow
def test_a_wrong_table_is_noticed() -> None:
    """The comparison is not blind: an older table fails on what changed since."""
    changed = {"CumSum", "Gather", "Gelu", "InstanceNormalization", "Squeeze", "TopK"}
    found = oracle.compare(oracle.table("onnx-tensorrt-8.6"), parser(), lambda case: case.op_type in changed)
    assert {outcome.case.op_type for outcome in found if outcome.agrees is False} == changed
