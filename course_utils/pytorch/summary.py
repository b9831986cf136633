"""The layers of a network as a table."""

import torch
from torch import Tensor, nn

from course_utils.pytorch.device import evaluating
from course_utils.records.layers import LayerRow, layer_text


def layer_table(model: nn.Module, x: Tensor) -> list[LayerRow]:
    """The layers of a network in the order in which they compute.

    Activations that are functions, not modules, do not appear.

    Args:
        model: a network, such as an encoder.
        x: an input of it.
    """
    rows: list[LayerRow] = []
    sources: list[Tensor | None] = [None]

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        name = f"{names[layer]} ({type(layer).__name__})"
        parameters = sum(p.numel() for p in layer.parameters())
        beside = inputs[0] is sources[-1]
        rows.append(LayerRow(name, tuple(output.shape[1:]), parameters, beside))
        sources.append(inputs[0])

    names = {m: name for name, m in model.named_modules() if not [*m.children()]}
    hooks = [layer.register_forward_hook(note) for layer in names]
    try:
        with evaluating(model), torch.inference_mode():
            model(x)
    finally:
        for hook in hooks:
            hook.remove()
    return rows


def summary(model: nn.Module, x: Tensor) -> str:
    """The layers of a network as text; arguments as in `layer_table`."""
    return layer_text(layer_table(model, x))
