import base64
import io
import json
import re
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.core.pylabtools import print_figure
from matplotlib.colors import same_color
from matplotlib.patches import FancyArrowPatch, Polygon, Rectangle
from matplotlib.path import Path
from PIL import Image

from course_utils.figures import defaults, diagrams, latent_walks, spins
from course_utils.figures.pieces import BACKWARDS, MEASURED
from course_utils.figures.style import use_course_style

IMAGE = np.linspace(0, 1, 784).reshape(28, 28)
LATTICE = np.where(np.arange(36).reshape(6, 6) % 5 < 2, 1, -1)
DRAWN = {
    "vae": diagrams.vae_diagram,
    "vae with sizes": partial(
        diagrams.vae_diagram, "784 pixels", "16 numbers each", "784 means"
    ),
    "vae with pictures": partial(
        diagrams.vae_diagram,
        "784 pixels",
        "2 numbers each",
        "784 means",
        IMAGE,
        IMAGE[::-1],
    ),
    "stochastic node": diagrams.stochastic_node_diagram,
    "bars": partial(
        diagrams.bound_bars,
        -4.713254,
        [-6.241093, -5.1, -4.713254],
        ["q = prior", "q in between", "q = posterior"],
    ),
    "bars of large numbers": partial(
        diagrams.bound_bars, -1234.5, [-1290.1, -1245, -1235, -1234.6], list("abcd")
    ),
    "one bar": partial(diagrams.bound_bars, 2.5, [2.5], ["q"]),
    "autoencoder": diagrams.autoencoder_beside_vae,
    "gan": diagrams.gan_diagram,
    "gan, turn of D": partial(diagrams.gan_diagram, "discriminator", "detector"),
    "gan, turn of G": partial(diagrams.gan_diagram, "generator"),
    "gan, two tapes": partial(diagrams.gan_diagram, "tapes", "digits"),
    "gan with pictures": partial(
        diagrams.gan_diagram, real_image=IMAGE, fake_image=IMAGE[::-1]
    ),
    "settings of a generator": defaults.where_settings_sit,
    "two ways to cut": defaults.two_ways_to_cut,
    "two ways to fold": defaults.two_ways_to_fold,
    "generator": partial(
        latent_walks.generator_diagram, np.linspace(-2, 2, 100), IMAGE
    ),
    "sampler of spins": partial(spins.sampler_diagram, LATTICE, 15),
    "shell": partial(latent_walks.shell_diagram, 10, 8.2, 11.8),
}
# A picture on a slide is as wide and as high, in pixels of a slide of 1280 by 720.
SLIDE = 1220, 640
LETTERS = 20
KILOBYTES = 60


@pytest.fixture(scope="module", params=DRAWN)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def figure(name):
    return DRAWN[name]()


@pytest.fixture(scope="module")
def pictures(figure):
    return {kind: figure.picture(kind) for kind in ("svg", "png")}


def texts(figure):
    """Each text that is seen, with its extent in pixels."""
    figure.canvas.draw()
    for axes in figure.axes:
        seen = list(axes.texts)
        if axes.axison:
            low, high = axes.get_xlim()
            ticks = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
            seen += [axes.xaxis.label, *(t for x, t in ticks if low <= x <= high)]
        for text in seen:
            if text.get_text().strip():
                yield text, text.get_window_extent()


def strokes(figure):
    """The outlines of all shapes and the ways of arrows and lines, in pixels."""
    for axes in figure.axes:
        lines = [line for line in axes.lines if line.get_linestyle() != "None"]
        # a shade may lie below letters
        shapes = [patch for patch in axes.patches if patch.get_alpha() is None]
        for artist in [*shapes, *lines]:
            path, place = artist.get_path(), artist.get_transform()
            for corners in path.to_polygons(place, closed_only=False):
                yield Path(corners)


def arrows(figure, colour):
    """The extents of the arrows of a colour, in inches."""
    return [
        patch.get_path().get_extents()
        for patch in figure.axes[0].patches
        if isinstance(patch, FancyArrowPatch)
        and same_color(patch.get_edgecolor(), colour)
    ]


def words(figure):
    return [text.get_text().strip() for text, _ in texts(figure)]


def test_all_texts_are_looked_at():
    seen = words(DRAWN["bars"]())
    assert {"nats", "q = prior", "−6.0", "gap = 0.39 nats"} <= set(seen)


def test_no_text_lies_on_another(figure):
    extents = [extent for _, extent in texts(figure)]
    for i, extent in enumerate(extents):
        assert not any(extent.overlaps(other) for other in extents[i + 1 :])


def test_no_text_leaves_the_figure(figure):
    for text, extent in texts(figure):
        inside = figure.bbox.contains(*extent.min) and figure.bbox.contains(*extent.max)
        assert inside, text.get_text()


def test_no_line_crosses_a_text(figure):
    seen, ways = list(texts(figure)), list(strokes(figure))
    for text, extent in seen:
        for way in ways:
            assert not way.intersects_bbox(extent, filled=False), text.get_text()


def test_no_dot_lies_on_a_text():
    figure = diagrams.autoencoder_beside_vae()
    extents = [extent for _, extent in texts(figure)]
    dots = [line for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    assert len(dots) == 2
    for line in dots:
        for place in line.get_transform().transform(line.get_xydata()):
            assert not any(extent.padded(8).contains(*place) for extent in extents)


def test_letters_can_be_read_in_a_hall(figure):
    inches = figure.get_size_inches()
    pixels = min(wide / inch for wide, inch in zip(SLIDE, inches, strict=True))
    for text, _ in texts(figure):
        assert text.get_fontsize() / 72 * pixels >= LETTERS, text.get_text()


def test_pictures_are_the_same_each_time(name, pictures):
    figure = DRAWN[name]()
    with plt.rc_context():
        use_course_style()
        for kind in ("png", "svg", "png"):
            assert figure.picture(kind) == pictures[kind]


def test_pictures_name_no_date_no_path_and_no_font(pictures):
    svg = re.sub(r"data:image/png;base64,[^\"]*", "", pictures["svg"].decode())
    assert not re.search(r"\d{4}-\d\d|<metadata|font-family|<text|Matplotlib", svg)
    assert not re.search(r"(?<![\w.:/<])/\w+/", svg)
    assert {address.split("/")[2] for address in re.findall(r"\w+://[^\"]*", svg)} == {
        "www.w3.org"
    }
    assert not re.search(rb"tEXt|tIME|iTXt|Matplotlib", pictures["png"])


def test_pictures_are_small(pictures):
    for picture in pictures.values():
        assert len(picture) < 1000 * KILOBYTES


def test_notebooks_keep_both_pictures_once(figure, pictures):
    # as matplotlib's inline backend sets it up
    display = DisplayFormatter()
    png = partial(print_figure, fmt="png", base64=True)
    display.formatters["image/png"].for_type(plt.Figure, png)
    shown, _ = display.format(figure)
    assert set(shown) == {"image/svg+xml", "image/png", "text/plain"}
    assert shown["image/svg+xml"].encode() == pictures["svg"]
    assert base64.b64decode(shown["image/png"]).startswith(b"\x89PNG")
    assert len(shown["image/png"]) < 1000 * KILOBYTES


def test_other_programs_get_both_pictures_as_text():
    figure = DRAWN["one bar"]()
    bundle = figure._repr_mimebundle_()
    assert json.loads(json.dumps(bundle)) == bundle
    assert bundle["image/svg+xml"].encode() == figure.picture("svg")
    assert base64.b64decode(bundle["image/png"]) == figure.picture("png")


def test_figures_are_closed_and_leave_the_session_as_it_was(name):
    plt.get_backend()  # chosen at the first need, and then kept among the settings
    before = dict(plt.rcParams)
    figure = DRAWN[name]()
    figure.picture("svg")
    figure.picture("png")
    assert isinstance(figure, plt.Figure)
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before


def test_a_vae_has_its_sizes_below_and_its_losses_above():
    figure = DRAWN["vae with sizes"]()
    seen = {text.get_text(): extent for text, extent in texts(figure)}
    middle = figure.bbox.height / 2
    for name in ("784 pixels", "16 numbers each", "784 means"):
        assert seen[name].y1 < middle
    losses = [text for text, _ in texts(figure) if text.get_color() == MEASURED]
    assert len(losses) == 4
    for text in losses:
        assert text.get_window_extent().y0 > middle


def test_a_vae_shows_the_pictures_it_is_given_pixel_by_pixel():
    figure = DRAWN["vae with pictures"]()
    x, output = figure.axes[0].images
    np.testing.assert_array_equal(x.get_array(), IMAGE)
    np.testing.assert_array_equal(output.get_array(), IMAGE[::-1])
    assert x.get_clim() == output.get_clim() == (0, 1)
    assert x.get_extent()[1] < output.get_extent()[0]
    assert figure.axes[0].get_xlim() == (0, 9)
    svg = figure.picture("svg").decode()
    for kept in re.findall(r"data:image/png;base64,([^\"]*)", svg):
        assert Image.open(io.BytesIO(base64.b64decode(kept))).size == IMAGE.shape


def test_the_gradient_stops_at_the_draw_and_passes_the_sum():
    figure = diagrams.stochastic_node_diagram()
    divider = figure.axes[0].lines[0].get_xdata()[0]
    ways = arrows(figure, BACKWARDS)
    left = [way for way in ways if way.x1 < divider]
    right = [way for way in ways if way.x0 > divider]
    # a dashed line and a head each
    assert (len(left), len(right)) == (2, 6)
    assert len(arrows(figure, "black")) == 3 + 4
    heights = {text.get_text(): text.get_position()[1] for text, _ in texts(figure)}
    assert max(way.y1 for way in left) < heights[r"$q:\,\mu,\,\sigma$"] - 0.5
    assert max(way.y1 for way in right) > heights[r"$\phi$"] - 0.2


@pytest.mark.parametrize(
    "turn, of_discriminator, of_generator",
    [("both", 1, 3), ("discriminator", 2, 0), ("generator", 0, 3)],
)
def test_each_player_has_a_way_of_its_own(turn, of_discriminator, of_generator):
    figure = diagrams.gan_diagram(turn)
    # a dashed line and a head each
    ways = [len(arrows(figure, c)) for c in (diagrams.DISCRIMINATOR, BACKWARDS)]
    assert ways == [2 * of_discriminator, 2 * of_generator]
    assert diagrams.GENERATOR == BACKWARDS
    assert len(arrows(figure, "black")) == 6
    seen = words(figure)
    assert any(text.startswith("D's turn") for text in seen) == (turn != "generator")
    assert any(text.startswith("G's turn") for text in seen) == (
        turn != "discriminator"
    )


def test_the_discriminators_gradient_stops_before_the_fake():
    figure = diagrams.gan_diagram("discriminator")
    (wall,) = figure.axes[0].lines
    ways = arrows(figure, diagrams.DISCRIMINATOR)
    assert min(way.x0 for way in ways) > wall.get_xdata()[0]
    heights = {text.get_text(): text.get_position() for text, _ in texts(figure)}
    assert heights["$G(z)$"][0] < wall.get_xdata()[0]
    assert diagrams.gan_diagram("both").axes[0].lines[:] == []


def test_the_generators_gradient_passes_the_discriminator_and_the_fake():
    figure = diagrams.gan_diagram("generator")
    places = {text.get_text(): text.get_position()[0] for text, _ in texts(figure)}
    ways = arrows(figure, diagrams.GENERATOR)
    assert max(way.x1 for way in ways) > places[r"$\ell$"] - 0.2
    assert min(way.x0 for way in ways) < places["generator"] + 0.2
    ends = sorted({round(way.x0, 1) for way in ways})
    assert len(ends) >= 3


def test_a_gan_shows_the_pictures_it_is_given():
    real, fake = DRAWN["gan with pictures"]().axes[0].images
    np.testing.assert_array_equal(real.get_array(), IMAGE)
    np.testing.assert_array_equal(fake.get_array(), IMAGE[::-1])
    assert real.get_extent()[2] > fake.get_extent()[3]


def test_two_tapes_bear_their_names_and_cut_nothing():
    both, tapes = (diagrams.gan_diagram(turn) for turn in ("both", "tapes"))
    seen = words(tapes)
    assert [text for text in seen if "tape" in text] == [
        r"d_tape: $\psi$ moves",
        r"g_tape: $\theta$ moves, through D",
    ]
    assert not any("turn" in text or "detach" in text for text in seen)
    for colour in (diagrams.DISCRIMINATOR, BACKWARDS):
        assert len(arrows(tapes, colour)) == len(arrows(both, colour))


def test_another_turn_is_refused():
    with pytest.raises(ValueError, match="'player'; it must be one of both, disc"):
        diagrams.gan_diagram("player")


def test_gradients_differ_from_computation_without_their_colour():
    patches = diagrams.stochastic_node_diagram().axes[0].patches
    lines = [p for p in patches if isinstance(p, FancyArrowPatch) and p.get_linewidth()]
    for patch in lines:
        black = same_color(patch.get_edgecolor(), "black")
        assert (patch.get_linestyle() in {"-", "solid"}) == black


def test_a_bar_ends_at_its_elbo_and_its_gap_at_log_p():
    log_evidence, elbos = -4.7, [-6.2, -5.1, -4.7]
    axes = diagrams.bound_bars(log_evidence, elbos, ["a", "b", "c"]).axes[1]
    gaps = [p for p in axes.patches if isinstance(p, Rectangle)]
    bars = [p for p in axes.patches if isinstance(p, Polygon)]
    assert [gap.get_x() for gap in gaps] == elbos
    ends = [gap.get_x() + gap.get_width() for gap in gaps]
    assert ends == pytest.approx([log_evidence] * 3, rel=1e-12)
    assert [bar.get_xy()[:, 0].max() for bar in bars] == elbos
    assert len({bar.get_xy()[:, 0].min() for bar in bars}) == 1
    (wall,) = axes.lines
    assert wall.get_xdata() == [log_evidence, log_evidence]
    assert axes.get_xlim()[1] == log_evidence


def test_bars_stand_in_the_order_given_and_carry_their_names():
    axes = diagrams.bound_bars(0, [-1, -3, -2], ["a", "b", "c"]).axes[1]
    places = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert places["a"] > places["b"] > places["c"]
    gaps = [p for p in axes.patches if isinstance(p, Rectangle)]
    assert [gap.get_x() for gap in gaps] == [-1, -3, -2]
    assert gaps[0].get_y() > gaps[1].get_y() > gaps[2].get_y()


def test_printed_numbers_add_up():
    # each rounded by itself, they would not: -6.25 and 1.53 for -4.71
    seen = words(diagrams.bound_bars(-4.713254, [-6.2451, -4.7133], ["a", "b"]))
    assert {"log p(x) = −4.71 nats", "ELBO = −6.25", "gap = 1.54 nats"} <= set(seen)
    assert {"ELBO = −4.71", "gap = 0.00 nats"} <= set(seen)


def test_zero_has_no_sign():
    seen = words(diagrams.bound_bars(-0.001, [-0.002], ["q"]))
    assert {"log p(x) = 0.00 nats", "ELBO = 0.00"} <= set(seen)


def test_an_elbo_above_log_p_is_refused_beyond_rounding():
    with pytest.raises(ValueError, match="ELBO of wide q, -4.7 nats, is above log p"):
        diagrams.bound_bars(-4.71, [-5, -4.7], ["narrow q", "wide q"])
    axes = diagrams.bound_bars(-4.71, [-4.71 + 1e-9], ["q"]).axes[1]
    (gap,) = (p for p in axes.patches if isinstance(p, Rectangle))
    assert gap.get_width() == 0


@pytest.mark.parametrize("elbos, names", [([-5], ["a", "b"]), ([-5, -6], ["a"])])
def test_each_elbo_needs_a_name(elbos, names):
    with pytest.raises(ValueError, match="one ELBO a name"):
        diagrams.bound_bars(-4, elbos, names)


def test_no_bars_are_refused():
    with pytest.raises(ValueError, match="one ELBO a name: 0 for 0"):
        diagrams.bound_bars(-4, [], [])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match="finite"):
        diagrams.bound_bars(-4, [value], ["q"])
    with pytest.raises(ValueError, match="finite"):
        diagrams.bound_bars(value, [-5], ["q"])


def test_both_latent_planes_are_said_to_be_sketches():
    seen = words(diagrams.autoencoder_beside_vae())
    assert sum("(sketch)" in text for text in seen) == 2
