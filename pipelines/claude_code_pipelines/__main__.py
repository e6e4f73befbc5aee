"""`python -m claude_code_pipelines`, the same program as `claude-code-analytics`."""

from .cli import main

main()
