"""What: hooks of mkdocs for the documentation site. They leave out pages that are still to
      be written, turn links into the source folder into its paths, and refuse what a
      built page would fetch from elsewhere.
How to run: make docs, which has mkdocs.yml name them.
"""

import logging
import pathlib
import posixpath
import re

log = logging.getLogger("mkdocs.plugins.siamese")

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")
# What a browser fetches by itself: a link that a reader follows is not among it.
FETCHED = re.compile(r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?((?:https?:)?//[^"'>\s]+)|"""
                     r"""<link\b(?![^>]*\brel=["']?canonical)[^>]*\bhref=["']?((?:https?:)?//[^"'>\s]+)""")


def missing_pages(config):
    """Returns the pages of extra.not_yet that are not there."""
    return {name for name in config.extra.get("not_yet", ())
            if not (pathlib.Path(config.docs_dir) / name).exists()}


def on_config(config):
    """Leaves pages that are still to be written out of the navigation."""
    missing = missing_pages(config)
    for section in config.nav:
        for title, pages in section.items():
            section[title] = [page for page in pages
                              if not (isinstance(page, dict) and missing & set(page.values()))]
    for name in sorted(missing):
        log.info("left out, since it is not there yet: %s", name)
    return config


def on_page_markdown(markdown, page, config, files):
    """Turns a link to a file outside docs/ into that file's path in the source folder, and
    one to a page that is still to be written into its text."""
    docs, missing = pathlib.Path(config.docs_dir), missing_pages(config)

    def replace(match):
        text, target = match[1], match[2]
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), target))
        if path in missing:
            return text
        if not path.startswith("../"):  # a page: its file's name is for who reads the files
            return f"[{text.removesuffix('.md')}]({target}{match[3] or ''})"
        if not (docs / path).exists():
            log.warning("%s links to %s, which the source folder does not have", page.file.src_uri, target)
        path = path.removeprefix("../")
        name = text.strip("`").rstrip("/")
        return f"`{path}`" if name in (path, posixpath.basename(path)) else f"{text} (`{path}`)"

    return LINK.sub(replace, markdown)


def on_post_page(output, page, config):
    """Warns of what the page would have a browser fetch from another place."""
    for match in FETCHED.finditer(output):
        log.warning("%s fetches %s", page.file.dest_uri, match[1] or match[2])
    return output
