"""Reads settings from the environment, strictly: an invalid value prevents the start.

For any setting NAME, NAME_FILE may name a file that holds its value (container secrets).
"""

import os
import re
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import FileAwareEnv, validate

Reader = TypeVar("Reader", bound=Callable[..., Any])


def _or_unset(read: Reader) -> Reader:
    """`read` for which an empty value is as if it were not set, as compose passes `NAME=` on."""

    plain: Callable[..., Any] = read

    @wraps(plain)
    def method(self: FileAwareEnv, name: str, default: Any, **more: Any) -> Any:
        return plain(self, name, default, **more) if self.str(name, "") else default

    return cast(Reader, method)


class _StrippedEnv(FileAwareEnv):
    """Takes no notice of blanks around a value, as people and their tools leave them, nor of empty
    numbers and switches. Those always have a default."""

    bool = _or_unset(FileAwareEnv.bool)
    int = _or_unset(FileAwareEnv.int)
    float = _or_unset(FileAwareEnv.float)
    decimal = _or_unset(FileAwareEnv.decimal)

    def _get_value(self, env_key: str, default: Any) -> Any:
        value = super()._get_value(env_key, default)
        return value.strip() if isinstance(value, str) else value


env = _StrippedEnv(strip_whitespace=True)
secrets_known: set[str] = set()
NOT_NEGATIVE = validate.Range(min=0)
AT_LEAST_ONE = validate.Range(min=1)
SHORTEST_HIDDEN = 6  # a shorter value is no secret, and occurs in too many other words


def read_env_file(path: Path) -> None:
    """Load variables from a `.env` file; the real environment has precedence."""
    if path.is_file():
        env.read_env(str(path), recurse=False, override=False)


def secret(name: str) -> str:
    """A setting that is masked in logs; "" if unset."""
    return hidden(str(env.str(name, "")))


def words(name: str, default: Iterable[str] = (), *, separator: str = ",") -> list[str]:
    """A comma-separated setting, stripped of blanks and empty values."""
    return _split(env.str(name, separator.join(default)), separator)


def factors(name: str) -> dict[str, Decimal]:
    """NAME=FACTOR, separated by commas; each from 0.01 to 1000."""
    found = {}
    for word in words(name):
        key, _, text = word.partition("=")
        if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text.strip()):
            raise ImproperlyConfigured(f"{name}: {word!r} is no NAME=FACTOR, such as isnet=1.5.")
        found[key.strip()] = Decimal(text.strip())
        if not Decimal("0.01") <= found[key.strip()] <= 1000:
            raise ImproperlyConfigured(f"{name}: {word!r} is not from 0.01 to 1000.")
    return found


def secrets_of(name: str) -> list[str]:
    """Several secrets, separated by commas, each masked in logs."""
    return [hidden(value) for value in _split(secret(name), ",")]


def _split(text: str, separator: str) -> list[str]:
    return [word for part in text.split(separator) if (word := part.strip())]


def hidden(value: str) -> str:
    """Return the value and mask it in logs from now on (pixian_site/logs.py)."""
    if len(value) >= SHORTEST_HIDDEN:
        secrets_known.add(value)
    return value


def generated_secret(path: Path, *, keep: bool) -> str:
    """The random secret in a private file; a new secret if there is none.

    keep: write the new secret to the file. Otherwise it lasts as long as the process.
    """
    with suppress(FileNotFoundError):
        return hidden(path.read_text(encoding="utf-8").strip())
    value = secrets.token_urlsafe(50)
    if not keep:
        return hidden(value)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process, at the same moment
        return hidden(path.read_text(encoding="utf-8").strip())
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(value)
    return hidden(value)


def openid_providers(names: Iterable[str]) -> list[dict[str, Any]]:
    """The OpenID Connect providers of these names, as allauth's settings want them.

    `origin` is ours: where the browser is sent to.
    """
    return [_provider(name) for name in names]


def _provider(name: str) -> dict[str, Any]:
    if not re.fullmatch(r"[a-z][a-z0-9]{0,29}", name):
        raise ImproperlyConfigured(
            f"OIDC_PROVIDERS: {name!r} is not a name of small letters and digits"
        )
    prefix = f"OIDC_{name.upper()}"
    url = env.str(f"{prefix}_URL", "").rstrip("/")
    client_id, client_secret = env.str(f"{prefix}_CLIENT_ID", ""), secret(f"{prefix}_CLIENT_SECRET")
    if not (url.startswith(("https://", "http://")) and client_id and client_secret):
        raise ImproperlyConfigured(
            f"OIDC_PROVIDERS names {name!r}, which needs {prefix}_URL (https://...), "
            f"{prefix}_CLIENT_ID and {prefix}_CLIENT_SECRET"
        )
    parts = urlsplit(url)
    return {
        "provider_id": name,
        "name": env.str(f"{prefix}_NAME", name.capitalize()),
        "client_id": client_id,
        "secret": client_secret,
        "settings": {"server_url": url, "oauth_pkce_enabled": True},
        "origin": f"{parts.scheme}://{parts.netloc}",
    }
