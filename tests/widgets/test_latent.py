"""The latent explorer, with a decoder that is only a formula."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.figures import latent_maps
from course_utils.widgets.latent import latent_explorer

COUNT = 10_000


def decode(z):
    """A picture whose brightness tells both coordinates."""
    images = np.full((len(z), 28, 28, 1), 0.5, dtype=np.float32)
    images[:, :14] += 0.05 * z[:, 0, None, None, None]
    images[:, 14:] += 0.05 * z[:, 1, None, None, None]
    return images


@pytest.fixture
def codes(rng):
    """Latent points, images and classes; the first pixel tells the row."""
    z = rng.standard_normal((COUNT, 2)).astype(np.float32)
    x = np.zeros((COUNT, 28, 28, 1), dtype=np.float32)
    x[:, 0, 0, 0] = np.arange(COUNT) / COUNT
    return z, x, rng.integers(0, 10, COUNT)


@pytest.fixture
def box(codes):
    return latent_explorer(decode, *codes)


def parts(figure):
    """Pictures in the order in which they are drawn, the point, and the rings."""
    background, decoded, row, over = figure.axes
    rings, cross = over.lines
    return {
        "background": background.images[0].get_array(),
        "decoded": decoded.images[0].get_array(),
        "row": row.images[0].get_array(),
        "titles": (decoded.get_title(), row.get_title()),
        "rings": np.stack(rings.get_data(), axis=1),
        "point": np.concatenate(cross.get_data()),
        "limits": (*over.get_xlim(), *over.get_ylim()),
    }


def test_it_begins_where_it_is_told(codes):
    box = latent_explorer(decode, *codes, start=(-2.5, 0.85))
    assert [control.value for control in box.controls.values()] == [-2.5, 0.85]


@pytest.mark.parametrize("name", ["z1", "z2"])
def test_setting_a_slider_changes_the_picture_and_back(box, name):
    before = bytes(box.picture.value)
    assert before.startswith(b"\x89PNG")
    box.controls[name].value = 1.0
    assert bytes(box.picture.value) != before
    box.controls[name].value = 0.0
    assert bytes(box.picture.value) == before


def test_the_picture_shows_what_the_point_decodes_to(box):
    shown = parts(box.draw(z1=1.2, z2=-2.0))
    np.testing.assert_allclose(shown["point"], [1.2, -2.0], rtol=1e-6)
    expected = decode(np.array([[1.2, -2.0]], dtype=np.float32))[0].squeeze()
    np.testing.assert_array_equal(shown["decoded"], expected)
    assert shown["titles"][0] == "decoded at (1.20, -2.00)"


@pytest.mark.parametrize("z1, z2", [(0.0, 0.0), (0.7, -1.3), (-4.0, 3.5)])
def test_neighbours_are_the_nearest_of_all(box, codes, z1, z2):
    z, x, y = codes
    point = np.array([z1, z2], dtype=np.float32)
    distances = [float(np.hypot(*(row - point))) for row in z]
    nearest = sorted(range(COUNT), key=distances.__getitem__)[:5]
    shown = parts(box.draw(z1=z1, z2=z2))
    np.testing.assert_array_equal(shown["rings"], z[nearest])
    # 28 pixels each, and gaps of two
    firsts = shown["row"][0, ::30]
    np.testing.assert_array_equal(firsts, x[nearest, 0, 0, 0])
    numerals = " ".join(str(label) for label in y[nearest])
    assert shown["titles"][1] == f"nearest training digits: {numerals}"


def test_the_map_holds_what_it_draws_and_all_sliders_reach(box, codes):
    z = codes[0]
    for corner in ("min", "max"):
        ends = [getattr(control, corner) for control in box.controls.values()]
        figure = box.draw(*ends)
        low, high = parts(figure)["limits"][:2]
        assert low <= min(ends)
        assert max(ends) <= high
        assert np.abs(z[:3_000]).max() <= high


def test_rings_lie_on_the_numerals_of_the_background():
    z = np.array([[1.5, -2.5]])
    image = np.ones((1, 28, 28, 1), dtype=np.float32)
    background = latent_maps.map_background(z, np.array([7]), end=3)
    nearest = latent_maps.Neighbours(z, image, np.array([7]))
    figure = latent_maps.latent_place(background, 3, z[0], image[0], nearest)
    column, row = figure.axes[3].transData.transform(z[0])
    height = len(background)
    # the numeral is grey; frame and letters of the axes lie outside of the map's middle
    inside = np.zeros(background.shape[:2], dtype=bool)
    inside[60:-80, 120:500] = True
    grey = np.abs(background[..., :3].astype(int) - 0x8C).sum(-1) < 60
    rows, columns = np.nonzero(grey & inside)
    # a numeral's middle and its point agree within two pixels
    assert np.mean(columns) == pytest.approx(column, abs=2)
    assert height - np.mean(rows) == pytest.approx(row, abs=2)


def test_the_background_differs_between_classes_without_colour():
    z = np.zeros((1, 2))
    grey = [
        latent_maps.map_background(z, np.array([label]), 3)[..., :3].mean(-1) < 250
        for label in (0, 7)  # the same colour
    ]
    assert (grey[0] != grey[1]).any()


def test_a_saved_page_gets_a_figure(codes, monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "1")
    figure = latent_explorer(decode, *codes)
    assert isinstance(figure, plt.Figure)
    np.testing.assert_array_equal(parts(figure)["point"], [0, 0])
    assert plt.get_fignums() == []


def test_a_redraw_costs_less_than_two_plain_pictures(box, redraw_in_plain_pictures):
    places = np.linspace(-2, 2, 15).tolist()
    assert redraw_in_plain_pictures(box.controls["z1"], places) < 2


@pytest.mark.parametrize(
    "fault", [lambda z: z[:, :1], lambda z: z[:-1], lambda z: z[:, 0]]
)
def test_points_that_do_not_fit_the_digits_are_refused(codes, fault):
    z, x, y = codes
    with pytest.raises(ValueError, match=r"Pass z \(n, 2\)"):
        latent_explorer(decode, fault(z), x, y)
