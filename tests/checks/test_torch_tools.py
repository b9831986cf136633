"""What the exercises see of PyTorch's gradients, networks and optimizers."""

import copy

import pytest
import torch

from course_utils.checks.calls import NotYet
from course_utils.checks.examination import examination
from course_utils.checks.exercise import Exercise
from course_utils.checks.torch_tools import (
    gradients,
    leaf,
    set_weights,
    tensor,
    with_gradients,
)


def told(check, answer, seed=0):
    with pytest.raises(NotYet) as caught:
        check(answer, seed=seed)
    return str(caught.value)


def square(x, y):
    """x, y (n,) -> (n,)."""
    return x.square() * y


def two_rows(rng):
    return "rows", *map(leaf, rng.normal(size=(2, 3)))


squaring = Exercise(square, "a hint", two_rows, gives="the square", watch=gradients())


def test_gradients_are_those_of_the_right_function():
    squaring(lambda x, y: x * x * y)
    half = told(squaring, lambda x, y: x * x.detach() * y)
    assert "for the gradient of the square in x (rows)" in half


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda x, y: square(x.detach(), y), "cuts the graph"),
        (lambda x, y: square(x, y).detach(), "no gradient flows back"),
        (lambda x, y: square(x, y).detach().numpy(), "a Tensor is wanted"),
    ],
)
def test_a_graph_that_is_cut_is_told_so(answer, words):
    assert words in told(squaring, answer)


def step(generator, discriminator, optimizer):
    """Two networks and the second one's optimizer -> the loss."""
    optimizer.zero_grad()
    loss = discriminator(generator(torch.ones(2, 2)).detach()).square().mean()
    loss.backward()
    optimizer.step()
    return loss.detach()


def uphill(generator, discriminator, optimizer):
    optimizer.param_groups[0]["lr"] *= -1
    return step(generator, discriminator, optimizer)


def a_game(rng):
    generator = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.LeakyReLU())
    networks = [generator, torch.nn.Linear(2, 1)]
    for network in networks:
        with_gradients(set_weights(network, rng), rng)
    return "a game", *networks, torch.optim.Adam(networks[1].parameters(), 0.1)


stepping = Exercise(
    step,
    "a hint",
    a_game,
    slips={
        "uphill": lambda g, d, o: (o.param_groups[0].update(lr=-0.1), step(g, d, o))[1]
    },
)


def then(change):
    """A step, and something else."""

    def answer(*game):
        loss = step(*game)
        change(*game)
        return loss

    return answer


def replace(thing, method):
    setattr(thing, method, lambda *_: None)


def with_another_optimizer(generator, discriminator, optimizer):
    mine = torch.optim.SGD(discriminator.parameters(), 0.1)
    return step(generator, discriminator, mine)


def test_a_step_moves_what_the_right_one_moves():
    stepping(step)
    stepping(then(lambda g, d, o: d.zero_grad()))
    assert told(stepping, lambda g, d, o: step(g, copy.deepcopy(d), o))


@pytest.mark.parametrize(
    "answer, words",
    [
        (then(lambda g, d, o: g.zero_grad()), "generator.0.weight.gradient has"),
        (then(lambda g, d, o: g.eval()), "generator.training has been changed"),
        (then(lambda g, d, o: g.requires_grad_(False)), "requires_grad has been"),
        (
            then(lambda g, d, o: g[1].eval()),
            "generator.1.training has been changed",
        ),
        (then(lambda g, d, o: g.double()), "generator.0.weight.dtype has been"),
        (then(lambda g, d, o: d.eval()), "discriminator.training has been changed"),
        (then(lambda g, d, o: o.param_groups[0].update(lr=0.2)), "param_groups.0.lr"),
        (then(lambda g, d, o: o.param_groups[0].update(betas=(0.5, 0.9))), "betas.0"),
        (
            then(lambda g, d, o: o.add_param_group({"params": g.parameters()})),
            "param_groups.1.lr has been changed",
        ),
        (then(lambda g, d, o: replace(o, "zero_grad")), "optimizer.zero_grad (a meth"),
        (then(lambda g, d, o: replace(o, "step")), "optimizer.step (a method) has"),
        (then(lambda g, d, o: replace(d, "forward")), "discriminator.forward (a me"),
        (then(lambda g, d, o: o.register_step_pre_hook(print)), "optimizer.hooks has"),
        (then(lambda g, d, o: d.register_forward_hook(print)), "inator.hooks has been"),
        (
            then(lambda g, d, o: g[0].register_full_backward_hook(print)),
            "generator.0.hooks has been changed",
        ),
        (
            then(lambda g, d, o: g[0].weight.register_hook(print)),
            "generator.0.weight.hooks has been changed",
        ),
        (
            then(lambda g, d, o: setattr(g[1], "negative_slope", 0.0)),
            "generator.1.negative_slope (a setting) has been changed",
        ),
        (then(lambda g, d, o: g.register_buffer("b", torch.ones(1))), "generator.b "),
        (then(lambda g, d, o: torch.manual_seed(0)), "a global seed is set inside"),
        (then(lambda g, d, o: torch.random.manual_seed(0)), "a global seed"),
        (with_another_optimizer, "discriminator.weight afterwards"),
        (lambda g, d, o: tensor(step(g, d, o)) * 2, "the result"),
    ],
)
def test_nothing_else_may_change(answer, words):
    assert words in told(stepping, answer)


def test_a_slip_that_shows_in_the_weights_is_found():
    assert told(stepping, uphill).endswith("Hint: uphill")


def test_no_tolerance_hides_what_should_not_change():
    wide = Exercise(step, "a hint", a_game, atol=100.0)
    wide(step)
    assert "generator.training has been" in told(wide, then(lambda g, d, o: g.eval()))
    thawed = told(wide, then(lambda g, d, o: g.requires_grad_(False)))
    assert "requires_grad has been" in thawed
    moved = told(wide, then(lambda g, d, o: g[0].weight.data.add_(0.01)))
    assert "generator.0.weight has been changed" in moved


lengths = Exercise(
    lambda x: x.square().sum(),
    "a hint",
    lambda rng: ("a row", tensor(rng.normal(size=3))),
)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda x: x.requires_grad_(), "x.requires_grad has been changed (a row)"),
        (
            lambda x: (
                x.requires_grad_().register_hook(print),
                x.requires_grad_(False),
            ),
            "x.hooks has been changed",
        ),
    ],
)
def test_a_tensor_that_is_handed_in_asks_for_gradients_as_before(change, words):
    def answer(x):
        change(x)
        return x.detach().square().sum()

    assert words in told(lengths, answer)
    lengths(lambda x: x.clone().requires_grad_().square().sum())

    @examination("lent", "a hint")
    def check(ask):
        ask.call("a row", torch.ones(3))

    assert words.replace("x.", "").split()[0] + " of argument 1 has" in told(
        check, answer
    )


def a_network_with_gradients(rng):
    network = with_gradients(set_weights(torch.nn.Linear(2, 1), rng), rng)
    return "a network", network, tensor(rng.normal(size=(3, 2)))


def test_gradients_that_lie_in_a_network_stay_there():
    def wipes(network, x):
        network.zero_grad()
        return network(x).mean()

    check = Exercise(lambda network, x: network(x).mean(), "", a_network_with_gradients)
    check(lambda network, x: network(x).mean())
    assert "network.weight.gradient has been changed" in told(check, wipes)


@pytest.mark.parametrize("error", [None, ZeroDivisionError])
def test_settings_of_a_program_are_put_back_and_told(error):
    def answer(x):
        torch.set_default_dtype(torch.float64)
        if error:
            raise error
        return x.square().sum()

    words = "ZeroDivisionError" if error else "PyTorch's default dtype has been changed"
    assert words in told(lengths, answer)
    assert torch.get_default_dtype() is torch.float32


def test_tensors_with_gradients_may_come_in_a_list():
    rows = Exercise(lambda x: x.detach(), "a hint", lambda r: ("x", leaf(r.normal(2))))
    many = Exercise(
        lambda x: x.detach().numpy(), "a hint", lambda r: ("x", leaf(r.normal(size=3)))
    )
    rows(lambda x: x)
    many(lambda x: [value for value in x])
    many(lambda x: tuple(value.double() for value in x))
    assert "a list of rows" not in told(many, lambda x: [x, x[:1]])


def test_several_values_may_come_in_one_tensor_with_a_graph():
    pair = Exercise(
        lambda x, y: (x * y, x + y), "", two_rows, gives=("a", "b"), watch=gradients()
    )
    pair(lambda x, y: torch.stack([x * y, x + y]))
    cut = told(pair, lambda x, y: torch.stack([x * y, (x + y).detach()]))
    assert "the gradient of b in x" in cut


def test_how_a_network_works_that_comes_back_is_no_part_of_its_value():
    def norm(x, momentum=0.1):
        return torch.nn.BatchNorm1d(3, momentum=momentum)

    def another(x):
        network = norm(x, 1.0).eval()
        network.register_forward_hook(print)
        network.forward = torch.nn.Identity()
        return network

    check = Exercise(norm, "a hint", lambda rng: ("a row", tensor(rng.normal(size=3))))
    check(another)
    assert "weight" in told(check, lambda x: torch.nn.BatchNorm1d(2))


def test_a_network_among_several_values_has_no_place_in_their_order():
    check = Exercise(
        lambda network, x: (copy.deepcopy(network), x.mean()),
        "a hint",
        a_network_with_gradients,
        gives=("a copy", "a number"),
    )
    wrong = told(check, lambda network, x: (copy.deepcopy(network), x.mean() + 1))
    assert "for a number (a network) came" in wrong


def test_an_error_in_a_students_own_gradient_shows_its_line():
    class Odd(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x.square() * y

        @staticmethod
        def backward(ctx, slope):
            return slope.no_such_thing

    text = told(squaring, Odd.apply)
    assert "AttributeError" in text
    assert text.split("\n")[0].endswith(": return slope.no_such_thing)")


def test_a_backward_that_stops_is_told():
    def answer(x, y):
        root = x.exp()
        value = root * y
        root.add_(1)
        return value

    assert "backward from the square stops: " in told(squaring, answer)


def test_a_switch_of_gradients_is_put_back():
    def answer(x, y):
        torch.set_grad_enabled(False)
        return square(x, y)

    switched = told(squaring, answer)
    assert "PyTorch's switch of gradients has been changed.\nHint: What is" in switched
    assert torch.is_grad_enabled()
    with torch.no_grad():
        squaring(square)
        stepping(step)
