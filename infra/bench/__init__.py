"""`hall bench`: ratios against the limit of this machine, measured beside it in the same run."""
