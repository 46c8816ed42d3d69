"""``python -m gridstress``: the command line."""

from gridstress.cli import main

if __name__ == "__main__":
    main()
