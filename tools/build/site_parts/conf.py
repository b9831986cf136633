"""Sphinx's settings. `website.py` calls it, with this folder as the one of settings."""

import tomllib

from addresses import address_and_tag

from site_parts.formulas import setup  # noqa: F401  (Sphinx looks for this name)
from site_parts.links import ROOT

BUILD = ROOT / "build" / "site"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
ADDRESS, TAG = address_and_tag()

project = "Deep generative models, executed"
author = "the authors of the course"
release = PROJECT["version"]
copyright = "the authors; text and figures CC BY 4.0, code BSD 3-Clause"  # noqa: A001
language = "en"

extensions = ["myst_nb"]
root_doc = "index"
myst_enable_extensions = ["dollarmath", "attrs_block", "attrs_inline"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
nb_execution_mode = "off"
nb_merge_streams = True
suppress_warnings = ["ref.python"]  # both wings have a `Game`
add_module_names = False
python_use_unqualified_type_names = True
toc_object_entries = False

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = [str(BUILD / "static")]
html_extra_path = [str(BUILD / "extra")]
html_css_files = ["katex/katex.min.css", "course.css", "player.css"]
html_js_files = ["katex/katex.min.js", "formulas.js", "player.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_last_updated_fmt = None
html_math_renderer = "katex"
html_theme_options = {
    "repository_url": ADDRESS,
    "use_repository_button": True,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "navbar_persistent": [],  # the side bar has the search
}
