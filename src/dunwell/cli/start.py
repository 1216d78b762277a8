"""Where the command begins: Ctrl-C is a word of one line from the first moment on."""

import sys


def main() -> None:
    """Load the command line, which takes a moment, and run it."""
    try:
        from dunwell.cli.main import main as run  # what interrupts its loading is to be caught

        run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        raise SystemExit(130) from None
