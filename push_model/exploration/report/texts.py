"""How is a text made to fit: into a picture, into a file's name?"""

import re

# A longer name would run into the number at the right of its row.
LONGEST_NAME = 44


def shorten(name: str, longest: int = LONGEST_NAME) -> str:
    """Cut a name that is too long for a picture.

    Examples
    --------
    >>> shorten("trees, half the rows", longest=10)
    'trees, ha…'
    """
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def make_slug(*parts: str) -> str:
    """Make a name that is safe as a file's, and as an anchor.

    Examples
    --------
    >>> make_slug("setting", "l2_leaf_reg", "../x")
    'setting-l2-leaf-reg-x'
    """
    return re.sub(r"[^a-z0-9]+", "-", " ".join(parts).lower()).strip("-")
