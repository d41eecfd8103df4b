import numpy as np
import pandas as pd

from push_model.evaluation.slices import slices_of
from tests.frames import make_frame


def test_new_and_returning_users_part_the_holdout():
    rows = make_frame(orders=12)
    found = dict(slices_of(rows))

    assert (found["new users"] ^ found["returning users"]).all()
    assert set(rows["user_order_seq"][found["new users"]]) == {2}


def test_baskets_part_it_by_items_bought_in_the_whole_order():
    rows = pd.DataFrame({
        "order_id": np.repeat([1, 2, 3, 4], 15),
        "outcome": np.repeat([0.0, 1.0] * 4, [8, 7, 7, 8, 4, 11, 3, 12]),
    }).assign(
        user_order_seq=2,
        count_adults=2.0,
        count_children=0.0,
        count_babies=0.0,
        count_pets=[0.0] * 30 + [1.0] * 30,
    )
    found = dict(slices_of(rows))

    def orders(name):
        return sorted(set(rows["order_id"][found[name]]))

    assert orders("orders of fewer than 8 items") == [1]
    assert orders("orders of 8 to 11 items") == [2, 3]
    assert orders("orders of 12 items or more") == [4]
    assert orders("household with pets") == [3, 4]
    assert orders("household not known, or two adults") == [1, 2]
    assert not any(name.startswith("product type") for name in found)


def test_every_product_type_is_a_slice():
    found = dict(slices_of(make_frame(orders=3)))

    assert {name for name in found if "type" in name} == {f"product type type{i}" for i in range(5)}
