"""`python -m auditor`: digest all logs and sign checkpoints."""

from auditor.service import AuditorService
from homeostat.audit.keys import load
from homeostat.host.notary import NOTARY
from homeostat.host.process import Context, Service, main


def services(context: Context) -> list[Service]:
    """Wire the auditor with the notary's key."""
    return [AuditorService(context.settings, context.cluster, load(context.settings.keys_dir, NOTARY))]


if __name__ == "__main__":
    main("auditor")
