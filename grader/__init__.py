"""The instructor's side: hidden checks, the judge, the sandbox, and their command line."""

import sys

# Not loaded in the command, nor in a worker or a judge: jsonschema does without it, nbformat asks
# it nothing, and reading its grammar of addresses takes 1 to 2 s.
sys.modules.setdefault("rfc3987_syntax", None)
