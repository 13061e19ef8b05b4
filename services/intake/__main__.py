"""`python -m homeostat.services.intake`: guard the ingress topics, or those that HOMEOSTAT_INTAKE_DOORS names."""

from homeostat.runtime.process import main

if __name__ == "__main__":
    main("intake")
