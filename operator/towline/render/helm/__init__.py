"""Charts: folders with a Chart.yaml, which Helm turns into objects as a confined child."""
