"""Compare what a revision declares with the cluster, as the operator would, without writing anything."""
