"""The tests. A package of its own: some libraries install one of this name beside themselves."""
