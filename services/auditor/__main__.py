"""`python -m homeostat.services.auditor`: digest all logs and sign checkpoints."""

from homeostat.runtime.process import main

if __name__ == "__main__":
    main("auditor")
