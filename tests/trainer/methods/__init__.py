"""Each objective against its formula."""
