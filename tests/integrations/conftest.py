"""Leaves out the tests whose environment this is not: `python tests/integrations` runs them."""

from importlib.util import find_spec

from integrations import ENVIRONMENTS

collect_ignore = [f"test_{name}.py" for name, module in ENVIRONMENTS.items() if find_spec(module) is None]
