"""Answers to the exercises on lesson 8: the averaged generator."""

from copy import deepcopy

import numpy as np
import torch
from torch.nn import BatchNorm1d
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from course_utils.checks.dcgan_average import check_finished_average, check_worth


def averaged(generators, decay, z, start=None, buffers=False, momentum=1.0, eval_=True):
    """The average, with whatever is to go wrong in it."""
    average = deepcopy(generators[0] if start is None else generators[start])
    tensors = "state_dict" if buffers else "named_parameters"
    names = [
        name
        for name, value in dict(getattr(average, tensors)()).items()
        if value.is_floating_point()
    ]
    state = generators[0].state_dict()
    mean = {name: state[name].clone() for name in names}
    for generator in generators[1:]:
        state = generator.state_dict()
        mean = {name: decay * mean[name] + (1 - decay) * state[name] for name in names}
    average.load_state_dict(mean, strict=False)
    if momentum is not None:
        for layer in average.modules():
            if isinstance(layer, BatchNorm1d):
                layer.momentum = momentum
        average.train()(z)
    return average.train(not eval_)


def in_place(generators, decay, z):
    average = generators[0]
    with torch.no_grad():
        for generator in generators[1:]:
            for mean, new in zip(
                average.parameters(), generator.parameters(), strict=True
            ):
                mean.mul_(decay).add_((1 - decay) * new)
    update_bn([z], average)
    return average.eval()


def plain_mean(generators, decay, z):
    average = deepcopy(generators[0])
    for mean, *values in zip(
        average.parameters(), *(g.parameters() for g in generators), strict=True
    ):
        mean.data = torch.stack([value.data for value in values]).mean(0)
    update_bn([z], average)
    return average.eval()


def from_zeros(generators, decay, z):
    """Like a moment of Adam's, which begins at zero."""
    average = deepcopy(generators[0])
    for mean, *values in zip(
        average.parameters(), *(g.parameters() for g in generators), strict=True
    ):
        mean.data.zero_()
        for value in values:
            mean.data = decay * mean.data + (1 - decay) * value.data
    update_bn([z], average)
    return average.eval()


def by_averaged_model(generators, decay, z):
    average = AveragedModel(generators[0], multi_avg_fn=get_ema_multi_avg_fn(decay))
    for generator in generators:
        average.update_parameters(generator)
    update_bn([z], average)
    return average.eval()


def by_weights_of_each(generators, decay, z):
    """In double precision, with the weight of each generator written out."""
    shares = [(1 - decay) * decay**j for j in range(len(generators))][::-1]
    shares[0] += decay ** len(generators)
    average = deepcopy(generators[0]).double()
    for mean, *values in zip(
        average.parameters(), *(g.parameters() for g in generators), strict=True
    ):
        mean.data = sum(
            s * v.data.double() for s, v in zip(shares, values, strict=True)
        )
    h = z.double()
    for layer in average:
        if isinstance(layer, BatchNorm1d):
            layer.running_mean = h.mean(0).detach()
            layer.running_var = h.var(0, correction=0).detach()
        h = layer.eval()(h)
    return average.eval()


WRONG = {
    check_finished_average: [
        (lambda g, d, z: averaged(g, 1 - d, z), "share of the old mean"),
        (lambda g, d, z: averaged(g[-1:], d, z), "last generator"),
        (lambda g, d, z: averaged(g[:1], d, z), "first generator"),
        (plain_mean, "Later generators count more"),
        (from_zeros, "not with zeros"),
        (lambda *a: averaged(*a, momentum=None), "kept by the first generator"),
        (lambda *a: averaged(*a, start=-1, momentum=None), "under other weights"),
        (lambda *a: averaged(*a, buffers=True, momentum=None), "under other weights"),
        (lambda *a: averaged(*a, momentum=0.1), "Nine tenths"),
        (lambda *a: averaged(*a, buffers=True, momentum=0.1), "Nine tenths"),
        (lambda *a: averaged(*a, eval_=False), "others of its batch"),
        (in_place, "Begin with a copy"),
        (lambda g, d, z: averaged(g, d, z).state_dict(), "Module is wanted"),
        (lambda g, d, z: torch.nn.Linear(3, 2).eval(), "there is no 0.weight"),
    ],
    check_worth: [
        (1000, "do not count alike"),
        (1999**0.5, "not standard deviations"),
        (1 / 1999, "Yours is a variance"),
        (692.8, "half is forgotten"),
        (1500.0, "variances add"),
        (0.999, "variances add"),
    ],
}
RIGHT = {
    check_finished_average: [averaged, by_averaged_model, by_weights_of_each],
    check_worth: [1999, 2000.0, np.float32(1985)],
}
