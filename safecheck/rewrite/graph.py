"""A model on the bench: its main graph with weights, and for every value who makes it, who reads it and what it is.

Only the main graph is changed. Names of network inputs and outputs, metadata and weights stay as they are; a value
keeps its name when its producer is replaced, so nothing else has to change.
"""

from __future__ import annotations

from typing import Any

from safecheck.intake.dtypes import dtype_name
from safecheck.intake.onnx_library import messages
from safecheck.ir import walk
from safecheck.ir.graph import graph_of
from safecheck.ir.order import in_order
from safecheck.ir.protos import array_of, proto_from_array, value_info, without_payload
from safecheck.ir.shape_inference.infer import infer
from safecheck.ir.signature import UNKNOWN_TENSOR, Tensor
from safecheck.ir.walk import captures, reads, subgraphs
from safecheck.rewrite.replacement import Replacement


class Bench:
    """The main graph of a ModelProto whose weights are inline. The proto belongs to the bench from then on."""

    def __init__(self, proto: Any) -> None:
        self.nodes: list[Any] = list(proto.graph.node)
        self.initializers: dict[str, Any] = {tensor.name: tensor for tensor in proto.graph.initializer}
        del proto.graph.node[:]
        del proto.graph.initializer[:]
        self.proto = proto
        """The model without its nodes and initializers."""
        self.graph = proto.graph
        self._arrays: dict[str, Any] = {}
        self._numbers: dict[str, int] = {}
        self.kept: dict[tuple[object, ...], Any] = {}
        """What others worked out once and for all; keys that name nodes by `id` come with the nodes as values."""
        self.refresh()

    notes: dict[tuple[str, int], Any]
    """What others worked out about a node, by subject and `id`; forgotten when the graph changes."""

    @property
    def opset(self) -> int:
        """Version of ai.onnx that the model imports; 0 if none."""
        return walk.opset(self.proto)

    @property
    def inputs(self) -> list[str]:
        """Network inputs; an initializer of the same name is a default, not an input."""
        return [value.name for value in self.graph.input if value.name not in self.initializers]

    @property
    def outputs(self) -> list[str]:
        """Network outputs."""
        return [value.name for value in self.graph.output]

    def refresh(self) -> None:
        """Infer all types anew and index the graph; needed after changes that did not go through `apply`."""
        self.tensors: dict[str, Tensor] = dict(graph_of(infer(self.model(weights=False)).proto).scopes[0].tensors)
        for output in self.graph.output:
            if not output.type.tensor_type.HasField("shape") and self.dims(output.name) is not None:
                output.CopyFrom(value_info(output.name, self.tensor(output.name)))
        self._index()

    def model(self, weights: bool = True) -> Any:
        """A ModelProto of its own with the current nodes; without weights, large initializers have no elements."""
        model = messages().ModelProto()
        model.CopyFrom(self.proto)
        model.graph.node.extend(self.nodes)
        for tensor in self.initializers.values():
            model.graph.initializer.append(tensor if weights else without_payload(tensor))
        return model

    def _index(self) -> None:
        self.notes = {}
        self._node_names = {node.name for node in self.nodes}
        self._producers: dict[str, Any] = {}
        self._consumers: dict[str, list[Any]] = {}
        for node in self.nodes:
            for name in node.output:
                self._producers[name] = node
            for name in reads(node):
                self._consumers.setdefault(name, []).append(node)

    def tensor(self, name: str) -> Tensor:
        """Type and shape of a value."""
        return self.tensors.get(name, UNKNOWN_TENSOR)

    def dims(self, name: str) -> tuple[int, ...] | None:
        """The shape of a value if every dimension is a number."""
        shape = self.tensor(name).shape
        if shape is None or any(type(dim) is not int for dim in shape):
            return None
        return shape  # type: ignore[return-value]

    def constant(self, name: str) -> Any | None:
        """The elements of an initializer as a read-only array; None for anything else."""
        tensor = self.initializers.get(name)
        if tensor is None:
            return None
        if name not in self._arrays:
            self._arrays[name] = array_of(tensor)
        return self._arrays[name]

    def holds(self, node: Any) -> bool:
        """Whether a node is still on the bench."""
        return any(self._producers.get(name) is node for name in node.output if name)

    def producer(self, name: str) -> Any | None:
        """The node that computes a value."""
        return self._producers.get(name)

    def consumers(self, name: str) -> list[Any]:
        """Nodes that read a value, also from inside the graphs they hold."""
        return self._consumers.get(name, [])

    def fresh(self, hint: str) -> str:
        """A name that the model does not use."""
        while True:
            number = self._numbers[hint] = self._numbers.get(hint, 0) + 1
            name = f"{hint}/safecheck_{number}"
            taken = name in self.tensors or name in self._producers or name in self.initializers
            if not taken and name not in self._node_names:
                return name

    def store(self, hint: str, array: Any) -> str:
        """Add an initializer and return its name."""
        name = self.fresh(hint)
        self.initializers[name] = proto_from_array(name, array)
        self.tensors[name] = Tensor(dtype_name(self.initializers[name].data_type), tuple(array.shape), True)
        return name

    def dying(self, replacement: Replacement) -> list[Any]:
        """Nodes that nobody needs once the replacement is in place."""
        replaced = {*replacement.outputs, *replacement.aliases}
        needed = set(self.outputs) - replaced
        dead: list[Any] = []
        lost: set[int] = set()
        heads = {id(node): node for node in map(self.producer, replaced) if node is not None}
        pending = list(heads.values())
        while pending:
            node = pending.pop()
            if id(node) in lost:
                continue
            alive = any(
                name in needed
                or (name not in replaced and any(id(reader) not in lost for reader in self.consumers(name)))
                for name in node.output
                if name
            )
            if alive or any(name in replacement.inputs for name in node.output):
                continue
            lost.add(id(node))
            dead.append(node)
            pending += [maker for maker in map(self.producer, reads(node)) if maker is not None]
        return dead

    def apply(self, replacement: Replacement, types: dict[str, Tensor]) -> None:
        """Put the new nodes where the old ones were; `types` are those of the values they make."""
        dead = {id(node) for node in self.dying(replacement)}
        replaced = {*replacement.outputs, *replacement.aliases}
        for name, array in replacement.constants.items():
            self.initializers[name] = proto_from_array(name, array)
            self.tensors[name] = Tensor(dtype_name(self.initializers[name].data_type), tuple(array.shape), True)
        at = min(position for position, node in enumerate(self.nodes) if replaced & set(node.output))
        for node in self.nodes:
            if id(node) not in dead:
                for position, name in enumerate(node.output):
                    if name in replaced:
                        node.output[position] = self.fresh(f"{name}/unused")
        before = [node for node in self.nodes[:at] if id(node) not in dead]
        after = [node for node in self.nodes[at:] if id(node) not in dead]
        self.nodes = in_order([*before, *replacement.nodes, *after], reads)
        made_before = {name for node in before for name in node.output}
        if not all(name in made_before for name in replacement.inputs if self.producer(name) is not None):
            self.nodes = _sorted(self.nodes)
        self.tensors.update({name: tensor for name, tensor in types.items() if name not in self.initializers})
        for name, source in replacement.aliases.items():
            self._rename(name, source)
        self._index()

    def is_interface(self, name: str, source: str) -> bool:
        """Whether `name` cannot simply be another name for `source`, because a user of the network sees both."""
        return name in self.outputs and (source in self.outputs or self.producer(source) is None)

    def alias(self, name: str, source: str) -> None:
        """Let everybody who reads `name` read `source` instead; nobody makes `name` any more."""
        self._rename(name, source)
        self._index()

    def _rename(self, name: str, source: str) -> None:
        if name not in self.outputs:
            for node in self.nodes:
                rewire(node, name, source)
            return
        makers = [node for node in self.nodes if source in node.output]
        for position, output in enumerate(makers[0].output):
            if output == source:
                makers[0].output[position] = name
        for node in self.nodes:
            rewire(node, source, name)

    def drop_unused(self) -> None:
        """Remove nodes whose results nobody reads, and the initializers that only they read."""
        before = {name for node in self.nodes for name in reads(node)}
        while True:
            needed = {*self.outputs, *(name for node in self.nodes for name in reads(node))}
            kept = [node for node in self.nodes if any(name in needed for name in node.output if name)]
            if len(kept) == len(self.nodes):
                break
            self.nodes = kept
        after = {*self.outputs, *(name for node in self.nodes for name in reads(node))}
        for name in before - after:
            self.initializers.pop(name, None)
        self._index()


def _sorted(nodes: list[Any]) -> list[Any]:
    """The nodes so that every value is made before it is read; otherwise in the order they have."""
    makers = {name: node for node in nodes for name in node.output if name}
    done: set[int] = set()
    order: list[Any] = []
    for root in nodes:
        stack = [root]
        while stack:
            node = stack[-1]
            waiting = [makers[name] for name in reads(node) if name in makers and id(makers[name]) not in done]
            if waiting and id(node) not in done:
                stack += waiting[::-1]
                continue
            stack.pop()
            if id(node) not in done:
                done.add(id(node))
                order.append(node)
    return order


def rewire(node: Any, name: str, source: str) -> None:
    """Let a node, and the graphs it holds, read `source` where they read `name`."""
    for position, value in enumerate(node.input):
        if value == name:
            node.input[position] = source
    for graph in subgraphs(node):
        if name in set(captures(graph)):
            for inner in graph.node:
                rewire(inner, name, source)
            for output in graph.output:
                if output.name == name:
                    output.name = source
