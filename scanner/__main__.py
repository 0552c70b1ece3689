"""`python -m scanner` is `keypolicy`."""

import sys

from scanner.cli.main import main

sys.exit(main())
