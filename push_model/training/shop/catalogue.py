"""What stands on the invented shop's shelf, and since when?"""

from dataclasses import dataclass
from itertools import product
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

# A frame opens with 608 products on sale and ends with 976, over 150 days.
WINDOW_DAYS = 150
PRODUCTS_AT_START = 608
PRODUCTS = 976
BEFORE_ALL = -1_000
DEAREST_GBP = 36.89
CHEAPEST_GBP = 0.59
MARKED_UP_SHARE = 0.02

TYPE_NAMES = """
storecupboard tinnedveg pulsesbeans noodleshapes grainsseeds fryingoils vinegars picklejars
tablesauces brothcubes driedherbs flours sweeteners jamshoney nutbutters porridges crunchies
oatcakes dunkingbiscuits chocolateslabs crisps trailmixes poppedcorn leafteas herbinfusions
groundcoffee wholebeans cocoas oatdrinks pressedjuices fizzywaters tonics cordials redwines
whitewines smallbeers ginsandmore laundrygels laundryflakes fabricrinses stainbars machinetabs
sinkliquids worktopsprays bathsprays floorwashes looroll papertowels binliners foilsandwraps
soapbars showerfoams shampoobars toothcare bodybalms odourguards razorblades infantnappies
infantwipes infantmeals catsuppers dogsuppers
"""
VENDOR_BEGINNINGS = """
abel bram corv dunna eske fenno garr hoxa ilver jask kelna lurr morva nettle ormo pask
quill rosk sunda tarn ulva wenna
"""
VENDOR_ENDINGS = "wick folk mere stow barn loom crest row ling garth thrup hythe"
TYPES = tuple(TYPE_NAMES.split())
VENDORS = tuple(
    beginning + ending
    for beginning, ending in product(VENDOR_BEGINNINGS.split(), VENDOR_ENDINGS.split())
)


@dataclass(frozen=True)
class Catalogue:
    """Every product the shop ever sells, one entry a product, by `variant_id`.

    Attributes
    ----------
    variant_id : ndarray of shape (n_products,)
        Ascending; a later launch has a larger number.
    type_code, vendor_code : ndarray of shape (n_products,)
        Places in `TYPES` and `VENDORS`.
    launch_day : ndarray of shape (n_products,)
        First day on sale, counted from the first day of the window.
    normalised_price, discount_pct : ndarray of shape (n_products,)
        As in the feature frame.
    appeal : ndarray of shape (n_products,)
        Log of how much everybody wants it. Never in the frame.
    stickiness : ndarray of shape (n_products,)
        Chance that a buyer makes it a habit. Never in the frame.
    cycle_days : ndarray of shape (n_products,)
        Days one purchase lasts a typical user. Never in the frame.
    """

    variant_id: NDArray[np.int64]
    type_code: NDArray[np.int64]
    vendor_code: NDArray[np.int64]
    launch_day: NDArray[np.int64]
    normalised_price: NDArray[np.float64]
    discount_pct: NDArray[np.float64]
    appeal: NDArray[np.float64]
    stickiness: NDArray[np.float64]
    cycle_days: NDArray[np.float64]


def draw_catalogue(rng: np.random.Generator) -> Catalogue:
    """Draw a shelf of products with invented names.

    Examples
    --------
    >>> catalogue = draw_catalogue(np.random.default_rng(0))
    >>> len(catalogue.variant_id), len(set(catalogue.vendor_code.tolist()))
    (976, 264)
    """
    type_code = _draw_codes(rng, len(TYPES), head=0.6)
    type_cycle_days = rng.lognormal(np.log(31), 0.45, len(TYPES))
    price = (
        rng.lognormal(np.log(3.0), 0.75, PRODUCTS) * rng.lognormal(0, 0.55, len(TYPES))[type_code]
    )
    gbp = np.clip(np.round(price, 2), CHEAPEST_GBP, DEAREST_GBP)
    launched = np.sort(rng.beta(1, 1.15, PRODUCTS - PRODUCTS_AT_START))
    # Normal scores rather than draws: every seed has the same head and the same tail.
    scores = [NormalDist().inv_cdf((rank + 0.5) / PRODUCTS) for rank in range(PRODUCTS)]
    return Catalogue(
        variant_id=33_000_000_000_000 + np.cumsum(rng.integers(1, 9_000_000_000, PRODUCTS)),
        type_code=type_code,
        vendor_code=_draw_codes(rng, len(VENDORS), head=0.75),
        launch_day=np.concatenate([
            np.full(PRODUCTS_AT_START, BEFORE_ALL),
            np.ceil(launched * (WINDOW_DAYS - 8)),
        ]).astype(np.int64),
        normalised_price=gbp / DEAREST_GBP,
        discount_pct=_draw_discounts(rng),
        appeal=1.13 * rng.permutation(scores),
        stickiness=rng.beta(2.0, 2.3, PRODUCTS),
        cycle_days=type_cycle_days[type_code] * rng.lognormal(0, 0.2, PRODUCTS),
    )


def _draw_codes(rng: np.random.Generator, kinds: int, *, head: float) -> NDArray[np.int64]:
    """Give every kind one product and the rest by a power law of its rank."""
    share = np.arange(1, kinds + 1) ** -head
    rest = rng.choice(kinds, PRODUCTS - kinds, p=share / share.sum())
    return rng.permutation(np.concatenate([np.arange(kinds), rest]))


def _draw_discounts(rng: np.random.Generator) -> NDArray[np.float64]:
    """Mark most products down a little, a few by more than their price, and a few up."""
    discount = np.round(rng.lognormal(np.log(0.125), 0.9, PRODUCTS), 3)
    marked_up = rng.random(PRODUCTS) < MARKED_UP_SHARE
    return np.clip(np.where(marked_up, -0.04 * rng.random(PRODUCTS), discount), -0.04, 1.325)
