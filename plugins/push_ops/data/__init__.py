"""Datasets behind Airflow connections, and waiting for them."""
