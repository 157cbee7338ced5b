"""Convert an exported program to Core ML: `to_coreml.py PACKAGES PROGRAM ABOUT PACKAGE`.

Runs by itself, with coremltools from the folder PACKAGES. PROGRAM takes an image, float (1, 3,
size, size) of 0 to 255, and gives the outputs that ABOUT, a JSON file, names.
"""

import json
import sys
from pathlib import Path


def main(packages: str, program: str, about: str, package: str) -> None:
    """Write the folder `package`, an .mlpackage."""
    sys.path.insert(0, packages)
    import coremltools as ct
    import torch

    facts = json.loads(Path(about).read_text(encoding="utf-8"))
    loaded = torch.export.load(program)
    _drop_unused(loaded.graph_module.graph)
    (image,) = loaded.example_inputs[0]
    converted = ct.convert(
        loaded,
        inputs=[
            ct.ImageType(name="image", shape=tuple(image.shape), color_layout=ct.colorlayout.RGB)
        ],
        outputs=[ct.TensorType(name=name) for name in facts["outputs"]],
        minimum_deployment_target=ct.target.iOS16,
    )
    converted.author = "Graft"
    converted.short_description = facts["title"]
    converted.user_defined_metadata["model.json"] = json.dumps(facts["model"], ensure_ascii=False)
    converted.save(package)


def _drop_unused(graph: "torch.fx.Graph") -> None:  # type: ignore[name-defined]  # noqa: F821
    """Second results that nothing reads, and checks: coremltools knows neither."""
    for node in reversed(list(graph.nodes)):
        name = str(node.target)
        if node.op != "call_function":
            continue
        if name in ("aten.alias.default", "aten.detach.default"):
            node.replace_all_uses_with(node.args[0])
        if not node.users and ("getitem" in name or "_assert" in name or "alias" in name):
            graph.erase_node(node)


if __name__ == "__main__":
    main(*sys.argv[1:])
