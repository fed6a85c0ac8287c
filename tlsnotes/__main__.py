"""`python -m tlsnotes` is the command `tlsnotes`."""

import sys

from tlsnotes.cli import main

sys.exit(main())
