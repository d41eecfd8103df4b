"""Small model stores for tests, and one way to promote in them."""

from push_model.store.promotion import champion, promote
from push_model.testing import make_model

# Texts that name no folder of a store, each for another reason.
NOT_NAMES = (
    "",
    ".",
    "..",
    ".hidden",
    "../x",
    "a/../../b",
    "/etc/passwd",
    "./push_2026_01_05",
    "push_2026_01_05/",
    "push_2026_01_05/../push_2026_01_05",
    "push_2026_01_05\0",
    "push_2026_01_05\n",
    "push 2026",
    "..\\x",
    "file:///etc/passwd",
    "~",
    "$HOME",
    "%2e%2e%2fx",
    "-rf",
    "x" * 101,
    "x" * 1_000_000,
    "å",
    "\uff0e\uff0e\uff0fx",  # full-width dots and a slash
    "\u2025\u2215x",  # a two-dot leader, a division slash
    "push_2026_01_0\uff15",  # a full-width five
    "\u0440ush_2026_01_05",  # a Cyrillic letter that looks like p
    "\u202epush_2026_01_05",
    "\ud800",
    "champion.json",
    "promotions.jsonl",
    ".promotion.lock",
)
FACTS = {"reason": "why", "promoted_at": "2026-01-05", "by": "test"}


def make_store(folder, names, *, promoted=()):
    """Make a store of models that answer differently, and promote some of them in turn."""
    for number, name in enumerate(names):
        make_model(folder, name, base_log_odds=float(number), promoted=False)
    for name in promoted:
        move(folder, name)
    return folder


def move(models, name, **changes):
    """Promote a model, in place of the present champion where no other is expected."""
    if "expected" not in changes:
        serving = champion(models)
        changes["expected"] = serving.model_name if serving else None
    return promote(models, name, **{"verdict": None, **FACTS, **changes})


def names_in(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}
