def test_import() -> None:
    import dagster

    assert dagster.__version__
