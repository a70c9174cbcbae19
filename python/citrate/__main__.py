"""``python -m citrate``: the same as the command ``citrate``."""

import sys

from citrate.cli import main

if __name__ == "__main__":
    sys.exit(main())
