"""Puts the auditor together."""

from homeostat.artifacts import open_pointer
from homeostat.audit.keys import load, public_keys
from homeostat.audit.roles import NOTARY
from homeostat.runtime.process import Context, Service
from homeostat.services.auditor.service import AuditorService


def auditor(context: Context) -> list[Service]:
    """Wire the auditor with the notary's key and with where it keeps its checkpoints."""
    settings = context.settings
    key, known = load(settings.keys_dir, NOTARY), public_keys(settings.keys_dir, NOTARY)
    service = AuditorService(settings, context.cluster, key, known, open_pointer(settings.checkpoint_url))
    context.collectors.append(service)
    return [service]
