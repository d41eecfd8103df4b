"""How is a user's past counted? SQL over a frame's rows, by product, by vendor or by kind."""

from collections.abc import Sequence

# Not "frame", which others name their rows in queries on top of these.
ROWS = "rows_with_a_past"

#: What is bought again: the column that tells it, and the word for it in names of features.
KEYS = {"variant_id": "variant", "vendor": "vendor", "product_type": "product_type"}

# An order's place among its user's: 1 for those of the first day in the frame. Orders of one day
# are not each other's past, so they share a place.
_PLACED = f"""
    SELECT order_id, user_id, rank() OVER (PARTITION BY user_id ORDER BY day) AS place,
        day - max(day) OVER past AS days_since,
        (max(day) OVER past - min(day) OVER past) / nullif(count(*) OVER past - 1, 0) AS usual_days
    FROM (SELECT order_id, any_value(user_id) AS user_id, any_value(order_date)::DATE AS day
          FROM {ROWS} GROUP BY order_id)
    WINDOW past AS (PARTITION BY user_id ORDER BY day
                    RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 DAY PRECEDING)
"""
_CADENCE = """
    placed.days_since::DOUBLE AS days_since_order,
    placed.usual_days::DOUBLE AS usual_days_between_orders
"""
_PLACE = "placed.place::DOUBLE AS earlier_orders"


def with_history_query(
    columns: str, keys: Sequence[str], *, has_place: bool, has_cadence: bool
) -> str:
    """Select columns of a frame, and what earlier orders held."""
    counts = [
        f"""coalesce(of_{KEYS[key]}.times, 0)::DOUBLE AS orders_with_{KEYS[key]},
            of_{KEYS[key]}.since::DOUBLE AS orders_since_{KEYS[key]}"""
        for key in keys
    ]
    selected = ", ".join([columns, *[_CADENCE] * has_cadence, *[_PLACE] * has_place, *counts])
    joins = "\n".join(
        f"LEFT JOIN ({_past_by(key)}) AS of_{KEYS[key]} USING (order_id, {key})" for key in keys
    )
    return f"""
        SELECT {selected}
        FROM {ROWS} JOIN ({_PLACED}) AS placed USING (order_id)
        {joins}
    """


def next_orders_query() -> str:
    """Select what each user's next order has behind it, after all that is known."""
    return f"""
        WITH users AS (SELECT user_id, count(*) + 1 AS place FROM ({_PLACED}) GROUP BY user_id)
        SELECT user_id, NULL::BIGINT AS variant_id, NULL::VARCHAR AS vendor,
            place AS earlier_orders,
            0 AS orders_with_variant, NULL::BIGINT AS orders_since_variant,
            0 AS orders_with_vendor, NULL::BIGINT AS orders_since_vendor
        FROM users
        UNION ALL BY NAME ({_next_by("variant_id")})
        UNION ALL BY NAME ({_next_by("vendor")})
        ORDER BY user_id, variant_id NULLS FIRST, vendor NULLS FIRST
    """


def _next_by(key: str) -> str:
    word = KEYS[key]
    return f"""
        SELECT user_id, {key}, times + earlier::INT AS orders_with_{word},
            users.place - coalesce(last_place, 0) AS orders_since_{word}
        FROM (SELECT user_id, {key}, count_if(bought) AS times,
                  max(CASE WHEN bought THEN place END) AS last_place,
                  bool_or(is_from_before) AS earlier
              FROM ({_counted_by(key)}) GROUP BY user_id, {key})
        JOIN users USING (user_id)
    """


def _past_by(key: str) -> str:
    return f"""
        SELECT order_id, {key}, times + earlier::INT AS times,
            CASE WHEN times > 0 THEN place - last_place WHEN earlier THEN place END AS since
        FROM (SELECT *, is_told OR coalesce(bool_or(is_from_before) OVER past, false) AS earlier
              FROM ({_counted_by(key)})
              {_past_window(key)})
    """


def _counted_by(key: str) -> str:
    """Count what each order had behind it, for what the user bought at any time.

    What an order is told of as bought before, and no earlier order of the frame held, was bought
    in an order before the frame: one more, which has the place 0. Unless another order of the same
    day held it: then it may be that one which is told of.
    """
    # Some rows in twenty: of what was never bought there is nothing to count.
    ever_bought = f"""
        SELECT order_id, {key}, any_value(placed.user_id) AS user_id,
            any_value(placed.place) AS place, bool_or(outcome = 1) AS bought,
            bool_or(coalesce(ordered_before, 0) = 1) AS before
        FROM {ROWS} JOIN ({_PLACED}) AS placed USING (order_id, user_id)
        SEMI JOIN (SELECT DISTINCT user_id, {key} FROM {ROWS}
                   WHERE outcome = 1 OR ordered_before = 1) AS ever USING (user_id, {key})
        GROUP BY order_id, {key}
    """
    in_frame = f"""
        SELECT *, count(*) FILTER (WHERE bought) OVER past AS times,
            max(CASE WHEN bought THEN place END) OVER past AS last_place,
            count_if(bought) OVER (PARTITION BY user_id, {key}, place) AS times_that_day
        FROM ({ever_bought})
        {_past_window(key)}
    """
    return f"""
        SELECT *, before AND times = 0 AS is_told,
            is_told AND times_that_day = bought::INT AS is_from_before
        FROM ({in_frame})
    """


def _past_window(key: str) -> str:
    return f"""
        WINDOW past AS (PARTITION BY user_id, {key} ORDER BY place
                        RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    """
