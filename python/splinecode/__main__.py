"""``python -m splinecode``."""

from .cli import main

raise SystemExit(main())
