"""`python -m homeostat.services.http_door`: take events over HTTP, with the settings of the environment."""

from homeostat.services.http_door.wiring import main

if __name__ == "__main__":
    main()
