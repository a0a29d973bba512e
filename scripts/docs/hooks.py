"""What: hooks of mkdocs for the documentation site. They turn links into the source folder
      into its paths, and refuse what a built page would fetch from elsewhere.
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


def on_page_markdown(markdown, page, config, files):
    """Turns a link to a file outside docs/ into that file's path in the source folder."""
    docs = pathlib.Path(config.docs_dir)

    def replace(match):
        text, target = match[1], match[2]
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), target))
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
