def test_import() -> None:
    import airflow

    assert airflow.__version__
