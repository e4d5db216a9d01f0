"""Real servers for the tests, each on spare loopback ports with its data in a folder of its own."""
