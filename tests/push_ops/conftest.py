# Importing it names the Airflow of the tests before Airflow is imported.
from tests.dags.conftest import dag, dagbag, database, installation  # noqa: F401
