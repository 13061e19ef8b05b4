"""`python -m homeostat.services.maml_trainer`: train initial weights on command."""

from homeostat.runtime.process import main

if __name__ == "__main__":
    main("maml_trainer")
