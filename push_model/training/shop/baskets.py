"""What does each user of the invented shop put in the basket, and why?

Every product has a want: its appeal, the user's lasting taste, and what the user's
cupboard holds today. The n products with the largest want plus Gumbel noise are bought,
which is drawing n without replacement in proportion to exp(want).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from push_model.training.shop.catalogue import TYPES, Catalogue
from push_model.training.shop.shoppers import Shoppers
from push_model.training.shop.visits import Visits

Wants = NDArray[np.float32]
Flags = NDArray[np.bool_]
Users = NDArray[np.int64]

TOP_UP_SHARE = 0.245
TOP_UP_SIZES = (0.33, 0.27, 0.22, 0.18)
LARGEST_BASKET = 78
# Days: so long before the window that any cupboard is empty.
NEVER = np.float32(-10_000)
# Keeps log(0) away, should a draw underflow.
TINY = np.float32(1e-30)
# Log-wants added to a product bought before: a habit with an empty and with a full
# cupboard, a product only tried; and to a regular, snoozed or not.
HABIT_EMPTY, HABIT_FULL, TRIED = 4.2, -3.8, 0.6
REGULAR, SNOOZED = 1.6, -0.8
# Chances of finding a wished product in an abandoned cart, if then bought and if not.
CARTED_AND_BOUGHT, CARTED_ONLY = 0.038, 0.0155
TEMPTING, MARKED_UNBOUGHT, MARKED_HABIT = 25, 0.3, 0.35
SNOOZED_FULL, SNOOZED_EMPTY, FULL_UNTIL = 0.85, 0.5, 0.9


class Round(NamedTuple):
    """What one order of each of some users held; matrices have one row an order."""

    position: NDArray[np.int64]
    bought: Flags
    abandoned: Flags
    regular: Flags
    snoozed: Flags


def fill_baskets(
    rng: np.random.Generator, catalogue: Catalogue, shoppers: Shoppers, visits: Visits
) -> Iterator[Round]:
    """Fill the first basket of every user, then every second one, and so on."""
    cupboard = _Cupboard(rng, catalogue, shoppers)
    size = _draw_sizes(rng, shoppers.basket[visits.user])
    for seq in range(1, int(visits.seq.max()) + 1):
        position = np.flatnonzero(visits.seq == seq)
        user, day = visits.user[position], visits.day[position, None].astype(np.float32)
        regular = cupboard.regular[user]
        snoozed = regular & _happens(rng, cupboard.snooze_chance(user, day))
        want = cupboard.want(user, day) + np.where(snoozed, SNOOZED, REGULAR * regular)
        want[day < catalogue.launch_day] = -np.inf
        want -= np.log(rng.standard_exponential(want.shape, np.float32) + TINY)
        bought = _largest(want, size[position])
        # An abandoned cart is an early look at the same wants; most are bought soon after.
        wished = _largest(want, 2 * size[position]) & (seq > 1)
        abandoned = wished & _happens(rng, np.where(bought, CARTED_AND_BOUGHT, CARTED_ONLY))
        cupboard.stock(rng, user, day, bought)
        yield Round(position, bought, abandoned, regular, snoozed)


class _Cupboard:
    """What each user bought last, made a habit of, and marked as a regular."""

    def __init__(self, rng: np.random.Generator, catalogue: Catalogue, shoppers: Shoppers) -> None:
        shape = shoppers.taste.shape
        self.catalogue = catalogue
        self.shoppers = shoppers
        self.cycle = (catalogue.cycle_days * shoppers.patience).astype(np.float32)
        self.last = np.full(shape, NEVER, np.float32)
        self.type_last = np.full((shape[0], len(TYPES)), NEVER, np.float32)
        self.habit = np.zeros(shape, np.bool_)
        tempting = _largest(shoppers.taste, np.full(shape[0], TEMPTING))
        marked = tempting & _happens(rng, np.full(shape, MARKED_UNBOUGHT))
        self.regular = shoppers.keeps_regulars & marked

    def emptiness(self, user: Users, day: Wants) -> Wants:
        """Days since the last purchase, in cycles of this product and user."""
        empty: Wants = (day - self.last[user]) / self.cycle[user]
        return empty

    def snooze_chance(self, user: Users, day: Wants) -> NDArray[np.float64]:
        """Snooze a regular mostly while the cupboard is still full."""
        return np.where(self.emptiness(user, day) < FULL_UNTIL, SNOOZED_FULL, SNOOZED_EMPTY)

    def want(self, user: Users, day: Wants) -> Wants:
        """Log-want of every product today, noise apart."""
        known = self.last[user] > NEVER
        empty = np.minimum(self.emptiness(user, day), 6)
        # A habit sleeps while the cupboard is full, wakes before one cycle, fades after two.
        due = 1 / (1 + np.exp(-9 * (empty - 0.8)))
        habit = HABIT_FULL + (HABIT_EMPTY - HABIT_FULL) * due - 0.9 * np.clip(empty - 1.6, 0, 3)
        memory = known * np.where(self.habit[user], habit, TRIED - 0.25 * empty)
        # Another product of the kind just bought is not needed yet.
        kind = np.exp(np.minimum(self.type_last[user] - day, 0) / 9)[:, self.catalogue.type_code]
        wants: Wants = self.shoppers.taste[user] + memory - 0.6 * kind * ~known
        return wants

    def stock(self, rng: np.random.Generator, user: Users, day: Wants, bought: Flags) -> None:
        """Remember what was bought, and which of it becomes a habit or a regular."""
        row, product = np.nonzero(bought)
        buyer, chance = user[row], rng.random((2, len(row)))
        sticks = (chance[0] < self.catalogue.stickiness[product]) & (
            self.last[buyer, product] == NEVER
        )
        self.habit[buyer, product] |= sticks
        marked = self.habit[buyer, product] & (chance[1] < MARKED_HABIT)
        self.regular[buyer, product] |= marked & self.shoppers.keeps_regulars[buyer, 0]
        self.last[buyer, product] = day[row, 0]
        self.type_last[buyer, self.catalogue.type_code[product]] = day[row, 0]


def _happens(rng: np.random.Generator, chance: NDArray[np.float64]) -> Flags:
    return rng.random(chance.shape, np.float32) < chance


def _draw_sizes(rng: np.random.Generator, basket: NDArray[np.float64]) -> NDArray[np.int64]:
    """Draw items per order: a top-up of one to four, or five and more."""
    top_up = rng.choice(np.arange(1, 5), len(basket), p=TOP_UP_SIZES)
    large = np.minimum(5 + rng.poisson(basket * rng.gamma(4, 0.25, len(basket))), LARGEST_BASKET)
    return np.where(rng.random(len(basket)) < TOP_UP_SHARE, top_up, large)


def _largest(want: Wants, size: NDArray[np.int64]) -> Flags:
    """Mark the `size[i]` largest wants of row i."""
    most = int(size.max())
    top = np.sort(np.partition(want, -most, axis=1)[:, -most:], axis=1)
    smallest = top[np.arange(len(size)), most - size]
    return want >= smallest[:, None]
