from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from threading import Lock

from chalicelib.core.connector import AccessToken


@dataclass
class FakeAuthority:
    """Makes access tokens from one refresh token, as a CRM does.

    ``refreshed_with`` are the refresh tokens it was shown. ``rotates`` gives a new one with
    every access token, and takes no older one. ``trouble`` is raised instead, ``busy`` waited.
    """

    clock: object
    refresh_token: str = "refresh-0"
    rotates: bool = False
    lifetime: timedelta = timedelta(minutes=30)
    trouble: Exception | None = None
    busy: object = lambda: None
    refreshed_with: list = field(default_factory=list)

    def __post_init__(self):
        self._numbers = count(1)
        self._lock = Lock()

    def refresh(self, refresh_token):
        with self._lock:
            self.refreshed_with.append(refresh_token)
            number = next(self._numbers)
        self.busy()
        if self.trouble:
            raise self.trouble
        assert refresh_token == self.refresh_token
        if self.rotates:
            self.refresh_token = f"refresh-{number}"
        expires_at = self.clock.now() + self.lifetime
        return AccessToken(f"access-{number}", expires_at, self.refresh_token)
