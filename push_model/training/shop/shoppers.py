"""What sort of people shop at the invented shop?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from push_model.training.shop.catalogue import TYPES, Catalogue

BABY_SHARE = 0.12
TELLING_SHARE = 0.035
REGULARS_KEEPER_SHARE = 0.3
# What the frame says of a household that never told: the medians.
UNTOLD_HOUSEHOLD = (2.0, 0.0, 0.0, 0.0)


class Shoppers(NamedTuple):
    """The lasting traits of some users; arrays have one row a user.

    Attributes
    ----------
    household : ndarray of shape (n_users, 4)
        Adults, children, babies and pets, whether the user tells or not.
    taste : ndarray of shape (n_users, n_products)
        Log-want of each product, whatever the cupboard holds.
    patience : ndarray of shape (n_users, 1)
        How much longer than a typical user's a purchase lasts.
    basket : ndarray of shape (n_users,)
        Items beyond five that a large order tends to hold.
    keeps_regulars : ndarray of shape (n_users, 1)
        Whether the user marks regular products at all.
    """

    household: NDArray[np.float64]
    taste: NDArray[np.float32]
    patience: NDArray[np.float32]
    basket: NDArray[np.float64]
    keeps_regulars: NDArray[np.bool_]

    def told_household(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Hide the households of the many users who never tell."""
        tells = rng.random((len(self.household), 1)) < TELLING_SHARE
        return np.where(tells, self.household, UNTOLD_HOUSEHOLD)


def draw_shoppers(rng: np.random.Generator, catalogue: Catalogue, *, users: int) -> Shoppers:
    """Draw users with a household, tastes and habits of their own.

    Examples
    --------
    >>> from push_model.training.shop.catalogue import draw_catalogue
    >>> rng = np.random.default_rng(0)
    >>> draw_shoppers(rng, draw_catalogue(rng), users=3).taste.shape
    (3, 976)
    """
    household = _draw_households(rng, users)
    by_type = rng.normal(0, 1.2, (users, len(TYPES))) + _needs(household)
    thrift = rng.normal(0, 0.35, (users, 1))
    taste = (
        catalogue.appeal
        + by_type[:, catalogue.type_code]
        - thrift * np.log(catalogue.normalised_price)
        + rng.normal(0, 0.3, (users, len(catalogue.appeal)))
    )
    return Shoppers(
        household=household,
        taste=taste.astype(np.float32),
        patience=rng.lognormal(0, 0.15, (users, 1)).astype(np.float32),
        basket=rng.gamma(2.6, 7.2 / 2.6, users),
        keeps_regulars=rng.random((users, 1)) < REGULARS_KEEPER_SHARE,
    )


def _draw_households(rng: np.random.Generator, users: int) -> NDArray[np.float64]:
    adults = rng.choice(np.arange(1, 6), users, p=(0.25, 0.55, 0.12, 0.06, 0.02))
    children = rng.choice(np.arange(4), users, p=(0.6, 0.16, 0.18, 0.06))
    babies = rng.random(users) < BABY_SHARE
    pets = rng.choice(np.arange(7), users, p=(0.6, 0.22, 0.1, 0.04, 0.02, 0.01, 0.01))
    return np.column_stack([adults, children, babies, pets]).astype(float)


def _needs(household: NDArray[np.float64]) -> NDArray[np.float64]:
    """Raise the want of baby and pet products with a baby or pet, lower it without."""
    babies, pets = household[:, 2], household[:, 3]
    needs = np.zeros((len(household), len(TYPES)))
    for code, name in enumerate(TYPES):
        if name.startswith("infant"):
            needs[:, code] = np.where(babies > 0, 1.2, -1.5)
        elif name.startswith(("cat", "dog")):
            needs[:, code] = np.where(pets > 0, 1.2, -1.5)
    return needs
