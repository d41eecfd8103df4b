"""Airflow on this machine."""
