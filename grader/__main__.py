"""`python -m grader`: the instructor's commands."""

from grader.cli import main

main()
