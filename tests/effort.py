"""How many rounds the hammers go: EFFORT is 1, or 10 where PUSH_TESTS_THOROUGH is set.

`make test` proves every behaviour with few rounds. `make test-system` sets PUSH_TESTS_THOROUGH
and runs the same tests with the full number of bits flipped, champions changed and copies made.
"""

import os

EFFORT = 10 if os.environ.get("PUSH_TESTS_THOROUGH") else 1
