"""Tests inside the programs that our users put the project into, each in an environment of its own."""

# By environment, the module that only it has. Its packages are the dependency group of that name in `pyproject.toml`,
# its tests are in `test_<environment>.py`.
ENVIRONMENTS = {"airflow": "airflow", "dagster": "dagster", "dbt": "dbt", "marimo": "marimo"}
