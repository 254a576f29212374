"""Mail servers whose Debian packages exclude Postfix's: unpacked below build/ and run from there, in a
mount namespace of their own. What they insist on finding at fixed places (users, spool, helpers) is
mounted there for them alone; the system stays as it is.
"""

import glob
import os
import shutil
import subprocess
import tempfile

from .report import Skip


def unpacked(cache, package):
    """The folder below `cache` that holds what `package` would install; unpacked now when it is not
    there yet."""
    folder = os.path.join(cache, package)
    if os.path.isdir(folder):
        return folder
    os.makedirs(cache, exist_ok=True)
    work = tempfile.mkdtemp(prefix="unpack-", dir=cache)
    try:
        got = subprocess.run(["apt-get", "download", package], cwd=work, check=False, timeout=60,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        archives = glob.glob(f"{work}/{package}_*.deb")
        if got.returncode != 0 or not archives:
            raise Skip(f"cannot download {package} (apt-get download)")
        subprocess.run(["dpkg-deb", "-x", archives[0], f"{work}/root"], check=True)
        os.rename(f"{work}/root", folder)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Skip(f"cannot unpack {package}: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def private(folder, users, mounts=()):
    """The beginning of a command line that runs the rest in a mount namespace of its own. users:
    {name: id} of users there, each with a group of the same name and number; mounts: [(folder,
    where it is to be seen)…]."""
    for kind in ("passwd", "group"):
        with open(f"/etc/{kind}", encoding="utf-8") as f:
            lines = f.read()
        for name, number in users.items():
            lines += (f"{name}:x:{number}:{number}::/:/bin/false\n" if kind == "passwd"
                      else f"{name}:x:{number}:\n")
        with open(os.path.join(folder, kind), "w", encoding="utf-8") as f:
            f.write(lines)
    every = [(f"{folder}/{kind}", f"/etc/{kind}") for kind in ("passwd", "group")] + list(mounts)
    script = " && ".join([f"mount --bind {what} {where}" for what, where in every] + ['exec "$@"'])
    return ["unshare", "--mount", "sh", "-c", script, "sh"]
