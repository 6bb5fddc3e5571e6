"""What only developers need (import-linter, `make bench`): an installed operator does without, and so does ours."""

raise ImportError("rich is not installed where the operator runs")
