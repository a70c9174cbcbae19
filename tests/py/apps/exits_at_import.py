"""Leaves the process while it is imported."""

import sys

sys.exit("exits_at_import")
