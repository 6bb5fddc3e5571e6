"""Git content for one who reads at a desk: from a clone that is there, or from a mirror in the cache folder."""
