"""`python -m grader`: the instructor's commands."""

from grader.cli import main

if __name__ == "__main__":  # the processes of a Dask cluster import this file
    main()
