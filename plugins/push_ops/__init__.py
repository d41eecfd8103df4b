"""What does each task of a DAG do? The Airflow side of push_model; start with steps.py."""
