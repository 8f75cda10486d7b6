"""A mutable graph: the main graph of a model with weights, and for every value who makes it, reads it and what it is.

Only the main graph is changed. Interface, metadata and weights stay as they are; a value keeps its name when its maker
is replaced. Replacing some nodes costs what they and their neighbours cost, whatever the size of the model.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from safecheck.intake.dtypes import dtype_name
from safecheck.intake.onnx_library import messages
from safecheck.ir import walk
from safecheck.ir.graph import OpGraph, graph_of
from safecheck.ir.protos import array_of, tensor_from_value_info, value_info, without_payload
from safecheck.ir.shape_inference.infer import Inferred, infer
from safecheck.ir.signature import UNKNOWN_TENSOR, Tensor
from safecheck.rewrite.declared import Declared
from safecheck.rewrite.memos import Memos
from safecheck.rewrite.node import PLACE, Order
from safecheck.rewrite.node import Node as Node
from safecheck.rewrite.replacement import Replacement
from safecheck.rewrite.shelf import Shelf, on_shelf

LARGEST = 1 << 30
"""Bytes of the largest tensor that a replacement makes, unless the caller says otherwise."""


class MutableGraph(Memos):
    """The main graph of a ModelProto whose weights are inline or on the shelf. It owns the proto from then on."""

    def __init__(self, proto: Any, shelf: Shelf | None = None) -> None:
        super().__init__()
        self.shelf = shelf or Shelf()
        self.declared = Declared(proto)
        self.opset = walk.opset(proto)
        """Version of ai.onnx that the model imports; 0 if none."""
        nodes = [Node(node, self.opset) for node in proto.graph.node]
        self.initializers: dict[str, Any] = {tensor.name: tensor for tensor in proto.graph.initializer}
        del proto.graph.node[:]
        del proto.graph.initializer[:]
        self.proto = proto
        """The model without its nodes and initializers."""
        self.version = 0
        """Another number after every change."""
        self.largest = LARGEST
        self.outputs: list[str] = [value.name for value in proto.graph.output]
        """Network outputs."""
        self._ends = frozenset(self.outputs)
        self._arrays: dict[str, Any] = {}
        self._numbers: dict[str, int] = {}
        self._node_names: Counter[str] = Counter()
        self._producers: dict[str, Node] = {}
        self._consumers: dict[str, list[Node]] = {}
        """In order; a node that reads a value twice is there twice."""
        self._order = Order()
        self._insert(0, nodes)
        self.refresh()

    @property
    def nodes(self) -> list[Node]:
        """In an order in which every value is made before it is read; only the methods here change it."""
        return self._order.nodes

    def refresh(self) -> None:
        """Infer all types anew; needed after changes that did not go through `apply`."""
        self.version += 1
        found = self._infer()
        self.tensors: dict[str, Tensor] = dict(self._inferred[1].scopes[0].tensors)
        for output in self.proto.graph.output:
            unsaid = None in (tensor_from_value_info(output).shape or (None,))
            if (unsaid or output.name in found.conflicts) and self.dims(output.name) is not None:
                output.CopyFrom(value_info(output.name, self.tensor(output.name)))
        for node in self.nodes:
            node.stamp += 1

    def inferred(self) -> OpGraph:
        """The nodes as they stand, with the types that inference finds."""
        if self._inferred[0] != self.version:
            self._infer()
        return self._inferred[1]

    def _infer(self) -> Inferred:
        found = infer(self.model(weights=False), self.declared.assumed)
        self._inferred = self.version, graph_of(found.proto)
        return found

    def model(self, weights: bool = True) -> Any:
        """A ModelProto of its own with the current nodes; without weights, large initializers have no elements."""
        (model := messages().ModelProto()).CopyFrom(self.proto)
        model.graph.node.extend(node.proto for node in self.nodes)
        model.graph.initializer.extend(one if weights else without_payload(one) for one in self.initializers.values())
        if weights:
            self.declared.write(model.graph, self.tensors)
        return model

    def tensor(self, name: str) -> Tensor:
        """Type and shape of a value."""
        return self.tensors.get(name, UNKNOWN_TENSOR)

    def dims(self, name: str) -> tuple[int, ...] | None:
        """The shape of a value if every dimension is a number."""
        shape = self.tensor(name).shape
        unknown = shape is None or any(type(dim) is not int for dim in shape)
        return None if unknown else shape  # type: ignore[return-value]

    def constant(self, name: str) -> Any | None:
        """The elements of an initializer as a read-only array; None for anything else."""
        tensor = self.initializers.get(name)
        if tensor is None or on_shelf(tensor):  # mapped anew: memory holds no more than is looked at
            return None if tensor is None else self.shelf.array(tensor)
        return self._arrays[name] if name in self._arrays else self._arrays.setdefault(name, array_of(tensor))

    def is_output(self, name: str) -> bool:
        """Whether the network hands a value out."""
        return name in self._ends

    def holds(self, node: Node) -> bool:
        """Whether a node is still in the graph."""
        return any(self._producers.get(name) is node for name in node.output if name)

    def producer(self, name: str) -> Node | None:
        """The node that computes a value."""
        return self._producers.get(name)

    def consumers(self, name: str) -> Sequence[Node]:
        """Nodes that read a value in order, also from inside the graphs they hold."""
        return self._consumers.get(name, ())

    def in_order(self, nodes: Iterable[Node]) -> list[Node]:
        """Some nodes of the graph in its order."""
        return sorted(nodes, key=PLACE)

    def fresh(self, hint: str) -> str:
        """A name that the model does not use."""
        while True:
            number = self._numbers[hint] = self._numbers.get(hint, 0) + 1
            name = f"{hint}/safecheck_{number}"
            taken = name in self.tensors or name in self._producers or name in self.initializers
            if not taken and not self._node_names[name]:
                return name

    def store(self, hint: str, array: Any) -> str:
        """Add an initializer and return its name."""
        self._store(name := self.fresh(hint), array)
        return name

    def keep(self, name: str, array: Any) -> None:
        """Make a value that has its type an initializer with these elements."""
        self.initializers[name] = self.shelf.stored(name, array)

    def _store(self, name: str, array: Any) -> None:
        self.keep(name, array)
        self.tensors[name] = Tensor(dtype_name(self.initializers[name].data_type), tuple(array.shape), True)

    def dying(self, replacement: Replacement) -> list[Node]:
        """Nodes that nobody needs once the replacement is in place."""
        replaced = dict.fromkeys((*replacement.outputs, *replacement.aliases))
        dead: dict[Node, None] = {}
        pending = list(dict.fromkeys(node for node in map(self.producer, replaced) if node is not None))
        while pending:
            node = pending.pop()
            if node in dead:
                continue
            alive = any(
                name not in replaced
                and (name in self._ends or any(reader not in dead for reader in self.consumers(name)))
                for name in node.output
                if name
            )
            if alive or any(name in replacement.inputs for name in node.output):
                continue
            dead[node] = None
            pending += self._makers(node)
        return list(dead)

    def apply(self, replacement: Replacement, types: dict[str, Tensor]) -> list[Node]:
        """Put the new nodes where the old ones were, and return them; `types` are those of the values they make."""
        dead = self.dying(replacement)
        replaced = dict.fromkeys((*replacement.outputs, *replacement.aliases))
        for name, array in replacement.constants.items():
            self._store(name, array)
        makers = self.in_order({node for node in map(self.producer, replaced) if node is not None})
        for node in dead:
            self._remove(node)
        for name in (name for node in makers if node not in dead for name in node.output):
            if name in replaced:
                self._rename_result(self._producers[name], name, self.fresh(f"{name}/unused"))
        nodes = [Node(proto, self.opset) for proto in replacement.nodes]
        self._insert(self._order.position(makers[0]), nodes)
        self.tensors.update({name: tensor for name, tensor in types.items() if name not in self.initializers})
        for node in nodes:
            self._bring_forward(node)
            self._touch(node)
        for name, source in replacement.aliases.items():
            self._alias(name, source)
        self.version += 1
        return nodes

    def splice(self, node: Node, protos: Iterable[Any] = ()) -> None:
        """Put NodeProtos in the place of a node."""
        nodes = [Node(proto, self.opset) for proto in protos]
        self._touch(node)
        self._remove(node)
        self._insert(self._order.position(node), nodes)
        for new in nodes:
            self._touch(new)
        self.version += 1

    def is_interface(self, name: str, source: str) -> bool:
        """Whether `name` cannot simply be another name for `source`, because a user of the network sees both."""
        return name in self._ends and (source in self._ends or self.producer(source) is None)

    def alias(self, name: str, source: str) -> None:
        """Let everybody who reads `name` read `source` instead; nobody makes `name` any more."""
        self._alias(name, source)
        self.version += 1

    def _alias(self, name: str, source: str) -> None:
        if name in self._ends:
            self._rename_result(self._producers[source], source, name)
            name, source = source, name
        for reader in dict.fromkeys(self.consumers(name)):
            self._unlink(reader)
            reader.rewire(name, source)
            self._link(reader)
            self._bring_forward(reader)
            self._touch(reader)

    def drop_unused(self) -> None:
        """Remove nodes whose results nobody reads, and the initializers that nobody reads any more."""
        gone: set[Node] = set()
        pending = list(self.nodes)
        while pending:
            node = pending.pop()
            used = any(name in self._ends or self._consumers.get(name) for name in node.output if name)
            if not used and node not in gone:
                gone.add(node)
                pending += self._makers(node)
                self._remove(node)
        for name in [name for name in self.initializers if self._consumers.get(name) == [] and name not in self._ends]:
            del self.initializers[name]
        self.version += 1

    def _insert(self, at: int, nodes: Sequence[Node]) -> None:
        self._order.insert(at, nodes)
        for node in nodes:
            self._node_names[node.name] += 1
            self._producers.update((name, node) for name in node.output if name)
            self._link(node)

    def _remove(self, node: Node) -> None:
        self._order.remove(node)
        self._node_names[node.name] -= 1
        for name in node.output:
            if self._producers.get(name) is node:
                del self._producers[name]
        self._unlink(node)

    def _link(self, node: Node) -> None:
        for name in node.reads:
            insort(self._consumers.setdefault(name, []), node, key=PLACE)

    def _unlink(self, node: Node) -> None:
        for name in node.reads:
            readers = self._consumers[name]
            del readers[bisect_left(readers, node.place, key=PLACE)]
            if (maker := self._producers.get(name)) is not None:
                maker.stamp += 1

    def _rename_result(self, node: Node, name: str, new: str) -> None:
        del self._producers[name]
        node.rename(name, new)
        self._producers[new] = node
        self._touch(node)

    def _touch(self, node: Node) -> None:
        """Stamp a node that is new or reads something else, its makers and its readers."""
        for other in (node, *self._makers(node), *(reader for name in node.output for reader in self.consumers(name))):
            other.stamp += 1

    def _makers(self, node: Node) -> list[Node]:
        return [maker for maker in map(self.producer, node.reads) if maker is not None]

    def _bring_forward(self, node: Node) -> None:
        """Put the makers of what a node reads before it, where they come later; the graph has to be free of circles."""
        pending = [node]
        while pending:
            current = pending[-1]
            late = [maker for maker in self._makers(current) if maker.place > node.place]
            if late:
                pending += late[::-1]
                continue
            pending.pop()
            if current.place > node.place:
                self._remove(current)
                self._insert(self._order.position(node), (current,))
