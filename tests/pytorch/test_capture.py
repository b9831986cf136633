"""A captured step does what the plain one does; what no graph holds is refused."""

import time

import numpy as np
import pytest
import torch
from fake_graph import FakeGraph
from playing import game_of, played
from small_games import POINTS, SCHEDULE, assert_same, pair, small

from course_utils.pytorch import capture
from course_utils.pytorch.capture import WARM_UP, captured, uncaptured
from course_utils.pytorch.game import averaged, update_average
from course_utils.pytorch.gan import (
    gan_step,
    penalized_step,
    real_penalty_step,
    simultaneous_step,
)
from course_utils.pytorch.networks import Discriminator, Generator, MLPDiscriminator
from course_utils.pytorch.remedies import packed_step, relativistic_step
from course_utils.pytorch.training import evaluate_vae, train_vae
from course_utils.pytorch.vae import MLPVAE, ConvVAE
from course_utils.pytorch.weights import export_weights
from course_utils.records.checkpoints import Checkpoints

NO_GPU = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="this machine has no NVIDIA GPU"
)
# PyTorch's own, as its compiler is imported and at work
COMPILES = pytest.mark.filterwarnings(
    "ignore:.*torch.jit:DeprecationWarning", "ignore:The .grad attribute:UserWarning"
)


@pytest.fixture
def graphs(monkeypatch):
    """Steps on the CPU are captured; the graphs that were made so far."""
    monkeypatch.setattr(FakeGraph, "made", [])
    monkeypatch.setitem(capture.GRAPHS, "cpu", FakeGraph)
    return FakeGraph.made


def adding(total, generator):
    """A function that moves a total by its argument and by noise."""

    def function(x):
        total.add_(x.sum() + torch.randn((), generator=generator))
        return 2 * total

    return function


def called(times, seed=3):
    """What it gives when it is called with 0, 1, ..."""
    generator, total = torch.Generator().manual_seed(seed), torch.zeros(())
    function = captured(adding(total, generator), generator)
    return [function(torch.full((2,), float(i))).item() for i in range(times)], total


def test_a_captured_function_gives_what_the_plain_one_gives(graphs):
    came, total = called(8)
    assert (graphs[0].warm, graphs[0].replays) == (WARM_UP, 8 - WARM_UP)
    with uncaptured():
        expected, plain_total = called(8)
    assert len(graphs) == 1
    assert came == expected
    assert total == plain_total


def test_uncaptured_ends_and_leaves_what_there_was(graphs):
    before = dict(capture.GRAPHS)
    with pytest.raises(ZeroDivisionError), uncaptured():
        raise ZeroDivisionError
    assert before == capture.GRAPHS


def test_results_stay_as_they_were_when_it_is_called_again(graphs):
    generator, total = torch.Generator(), torch.zeros(())
    function = captured(adding(total, generator), generator)
    results = [function(torch.ones(2)) for _ in range(6)]
    assert len({float(result) for result in results}) == 6


def test_other_shapes_run_plainly_and_in_their_turn(graphs):
    generator = torch.Generator()
    function = captured(lambda x: x.sum() * torch.ones(()), generator)
    sizes = [4, 4, 4, 4, 3, 4, 1]
    came = [function(torch.ones(size)).item() for size in sizes]
    assert came == sizes
    assert graphs[0].replays == 1 + 1


class Asking:
    """Functions that a graph cannot hold."""

    def __init__(self):
        self.count = 0

    def item(self, x):
        return x * x.sum().item()

    def branch(self, x):
        return x if x.sum() > 0 else -x

    def shape(self, x):
        return x[x > 1].sum()

    def count_in_python(self, x):
        self.count += 1
        return x * self.count

    def from_the_host(self, x):
        return x * torch.tensor(2.0)


@pytest.mark.parametrize(
    "name", ["item", "branch", "shape", "count_in_python", "from_the_host"]
)
def test_what_no_graph_can_hold_runs_plainly_after_one_warning(graphs, name):
    function = captured(getattr(Asking(), name), torch.Generator())
    for _ in range(WARM_UP):
        function(torch.ones(3) + 1)
    with pytest.warns(UserWarning, match="cannot be captured, and runs plainly"):
        function(torch.ones(3) + 1)
    again = function(torch.ones(3) + 2)
    assert torch.isfinite(again).all()
    assert graphs[0].replays == 0


def test_an_error_of_the_function_itself_is_no_matter_of_graphs(graphs):
    def function(x):
        raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        captured(function, torch.Generator())(torch.ones(1))


@pytest.mark.parametrize(
    "options",
    [{}, {"binarize": True}, {"precision": "bfloat16"}, {"beta": 3.0}],
    ids=str,
)
def test_a_vae_is_trained_as_on_the_plain_path(graphs, small_vae, digits, options):
    def trained():
        torch.manual_seed(0)
        model = small_vae()
        options_ = {"batch_size": 8, "test_images": digits[:20]} | options
        history = train_vae(model, digits[:44], 2, 0, **options_)
        return history.series, [export_weights(model)]

    came = trained()
    steps = 2 * (44 // 8)
    assert graphs[0].replays == steps - WARM_UP
    assert graphs[1].replays == 2 * (20 // 8) - WARM_UP
    with uncaptured():
        assert_same(came, trained())


def test_a_convolutional_vae_too(graphs, digits):
    def trained():
        torch.manual_seed(0)
        model = ConvVAE()
        history = train_vae(model, digits[:24], 2, 0, batch_size=4)
        return history.series, [export_weights(model)]

    came = trained()
    assert graphs[0].replays
    with uncaptured():
        assert_same(came, trained())


def test_the_bounds_of_a_vae_too(graphs, small_vae, digits):
    torch.manual_seed(0)
    model = small_vae()
    came = evaluate_vae(model, digits[:11], samples=500, seed=1)
    assert graphs[0].replays == 11 // 2 - WARM_UP
    with uncaptured():
        assert evaluate_vae(model, digits[:11], samples=500, seed=1) == came


GAMES = {
    "alternating": {"step": gan_step},
    "simultaneous": {"step": simultaneous_step},
    "both penalties": {"step": penalized_step(0.1)},
    "penalty on a part": {"step": real_penalty_step(0.1, share=0.5)},
    "a weight for each step": {"step": relativistic_step(SCHEDULE)},
    "rates for each step": {
        "learning_rate": np.linspace(1e-2, 1e-3, 8),
        "discriminator_learning_rate": np.linspace(1e-3, 1e-2, 8),
    },
    "a running mean": {"averaging": 0.5},
    "bfloat16": {"precision": "bfloat16"},
}


@pytest.mark.parametrize("options", GAMES.values(), ids=GAMES)
def test_a_game_is_played_as_on_the_plain_path(graphs, options):
    came = small(**options)
    assert graphs[0].replays == 8 - WARM_UP
    with uncaptured():
        assert_same(came, small(**options))


def test_a_running_mean_is_that_of_pytorch():
    torch.manual_seed(0)
    network, twin = (torch.nn.BatchNorm1d(2) for _ in range(2))
    own, theirs = averaged(network, 0.9), averaged(twin, 0.9)
    for step in range(3):
        for module in (network, twin):
            module(torch.arange(6.0).view(3, 2) + step)
        update_average(own, network, 0.9)
        theirs.update_parameters(twin)
        assert own.n_averaged == step + 1
        for one, other in zip(own.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(one, other)
        assert torch.equal(own.module.running_mean, theirs.module.running_mean)


@COMPILES
def test_a_compiled_game_is_the_plain_one_to_rounding():
    step = penalized_step(0.1)
    history, _ = small(2, step=step, compiled=True)
    plain, _ = small(2, step=step)
    for name in plain.series:
        np.testing.assert_allclose(history[name], plain[name], rtol=1e-5)


@COMPILES
def test_a_compiled_vae_is_the_plain_one_to_rounding(small_vae, digits):
    """With a last batch that is smaller, which is not compiled."""

    def trained(compiled):
        torch.manual_seed(0)
        options = {"batch_size": 8, "compiled": compiled}
        return train_vae(small_vae(), digits[:20], 2, 0, **options)["loss"]

    np.testing.assert_allclose(trained(True), trained(False), rtol=1e-5)


def test_packs_are_played_as_on_the_plain_path(graphs):
    def game():
        networks = pair()[0], MLPDiscriminator(4, (8,))
        return small(networks=networks, step=packed_step(2))

    came = game()
    assert graphs[0].replays
    with uncaptured():
        assert_same(came, game())


def test_a_dcgan_is_played_as_on_the_plain_path(graphs, digits):
    """With batch normalization, dropout, a penalty and a running mean."""

    def game():
        torch.manual_seed(0)
        generator, discriminator = Generator(), Discriminator()
        game, history = played(
            generator,
            discriminator,
            digits[:16],
            5,
            0,
            every=5,
            batch_size=4,
            averaging=0.9,
            step=real_penalty_step(1.0, 0.5),
        )
        networks = generator, discriminator, game.average
        return history.series, [export_weights(network) for network in networks]

    came = game()
    assert graphs[0].replays == 5 - WARM_UP
    with uncaptured():
        assert_same(came, game())


def test_a_captured_game_is_resumed_as_if_there_were_no_break(graphs, tmp_path):
    whole = small(12, averaging=0.9)
    small(6, averaging=0.9, checkpoints=Checkpoints(tmp_path))
    resumed = small(12, averaging=0.9, checkpoints=Checkpoints(tmp_path), resume=True)
    assert [graph.replays for graph in graphs if graph.replays] == [9, 3, 3]
    assert_same(resumed, whole)


def test_a_state_that_is_loaded_into_a_captured_game_counts(graphs):
    """The moments that were captured are not those that are loaded."""
    game = game_of(*pair(), POINTS, 3, batch_size=8)
    game.play([(1e-3, 1e-3)] * 5)
    state = game.state()
    expected = game.play([(1e-3, 1e-3)] * 6)
    game.load_state(state)
    assert np.array_equal(game.play([(1e-3, 1e-3)] * 6), expected)


@COMPILES
def test_a_captured_game_that_is_compiled_is_recorded_anew(graphs):
    game = game_of(*pair(), POINTS, 3, batch_size=8)
    game.play([(1e-3, 1e-3)] * 5)
    game.compile()
    assert [graph.replays for graph in graphs] == [5 - WARM_UP, 0]


def test_a_loss_that_is_not_finite_names_its_step_also_when_captured(graphs):
    def step(generator, discriminator, real, z, g_optimizer, d_optimizer, number):
        losses = gan_step(generator, discriminator, real, z, g_optimizer, d_optimizer)
        return losses[0] / (number < 5), losses[1]

    with pytest.raises(FloatingPointError, match="step 6 of the game"):
        small(step=step)
    assert graphs[0].replays


@NO_GPU
def test_on_a_gpu_a_captured_vae_is_the_plain_one_to_rounding(digits, capsys):
    def trained():
        torch.manual_seed(0)
        model = MLPVAE().to("cuda")
        options = {"test_images": digits[:100], "binarize": True, "batch_size": 64}
        start = time.perf_counter()
        history = train_vae(model, digits, 40, 0, **options)
        return history, evaluate_vae(model, digits[:50]), time.perf_counter() - start

    trained()  # libraries are loaded
    with uncaptured():
        plain, bounds, slow = trained()
    history, again, fast = trained()
    for name in plain.series:
        np.testing.assert_allclose(history[name], plain[name], rtol=1e-3)
    assert again.elbo.mean == pytest.approx(bounds.elbo.mean, rel=1e-3)
    with capsys.disabled():
        print(f"\ncaptured: {slow / fast:.1f} times as fast as plain")


@NO_GPU
@pytest.mark.parametrize("compiled", [False, True])
@COMPILES
def test_on_a_gpu_a_captured_game_is_the_plain_one_to_rounding(digits, compiled):
    """For a few steps: then rounding has grown too far."""

    def losses(compiled):
        torch.manual_seed(0)
        networks = Generator().to("cuda"), Discriminator().to("cuda")
        options = {"step": real_penalty_step(1.0, 0.5), "averaging": 0.9}
        options |= {"batch_size": 32, "every": 2, "compiled": compiled}
        return played(*networks, digits[:100], 8, 0, **options)[1]

    with uncaptured():
        plain = losses(False)
    history = losses(compiled)
    for name in plain.series:
        np.testing.assert_allclose(history[name], plain[name], rtol=1e-2)
