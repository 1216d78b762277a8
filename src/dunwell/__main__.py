"""`python -m dunwell`: the command, for processes that start each other."""

from dunwell.cli.start import main

if __name__ == "__main__":
    main()
