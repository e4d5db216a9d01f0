"""`python -m patchswap`: the command line."""

from patchswap.cli import main

main()
