"""``python -m lo2``."""

from lo2.cli.main import main

if __name__ == "__main__":
    main()
