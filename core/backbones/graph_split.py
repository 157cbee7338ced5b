"""Cutting a network in two where training begins: what lies before the cut runs only once.

The network is traced into a graph (torch.fx, with timm's and torchvision's tracing rules), and
the last place is found where a single tensor carries everything and no trained parameter has
acted yet. Any strategy profits without knowing: with the classifier alone trained, the cut lies at
the features; with the last stages trained, at the first of them.
"""

from dataclasses import dataclass

import torch
from timm.models._features_fx import get_notrace_functions, get_notrace_modules
from torch import fx, nn
from torchvision.models.feature_extraction import NodePathTracer


@dataclass(frozen=True, slots=True)
class Cut:
    """suffix(prefix(x)) equals network(x); both share the network's parameters."""

    prefix: nn.Module | None
    """Images to activations, free of trained parameters; None when nothing can be split off."""
    suffix: nn.Module
    """Activations (or images, without a prefix) to logits."""


def cut(network: nn.Module, trained: set[str]) -> Cut:
    """Split a network in eval mode before the first use of a parameter named in `trained`."""
    try:
        graph = _trace(network)
    except (fx.proxy.TraceError, TypeError, RuntimeError, ValueError, AttributeError):
        return Cut(None, network)  # control flow on values: such a network runs whole
    nodes = list(graph.nodes)
    last = _last_cut(network, nodes, trained)
    if last is None:
        return Cut(None, network)
    index, carrier = last
    return Cut(
        _module(network, _head_of(nodes[: index + 1], carrier)),
        _module(network, _tail_of(nodes, index, carrier)),
    )


def feature_trunk(network: nn.Module) -> nn.Module:
    """Images (n, 3, s, s) to the features (n, d) that the classifier reads."""
    return _Trunk(network).eval()


class _Trunk(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.network.forward_features(images)  # type: ignore[operator]
        features: torch.Tensor = self.network.forward_head(maps, pre_logits=True)  # type: ignore[operator]
        return features


def _trace(network: nn.Module) -> fx.Graph:
    tracer = NodePathTracer(
        leaf_modules=get_notrace_modules(), autowrap_functions=get_notrace_functions()
    )
    graph: fx.Graph = tracer.trace(network)
    return graph


def _last_cut(
    network: nn.Module, nodes: list[fx.Node], trained: set[str]
) -> tuple[int, fx.Node] | None:
    """The last position whose only living, input-dependent value is one node; with that node."""
    place = {node: index for index, node in enumerate(nodes)}
    last_use = {node: max((place[user] for user in node.users), default=-1) for node in nodes}
    from_input: set[fx.Node] = set()
    alive: set[fx.Node] = set()
    best: tuple[int, fx.Node] | None = None
    for index, node in enumerate(nodes):
        if _uses(network, node, trained) or node.op == "output":
            break
        # The first placeholder is the images; any further one has a default and stays constant.
        if index == 0 or any(i in from_input for i in node.all_input_nodes):
            from_input.add(node)
            alive.add(node)
        alive = {value for value in alive if last_use[value] > index}
        if len(alive) == 1 and alive != {nodes[0]}:
            best = (index, next(iter(alive)))
    return best


def _uses(network: nn.Module, node: fx.Node, trained: set[str]) -> bool:
    if node.op == "get_attr":
        return node.target in trained
    if node.op != "call_module":
        return False
    owned = network.get_submodule(str(node.target)).named_parameters()
    return any(f"{node.target}.{name}" in trained for name, _ in owned)


def _head_of(nodes: list[fx.Node], carrier: fx.Node) -> fx.Graph:
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in nodes:
        copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output(copies[carrier])
    return graph


def _tail_of(nodes: list[fx.Node], index: int, carrier: fx.Node) -> fx.Graph:
    graph = fx.Graph()
    copies = {carrier: graph.placeholder("activations")}
    for place, node in enumerate(nodes):
        if place > index or (place > 0 and node.op in ("placeholder", "get_attr")):
            copies[node] = graph.node_copy(node, copies.__getitem__)
    return graph


def _module(network: nn.Module, graph: fx.Graph) -> nn.Module:
    module = fx.GraphModule(network, graph)
    module.graph.eliminate_dead_code()
    module.recompile()
    return module.eval()
