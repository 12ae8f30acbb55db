"""`python -m grader`: the instructor's commands."""

if __name__ == "__main__":
    from grader.cli import main

    main()
