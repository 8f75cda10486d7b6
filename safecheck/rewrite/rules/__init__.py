"""The rewrites, in the order in which they are tried."""

from __future__ import annotations

from safecheck.rewrite.rule import Rewrite
from safecheck.rewrite.rules.activations import ActivationProductToConvolution
from safecheck.rewrite.rules.affine import FoldAffineIntoConvolution
from safecheck.rewrite.rules.average_pool import AveragePoolInSteps, AveragePoolToConvolution, AveragePoolWithoutBorder
from safecheck.rewrite.rules.clamp import ClampToRelu
from safecheck.rewrite.rules.constant_tensor import ConstantTensorToConvolution
from safecheck.rewrite.rules.curves import FunctionOnRange
from safecheck.rewrite.rules.deconvolution import DeconvolutionToConvolution
from safecheck.rewrite.rules.dense import ConvolutionToDense
from safecheck.rewrite.rules.elementwise import ElementwiseToSumAndProduct
from safecheck.rewrite.rules.extremum import ExtremumByHalving
from safecheck.rewrite.rules.gelu import GeluToSigmoid
from safecheck.rewrite.rules.guard import DropNeedlessGuard
from safecheck.rewrite.rules.impossible import NoPermittedEquivalent
from safecheck.rewrite.rules.layer_norm import FuseLayerNormalization
from safecheck.rewrite.rules.linear_island import LinearIslandToConvolution
from safecheck.rewrite.rules.linear_map import LinearMapToConvolution
from safecheck.rewrite.rules.log_softmax import LogSoftmaxToConvolution
from safecheck.rewrite.rules.max_pool import MaxPoolToRelu
from safecheck.rewrite.rules.normalization import NormalizationToNewton
from safecheck.rewrite.rules.padding import StatePadding
from safecheck.rewrite.rules.peaks import PeaksToRelu
from safecheck.rewrite.rules.pieces import ConvolutionInPieces
from safecheck.rewrite.rules.planar import ConvolveInTwoDimensions
from safecheck.rewrite.rules.pooling import PoolStrideToOne
from safecheck.rewrite.rules.products import MatmulToConvolution
from safecheck.rewrite.rules.quantised_constants import StoreBiasAsFloat, StoreWeightsAsFloat, StoreWeightsAsSigned
from safecheck.rewrite.rules.quotient import DivisionToProduct
from safecheck.rewrite.rules.rank import KeepRank
from safecheck.rewrite.rules.recurrence import WriteOutRecurrence
from safecheck.rewrite.rules.reduce import ReduceMaxToMaxPool, ReduceMeanToAveragePool, ReduceSumToConvolution
from safecheck.rewrite.rules.resize import ResizeSizesToScales
from safecheck.rewrite.rules.response_norm import ResponseNormalizationToNewton
from safecheck.rewrite.rules.rotation import RotateWithTranspose
from safecheck.rewrite.rules.sampling import SampleByDefault
from safecheck.rewrite.rules.single import ComputeInSingle
from safecheck.rewrite.rules.softmax import SoftmaxToConvolution
from safecheck.rewrite.rules.space_norm import SpaceNormalizationToNewton
from safecheck.rewrite.rules.widen import WidenToFourDimensions

REWRITES: tuple[Rewrite, ...] = (
    StoreBiasAsFloat(),
    StoreWeightsAsSigned(),  # before they become numbers that are not quantised any more
    StoreWeightsAsFloat(),
    ComputeInSingle(),
    DropNeedlessGuard(),
    WriteOutRecurrence(),
    ConvolveInTwoDimensions(),
    WidenToFourDimensions(),
    LogSoftmaxToConvolution(),
    SoftmaxToConvolution(),  # early, because it lowers constant masks that others would turn into layers
    FuseLayerNormalization(),
    NormalizationToNewton(),  # before the means that a written out one begins with become pools
    SpaceNormalizationToNewton(),
    ResponseNormalizationToNewton(),
    DivisionToProduct(),  # before an Expand of the divisor moves data
    RotateWithTranspose(),  # before the sums, because a sum over a mask picks elements
    KeepRank(),
    LinearIslandToConvolution(),  # before the sums that it takes in become pools
    ResizeSizesToScales(),
    ReduceMeanToAveragePool(),
    ReduceSumToConvolution(),
    ReduceMaxToMaxPool(),
    StatePadding(),
    SampleByDefault(),
    AveragePoolWithoutBorder(),
    PoolStrideToOne(),
    AveragePoolInSteps(),
    AveragePoolToConvolution(),
    LinearMapToConvolution(),
    GeluToSigmoid(),
    MatmulToConvolution(),
    ActivationProductToConvolution(),
    FoldAffineIntoConvolution(),
    ConstantTensorToConvolution(),
    ConvolutionToDense(),
    ConvolutionInPieces(),
    DeconvolutionToConvolution(),
    ElementwiseToSumAndProduct(),
    ExtremumByHalving(),
    PeaksToRelu(),  # before the maxima that it compares with are approximated
    MaxPoolToRelu(),
    FunctionOnRange(),
    ClampToRelu(),
    NoPermittedEquivalent(),
)
