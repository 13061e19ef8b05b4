"""`python -m homeostat.cli`: the command line where its script is not on the path."""

from homeostat.cli import main

main()
