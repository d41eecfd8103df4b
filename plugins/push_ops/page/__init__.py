"""The page "Push models" in Airflow."""
