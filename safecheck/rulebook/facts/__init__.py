"""What a node or a layer *is*. Python states facts, the rule files state limits.

`NODE_FACTS` answer about an ONNX node (some take the name of an attribute or input positions), `LAYER_FACTS` about a
lowered layer. A rule may ask both, a lowering condition only the former. Adding a fact: write the function in its
family, name it in the table, and write a rule case that needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from safecheck.ir.signature import FactValue, Layer, Signature
from safecheck.rulebook.facts import (
    computation,
    dla,
    extent,
    hazards,
    importer,
    misreadings,
    movement,
    node,
    plugin,
    scope,
    tensors,
    window,
)
from safecheck.rulebook.facts import signature_hash as identity

PLAIN_NODE_FACTS: dict[str, Callable[[Signature], FactValue]] = {
    fact.__name__: fact
    for fact in (
        node.opset,
        node.defined,
        node.op_type,
        node.domain,
        node.input_count,
        node.output_count,
        node.unnamed_outputs,
        node.computes_constant,
        node.types_of_tensors,
        node.produces_output,
        node.idiom,
        node.beside_slice_or_concat,
        node.beside_other_cumsum,
        node.after_biased_product,
        identity.form_id,
        computation.shape_computed_by,
        computation.shape_computed_by_matrix,
        hazards.uneven_split,
        hazards.int64_beyond_int32,
        hazards.scan_output_without_trip_count,
        hazards.mixed_ranks,
        hazards.finite_parameters,
        hazards.odd_norm,
        hazards.all_pads_zero,
        hazards.memory_preserving_transpose,
        hazards.residual_output_padding,
        misreadings.last_window_outside,
        misreadings.adds_window,
        misreadings.deconvolution_misplaced,
        misreadings.resize_readings_differ,
        misreadings.vector_before_batches,
        misreadings.one_group_of_channels,
        importer.reads_unset,
        importer.axis_outside,
        importer.axes_outside,
        importer.axes_repeat,
        importer.reflects_beyond_data,
        importer.activations_missing,
        importer.directions_differ,
        importer.upper_case_equation,
        importer.bounds_cover_data,
        importer.indices_beyond_data,
        dla.static_shape_arithmetic,
        dla.clip_lower,
        dla.clip_upper,
    )
}
ATTRIBUTE_FACTS: dict[str, Callable[[Signature, str], FactValue]] = {
    fact.__name__: fact for fact in (node.attribute, node.written, importer.axis_from_end)
}
INPUT_FACTS: dict[str, Callable[[Signature, tuple[int, ...]], FactValue]] = {
    fact.__name__: fact
    for fact in (
        node.present,
        node.blank,
        node.spelled,
        node.network_input,
        node.constant,
        node.fixed,
        node.static,
        node.dtype,
        node.rank,
        node.value,
        node.element_count,
    )
}
LAYER_FACTS: dict[str, Callable[[Layer], FactValue]] = {
    fact.__name__: fact
    for fact in (
        tensors.kind,
        extent.volumes,
        extent.least_volume,
        extent.exceeds_int32,
        extent.without_elements,
        extent.padded_volumes,
        tensors.role,
        tensors.ranks,
        tensors.input_ranks,
        tensors.output_ranks,
        tensors.dtypes,
        tensors.same_shape,
        tensors.dynamic,
        tensors.graph_output,
        tensors.computes_rank_1,
        tensors.io_name_bytes,
        tensors.layer_type,
        tensors.constant_input,
        window.spatial_rank,
        window.kernel,
        window.window,
        window.stride,
        window.dilation,
        window.padding,
        window.effective_padding,
        window.padding_symmetric,
        window.padding_within_kernel,
        window.rounding,
        window.window_covers_input,
        window.groups,
        window.grouping,
        window.in_channels,
        window.out_channels,
        window.weights,
        movement.permutation,
        movement.reshape_target,
        movement.drops_unit_dims_only,
        movement.resize_target,
        movement.resized_axes,
        movement.resize_mode,
        movement.coordinate_transformation,
        plugin.plugin_interface,
        scope.element_types,
        scope.data_type,
        scope.result_type,
        scope.fixed_shapes,
        scope.largest_dimension,
        scope.data_rank,
        scope.filter_size,
        scope.filter_stride,
        scope.filter_dilation,
        scope.filter_padding,
        scope.padding_within_filter,
        scope.filter_within_image,
        scope.padding_within_window,
        scope.stride_within_filter,
        scope.resizes_last_two_only,
        dla.conv_buffer_banks_int8,
        dla.conv_buffer_banks_fp16,
        dla.batch_sizes,
        dla.chw_sizes,
        dla.data_types,
        dla.data_ranks,
        dla.keeps_batch,
        dla.keeps_shape,
        dla.operand_count,
        dla.concat_axis,
        dla.slice_bounds,
        dla.slice_mode,
        dla.slice_steps,
        dla.resize_scales,
        dla.resize_spatial_scales,
        dla.nearest_mode,
        dla.softmax_axis,
        dla.softmax_length,
        dla.softmax_alone,
    )
}

SIZELESS = frozenset(
    {
        "opset", "defined", "op_type", "domain", "input_count", "output_count", "unnamed_outputs", "computes_constant",
        "types_of_tensors", "produces_output", "idiom", "beside_slice_or_concat", "beside_other_cumsum",
        "after_biased_product", "shape_computed_by", "shape_computed_by_matrix", "int64_beyond_int32",
        "finite_parameters", "odd_norm", "all_pads_zero", "mixed_ranks", "reads_unset", "attribute", "written",
        "present", "blank", "spelled", "network_input", "constant", "fixed", "static", "dtype", "rank", "value",
        "kind", "role", "ranks", "input_ranks", "output_ranks", "dtypes", "dynamic", "graph_output", "computes_rank_1",
        "layer_type", "constant_input", "spatial_rank", "kernel", "window", "stride", "dilation", "padding",
        "padding_symmetric", "rounding", "groups", "out_channels", "weights", "element_types", "data_type",
        "result_type", "fixed_shapes", "data_rank",
    }
)  # fmt: skip
"""Facts that are the same whatever the sizes of computed tensors are, other than the weights of products: what
`rulebook.recall` need not ask again. All others count as facts about sizes; a test changes the sizes to see."""

NODE_FACT_NAMES = frozenset({*PLAIN_NODE_FACTS, *ATTRIBUTE_FACTS, *INPUT_FACTS})
ALL_FACT_NAMES = NODE_FACT_NAMES | frozenset(LAYER_FACTS)


def documentation() -> dict[str, str]:
    """What each fact says, in its own first sentence."""
    tables = (PLAIN_NODE_FACTS, ATTRIBUTE_FACTS, INPUT_FACTS, LAYER_FACTS)
    return {name: (fact.__doc__ or "").split("\n")[0] for table in tables for name, fact in table.items()}


def question(name: str, of: Any) -> Callable[[Any], FactValue]:
    """What gives the value of the named fact, for a layer where it is in `LAYER_FACTS` and for a node elsewhere.

    `of` is an attribute name or input positions where the fact takes one, else None.
    """
    plain: Callable[[Any], FactValue] | None = LAYER_FACTS.get(name) or PLAIN_NODE_FACTS.get(name)
    if plain is not None:
        return plain
    fact: Callable[[Signature, Any], FactValue] = ATTRIBUTE_FACTS.get(name) or INPUT_FACTS[name]
    return lambda node: fact(node, of)


def ask(name: str, of: Any, subject: Signature | Layer) -> FactValue:
    """The value of the named fact; what is a fact about nodes is asked of the node of a layer."""
    about_node = name not in LAYER_FACTS and isinstance(subject, Layer)
    return question(name, of)(subject.node if about_node else subject)  # type: ignore[union-attr]
