"""The parts of `website.py`, which makes the site that one reads in a browser.

links      where a link of a page leads on the site
pages      a stored notebook as a page: what is folded, words for pictures, links
contents   the pages that are in no notebook: the front, lists, the changelog
reference  the package's docstrings as pages, read and never imported
players    a control's picture as a player of frames that were drawn before
frames     draws them, by running a lesson as far as its controls
formulas   leaves formulas to KaTeX
mend       what the theme writes and a screen reader cannot read out
conf       Sphinx's settings; static/ has the site's own style and programs
"""
