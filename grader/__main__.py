"""`python -m grader`: the instructor's commands."""

import sys

# jsonschema does without it, and nbformat asks it nothing: reading its grammar takes 1.6 s in the
# command and in each worker, which all import this file
sys.modules["rfc3987_syntax"] = None

if __name__ == "__main__":
    from grader.cli import main

    main()
