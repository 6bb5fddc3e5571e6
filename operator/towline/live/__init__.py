"""What the cluster holds of what is ours, kept up to date by watches."""
