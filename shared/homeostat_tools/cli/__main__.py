"""`python -m homeostat_tools.cli`: the command line where its script is not on the path."""

from homeostat_tools.cli import main

main()
