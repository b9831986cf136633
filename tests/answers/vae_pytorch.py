"""Answers to the exercises on the parts of a VAE in PyTorch, lesson 3."""

import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Normal, kl_divergence

from course_utils.checks.vae_pytorch import (
    check_bernoulli,
    check_elbo,
    check_kl,
    check_reparameterize,
)


def sample(mu, logvar, epsilon):
    return mu + torch.exp(0.5 * logvar) * epsilon


def sample_in_double(mu, logvar, epsilon):
    return logvar.double().exp().sqrt().mul(epsilon.double()).add(mu.double())


def sample_by_loops(mu, logvar, epsilon):
    flat = epsilon.reshape(-1, *mu.shape)
    rows = [[sample(*r) for r in zip(mu, logvar, e, strict=True)] for e in flat]
    return torch.stack([torch.stack(r) for r in rows]).reshape(epsilon.shape)


def by_numpy(function):
    """The same without a graph, as an array."""

    def answer(*tensors):
        return function(*(t.detach() for t in tensors)).numpy()

    return answer


def cut(function, *positions):
    """The same with some arguments taken out of the graph."""

    def answer(*tensors):
        kept = [t.detach() if i in positions else t for i, t in enumerate(tensors)]
        return function(*kept)

    return answer


def kl(mu, logvar):
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(-1)


def kl_by_library(mu, logvar):
    q = Normal(mu.double(), (0.5 * logvar.double()).exp())
    return kl_divergence(q, Normal(0.0, 1.0)).sum(1)


def kl_by_loops(mu, logvar):
    values = []
    for m, v in zip(mu, logvar, strict=True):
        terms = zip(m, v, strict=True)
        values.append(sum(0.5 * (a**2 + torch.exp(b) - 1 - b) for a, b in terms))
    return torch.stack(values)


def kl_swapped(mu, logvar):
    q = Normal(mu, (0.5 * logvar).exp())
    return kl_divergence(Normal(0.0, 1.0), q).sum(1)


def coins(x_logits, x):
    return (x * x_logits - F.softplus(x_logits)).flatten(1).sum(1)


def coins_by_library(x_logits, x):
    return Bernoulli(logits=x_logits.double()).log_prob(x.double()).sum((1, 2, 3))


def coins_by_where(x_logits, x):
    """One image after the other, with the logarithm of each outcome's sigmoid."""
    images = zip(torch.where(x > 0.5, x_logits, -x_logits), strict=True)
    return torch.stack([F.logsigmoid(image).sum() for (image,) in images])


def naive(x_logits, x):
    p = x_logits.sigmoid()
    return (x * p.log() + (1 - x) * (1 - p).log()).flatten(1).sum(1)


def guarded(x_logits, x):
    p = x_logits.sigmoid()
    return (x * (p + 1e-8).log() + (1 - x) * (1 - p + 1e-8).log()).flatten(1).sum(1)


def by_cross_entropy(x_logits, x):
    p = x_logits.sigmoid()
    return -F.binary_cross_entropy(p, x, reduction="none").flatten(1).sum(1)


def elbo(model, x, epsilon, draw=sample, likelihood=coins, price=kl):
    mu, logvar = model.encoder(x)
    reconstruction = likelihood(model.decoder(draw(mu, logvar, epsilon)), x)
    cost = price(mu, logvar)
    return reconstruction - cost, reconstruction, cost


def elbo_by_library(model, x, epsilon):
    mu, logvar = model.encoder(x)
    q = Normal(mu, (0.5 * logvar).exp())
    logits = model.decoder(q.loc + q.scale * epsilon)
    cross = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    terms = -cross.sum((1, 2, 3)), kl_divergence(q, Normal(0.0, 1.0)).sum(1)
    return [terms[0] - terms[1], terms[0].detach(), terms[1].detach()]


def elbo_by_rows(model, x, epsilon):
    rows = zip(x.split(1), epsilon.split(1), strict=True)
    parts = zip(*(elbo(model, image, noise) for image, noise in rows), strict=True)
    return tuple(torch.cat(part) for part in parts)


def with_parts(**parts):
    return lambda *arguments: elbo(*arguments, **parts)


def changed(change):
    return lambda *arguments: change(*elbo(*arguments))


def without_a_graph(model, x, epsilon):
    with torch.no_grad():
        return elbo(model, x, epsilon)


WRONG = {
    check_reparameterize: [
        (lambda m, v, e: m + v.exp() * e, "exp(logvar) is a variance"),
        (lambda m, v, e: m + v * e, "undo it first"),
        (lambda m, v, e: m + v / 2 * e, "not sigma"),
        (lambda m, v, e: m + 0 * e, "Where did epsilon go"),
        (lambda m, v, e: m + (-v / 2).exp() * e, "narrower"),
        (lambda m, v, e: sample(m, v, torch.randn_like(e)), "Noise first"),
        (by_numpy(sample), "a Tensor is wanted"),
        (cut(sample, 0, 1), "no gradient flows back"),
        (cut(sample, 0), "cuts the graph"),
        (cut(sample, 1), "cuts the graph"),
    ],
    check_kl: [
        (lambda m, v: 2 * kl(m, v), "A factor is missing"),
        (lambda m, v: -kl(m, v), "never negative"),
        (lambda m, v: kl(m, 2 * v), "not of a sigma"),
        (lambda m, v: 0.5 * (m**2 + (v / 2).exp() - 1 - v).sum(1), "not its root"),
        (lambda m, v: kl(m, v) / m.shape[1], "no mean over k"),
        (lambda m, v: kl(m, v) + m.shape[1] / 2, "KL of the prior to itself"),
        (kl_swapped, "q comes first"),
        (lambda m, v: kl(m, v).sum(), "leave the rows apart"),
        (lambda m, v: kl(m, v).mean(), "a batch is averaged later"),
        (by_numpy(kl), "NumPy's do not"),
        (cut(kl, 1), "cuts the graph"),
        (cut(kl, 0, 1), "no gradient flows back"),
    ],
    check_bernoulli: [
        (lambda y, x: coins(y, x) / x[0].numel(), "not a mean"),
        (lambda y, x: coins(y, x).sum()[None], "of shape (1,)"),
        (lambda y, x: coins(y, x).sum(), "its pixels alone"),
        (lambda y, x: -coins(y, x), "Mind the sign"),
        (F.binary_cross_entropy_with_logits, "averaged over pixels and images"),
        (lambda y, x: -coins(y, x).sum(), "summed over all images"),
        (lambda y, x: coins(y, 1 - x), "swapped"),
        (lambda y, x: coins(y.sigmoid(), x), "one sigmoid too many"),
        (lambda y, x: (x * F.logsigmoid(y)).flatten(1).sum(1), "Paper has"),
        (naive, "softplus does not"),
        (guarded, "caps the price"),
        (by_cross_entropy, "caps the price"),
        (by_numpy(coins), "NumPy's do not"),
        (cut(coins, 0), "no gradient flows back"),
    ],
    check_elbo: [
        (with_parts(likelihood=lambda y, x: coins(y, x) / x[0].numel()), "a beta of"),
        (with_parts(price=lambda m, v: kl(m, v) / m.shape[1]), "a beta of 1/"),
        (with_parts(price=lambda m, v: 2 * kl(m, v)), "A factor is missing"),
        (with_parts(price=lambda m, v: -kl(m, v)), "never negative"),
        (with_parts(likelihood=lambda y, x: -coins(y, x)), "the other sign"),
        (with_parts(draw=lambda m, v, e: m), "epsilon is not used"),
        (with_parts(draw=lambda m, v, e: m + v.exp() * e), "is a variance"),
        (with_parts(draw=cut(sample, 0, 1)), "z has lost its path"),
        (with_parts(draw=cut(sample, 1)), "z has lost its path"),
        (with_parts(price=cut(kl, 0, 1)), "does not arrive"),
        (changed(lambda e, r, k: (r + k, r, k)), "it is subtracted"),
        (changed(lambda e, r, k: (-e, r, k)), "That is the loss"),
        (changed(lambda e, r, k: (e.mean(), r.mean(), k.mean())), "averaged later"),
        (changed(lambda e, r, k: (e.mean(), r, k)), "averaged later"),
        (changed(lambda e, r, k: (r, k, e)), "First the ELBO"),
        (changed(lambda e, r, k: (r, e, k)), "The order is"),
        (changed(lambda e, r, k: (e, k, r)), "First the ELBO"),
        (changed(lambda e, r, k: e), "3 values"),
        (without_a_graph, "no gradient flows back"),
    ],
}
RIGHT = {
    check_reparameterize: [sample, sample_in_double, sample_by_loops],
    check_kl: [kl, kl_by_library, kl_by_loops],
    check_bernoulli: [coins, coins_by_library, coins_by_where],
    check_elbo: [elbo, elbo_by_library, elbo_by_rows],
}
