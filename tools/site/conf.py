# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes the documentation site; tools/docs.py brings the pages together and starts it."""

from __future__ import annotations

from pathlib import Path

project = "esx.trust"
copyright = "2026, esx.trust contributors"  # noqa: A001 - the name that Sphinx wants
html_title = "esx.trust: keys and trust of ESX hosts"
html_short_title = "esx.trust"

extensions = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
myst_heading_anchors = 4

html_theme = "sphinx_ansible_theme"
html_theme_options = {"documentation_home_url": "index.html", "topbar_links": {}}
html_static_path = ["_static"]
html_css_files = ["dark.css", "tables.css"]
html_copy_source = False
html_show_sourcelink = False
html_use_smartypants = False
pygments_style = "ansible"
highlight_language = "YAML+Jinja"

# The site is built without a network. The few labels of Ansible's documentation that the pages of modules refer to
# stand in an inventory that tools/docs.py writes.
intersphinx_mapping = {
    "ansible_devel": (
        "https://docs.ansible.com/ansible/devel/",
        str(Path(__file__).parent / "ansible_devel.inv"),
    ),
}
