"""The Claude Code report: its pages, columns and tables."""
