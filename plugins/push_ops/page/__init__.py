"""The page "Push models" in Airflow."""

#: Of its addresses.
PREFIX = "push-models"
