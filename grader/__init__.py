"""The instructor's side: hidden checks, the judge, the sandbox, and the command line around them."""
