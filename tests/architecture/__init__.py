"""docs/architecture.md is held to the code: its picture and its table of rooms are made from it, its paths exist."""
