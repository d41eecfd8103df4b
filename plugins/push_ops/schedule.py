"""When does a retraining start by itself, and what may start after it? Assets and the clock."""

from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable

# Whoever delivers the feature frame updates it: over the REST API, or as an outlet of a DAG.
FEATURE_FRAME = Asset("push_feature_frame")
# Updated by a run that changed the champion, and by no other.
CHAMPION = Asset("push_champion")


def at_or_on_delivery(cron: str) -> AssetOrTimeSchedule:
    """Schedule a DAG by the clock and by deliveries of the feature frame."""
    return AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(cron, timezone="UTC"), assets=FEATURE_FRAME
    )
