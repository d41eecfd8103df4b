"""What each task of the DAGs does: the Airflow side of push_model."""
