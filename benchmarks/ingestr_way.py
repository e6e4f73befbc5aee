"""ingestr 0.14.155, run by a Python that has it: `ingestr_way.py ADDRESS FIRST_DAY DAY_AFTER_THE_LAST DATABASE`."""

import json
import sys
import time

from ingestr.main import app
from ingestr.src.anthropic import helpers

address, first_day, last_day, database = sys.argv[1:]
usual = helpers.AnthropicClient.__init__


def begin(self, api_key):
    """Points the client at the simulated API."""
    usual(self, api_key)
    self.base_url = f"{address}/v1"


helpers.AnthropicClient.__init__ = begin
began = time.perf_counter()
try:
    app(
        [
            *("ingest", "--yes", "--progress", "log"),
            *("--source-uri", "anthropic://?api_key=key", "--source-table", "claude_code_usage"),
            *("--interval-start", first_day, "--interval-end", last_day),
            *("--dest-uri", f"duckdb:///{database}", "--dest-table", "bench.claude_code_usage"),
        ],
        standalone_mode=False,
    )
finally:
    print(json.dumps({"seconds": time.perf_counter() - began}))  # noqa: T201
