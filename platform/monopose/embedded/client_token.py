"""The token of the embedded Ray head, where every Ray client of the user finds it by itself."""

import os
import secrets
import sysconfig
from pathlib import Path

from monopose.errors import UnavailableError

_PTH_LINE = (
    "import os; os.path.exists(os.path.expanduser('~/.ray/auth_token')) "
    "and os.environ.setdefault('RAY_AUTH_MODE', 'token')\n"
)


def token_file() -> Path:
    """Where every Ray client of this user looks for the token."""
    return Path.home() / ".ray" / "auth_token"


def ensure_token(recorded: str) -> str:
    """The user's token; the recorded one, or a new one, is written when there is none.

    Raises UnavailableError when it cannot be written.
    """
    path = token_file()
    try:
        if path.exists():
            return path.read_text().strip()
        token = recorded or secrets.token_hex(32)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(token)
    except OSError as error:
        raise UnavailableError(f"cannot hold the token ({error})", where=str(path)) from error
    return token


def let_clients_use_the_token() -> bool:
    """Makes `ray job submit` of this environment send the token without a variable being set.

    Ray 2.60's `ray.init` and `ray start` turn token mode on when RAY_AUTH_MODE is unset and a
    token lies in the home folder; its job client alone does not. A `.pth` line in this
    environment's site-packages does the same for it. True when it is there.
    """
    path = Path(sysconfig.get_path("purelib")) / "monopose_ray_token.pth"
    try:
        if not path.exists() or path.read_text() != _PTH_LINE:
            path.write_text(_PTH_LINE)
    except OSError:
        return False
    return True
