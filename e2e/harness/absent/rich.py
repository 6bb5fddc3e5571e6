"""What only a tool of developers brings (import-linter): an installed operator does without, and so does ours."""

raise ImportError("rich is not installed where the operator runs")
