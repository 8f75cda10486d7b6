"""The rewrites, in the order in which they are tried."""

from __future__ import annotations

from safecheck.rewrites.affine import FoldAffineIntoConvolution
from safecheck.rewrites.average_pool import AveragePoolInSteps, AveragePoolToConvolution
from safecheck.rewrites.clamp import ClampToRelu
from safecheck.rewrites.constant_tensor import ConstantTensorToConvolution
from safecheck.rewrites.contract import Rewrite
from safecheck.rewrites.deconvolution import DeconvolutionToConvolution
from safecheck.rewrites.dense import ConvolutionToDense
from safecheck.rewrites.elementwise import ElementwiseToSumAndProduct
from safecheck.rewrites.gelu import GeluToSigmoid
from safecheck.rewrites.impossible import NoPermittedEquivalent
from safecheck.rewrites.layer_norm import FuseLayerNormalization
from safecheck.rewrites.max_pool import MaxPoolToRelu
from safecheck.rewrites.padding import StatePadding
from safecheck.rewrites.pooling import PoolStrideToOne
from safecheck.rewrites.products import MatmulToConvolution
from safecheck.rewrites.rank import KeepRank
from safecheck.rewrites.reduce import ReduceMaxToMaxPool, ReduceMeanToAveragePool, ReduceSumToConvolution
from safecheck.rewrites.resize import ResizeSizesToScales
from safecheck.rewrites.rotation import RotateWithTranspose
from safecheck.rewrites.widen import WidenToFourDimensions

REWRITES: tuple[Rewrite, ...] = (
    WidenToFourDimensions(),
    FuseLayerNormalization(),
    RotateWithTranspose(),  # before the sums, because a sum over a mask picks elements
    KeepRank(),
    ResizeSizesToScales(),
    ReduceMeanToAveragePool(),
    ReduceSumToConvolution(),
    ReduceMaxToMaxPool(),
    StatePadding(),
    PoolStrideToOne(),
    AveragePoolInSteps(),
    AveragePoolToConvolution(),
    GeluToSigmoid(),
    MatmulToConvolution(),
    FoldAffineIntoConvolution(),
    ConstantTensorToConvolution(),
    ConvolutionToDense(),
    DeconvolutionToConvolution(),
    ElementwiseToSumAndProduct(),
    MaxPoolToRelu(),
    ClampToRelu(),
    NoPermittedEquivalent(),
)
