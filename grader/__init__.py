"""The instructor's side: hidden checks, the judge, the sandbox, and their command line."""
