"""What did the invented shop sell to whom, from its warm-up to the window's end?"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from push_model.training.shop.baskets import Round, fill_baskets
from push_model.training.shop.catalogue import Catalogue, draw_catalogue
from push_model.training.shop.shoppers import draw_shoppers
from push_model.training.shop.visits import Visits, draw_pull, draw_visits

# A block of users needs a few matrices of users x products: 256 keep each within 1 MB.
USERS_A_BLOCK = 256


class Marks(NamedTuple):
    """Orders marked for each product: bought in it, a regular at it, and so on.

    Attributes
    ----------
    start : ndarray of shape (n_products + 1,)
        Where each product's orders begin in `order`.
    order : ndarray of shape (n_marks,)
        Places of orders in the shop's `visits`, ascending for each product.
    """

    start: NDArray[np.int64]
    order: NDArray[np.int32]

    def of(self, product: int) -> NDArray[np.int32]:
        """Give the orders marked for one product."""
        return self.order[self.start[product] : self.start[product + 1]]


@dataclass(frozen=True)
class Shop:
    """A shop's whole record: its shelf, its orders, and what each order held.

    Attributes
    ----------
    catalogue : Catalogue
        What it sells.
    visits : Visits
        Its orders, by user and then by time.
    household : ndarray of shape (n_users, 4)
        Adults, children, babies and pets, as far as the user told.
    bought, abandoned, regular, snoozed : Marks
        Orders that held the product; orders before which it was left in a cart; orders
        at whose time it was a regular; orders at whose time that regular was snoozed.
    """

    catalogue: Catalogue
    visits: Visits
    household: NDArray[np.float64]
    bought: Marks
    abandoned: Marks
    regular: Marks
    snoozed: Marks


class _Block(NamedTuple):
    """The record of some users, both numbered as if there were no others."""

    visits: Visits
    household: NDArray[np.float64]
    marks: tuple[NDArray[np.int64], ...]


def simulate_shop(rng: np.random.Generator, *, min_repeat_orders: int) -> Shop:
    """Simulate users, one block after another, until they placed enough repeat orders.

    Examples
    --------
    >>> shop = simulate_shop(np.random.default_rng(0), min_repeat_orders=10)
    >>> int(shop.visits.is_repeat().sum()) >= 10
    True
    """
    catalogue, pull = draw_catalogue(rng), draw_pull(rng)
    blocks: list[_Block] = []
    repeat_orders = 0
    while repeat_orders < min_repeat_orders:
        blocks.append(_simulate_block(rng, catalogue, pull))
        repeat_orders += int(blocks[-1].visits.is_repeat().sum())
    return _join(catalogue, blocks)


def _simulate_block(
    rng: np.random.Generator, catalogue: Catalogue, pull: NDArray[np.float64]
) -> _Block:
    visits = draw_visits(rng, users=USERS_A_BLOCK, pull=pull)
    shoppers = draw_shoppers(rng, catalogue, users=USERS_A_BLOCK)
    rounds = [_flatten(filled) for filled in fill_baskets(rng, catalogue, shoppers, visits)]
    marks = tuple(np.concatenate(kind) for kind in zip(*rounds, strict=True))
    return _Block(visits, shoppers.told_household(rng), marks)


def _flatten(filled: Round) -> list[NDArray[np.int64]]:
    """Turn each matrix of a round into one number a mark, product and order in one."""
    numbers = []
    for matrix in (filled.bought, filled.abandoned, filled.regular, filled.snoozed):
        row, product = np.nonzero(matrix)
        # The product in the high half, so that sorting the numbers groups by product.
        numbers.append((product << 32) + filled.position[row])
    return numbers


def _join(catalogue: Catalogue, blocks: list[_Block]) -> Shop:
    """Lay the blocks end to end, numbering users and orders through all of them."""
    orders_before = np.cumsum([0, *(len(block.visits.user) for block in blocks[:-1])])
    user = [block.visits.user + USERS_A_BLOCK * i for i, block in enumerate(blocks)]
    columns = zip(*(block.visits for block in blocks), strict=True)
    visits = Visits(*(np.concatenate(column) for column in columns))
    products = len(catalogue.variant_id)
    marks = []
    for kind in range(4):
        pairs = zip(blocks, orders_before, strict=True)
        shifted = np.concatenate([block.marks[kind] + before for block, before in pairs])
        marks.append(_group(shifted, products))
    household = np.concatenate([block.household for block in blocks])
    return Shop(catalogue, visits._replace(user=np.concatenate(user)), household, *marks)


def _group(numbers: NDArray[np.int64], products: int) -> Marks:
    """Sort the marks by product and order."""
    numbers.sort()
    start = np.searchsorted(numbers, np.arange(products + 1) << 32)
    return Marks(start, (numbers & 0xFFFF_FFFF).astype(np.int32))
