"""The data folder: keys, and what is left in it."""

import os
from collections.abc import Iterator
from pathlib import Path

from homeostat_tools.cli.checks.check import Check, Context, fail, ok, warn


def folder(context: Context) -> Iterator[Check]:
    """It is a folder that can be written."""
    path = context.data_dir
    if not path.exists():
        yield ok("data folder", f"{path} is not made yet: `homeostat up` makes it")
    elif path.is_dir() and os.access(path, os.W_OK | os.X_OK):
        yield ok("data folder", str(path.absolute()))
    else:
        yield fail("data folder", f"{path} cannot be written, or is no folder", f"chmod u+rwx {path}")


def keys(context: Context) -> Iterator[Check]:
    """Those of the notary, the operator and whoever else has one here can be used, and their public halves be read."""
    from homeostat.audit.keys import KeyMissing, KeyUnusable, load, public_keys

    folder = context.settings.keys_dir
    others = sorted(path.stem for path in folder.glob("*.pem") if "." not in path.stem)
    for name in dict.fromkeys(("notary", "operator", *others)):
        try:
            key = load(folder, name)
            public = public_keys(folder, name)
        except KeyMissing as missing:
            yield _without(name, missing.path)
        except KeyUnusable as unusable:
            yield fail(f"key {name}", f"{unusable.path}: {unusable.why}", unusable.mend)
        else:
            if key.key_id in public:
                yield ok(f"key {name}", key.key_id)
            else:
                detail = f"{folder / name}.pub is another key's: nobody believes what {name} signs"
                yield fail(f"key {name}", detail, f"homeostat keys show {name}")


def _without(name: str, path: Path) -> Check:
    if path.suffix == ".pub":
        return fail(f"key {name}", f"its public half {path} is not there", f"homeostat keys show {name}")
    return ok(f"key {name}", "not made yet: `homeostat up` makes it")


def token(context: Context) -> Iterator[Check]:
    """The model server's can be used."""
    from homeostat.audit.secret_file import SecretMissing, SecretUnusable, read_secret

    path = context.settings.token_file
    try:
        read_secret(path)
    except SecretMissing:
        yield ok("model server's token", "not made yet: `homeostat up` makes it")
    except SecretUnusable as unusable:
        yield fail("model server's token", f"{path}: {unusable.why}", unusable.mend)
    else:
        yield ok("model server's token", str(path))


def snapshots_key(context: Context) -> Iterator[Check]:
    """The key that states are sealed with can be used, if there is one."""
    from homeostat.runtime.errors import SealKeyUnusable
    from homeostat.runtime.sealing import KEY_FILE, load_keys

    named = context.settings.snapshots_key
    path = named or context.settings.keys_dir / KEY_FILE
    try:
        keys = load_keys(path, is_required=named is not None)
    except SealKeyUnusable as unusable:
        yield fail("snapshots key", str(unusable), f"chmod 600 {path}, or homeostat folds key {path}")
    else:
        yield ok("snapshots key", str(path) if keys else "not made yet: `homeostat up` makes it")


def brake(context: Context) -> Iterator[Check]:
    """No brake was left on."""
    path = context.settings.brake_file
    if path.exists():
        detail = f"{path} brakes the hands of this machine, whatever the governor says"
        yield warn("brake file", detail, "homeostat unfreeze SCOPE (its scopes stand in the file)")
