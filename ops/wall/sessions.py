"""Who is asking: signed cookies for signed-in accounts and for walls, and slowing down guessing."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jwt
from fastapi import Request, Response

from ops.wall.accounts import Account, Secrets, check_nobody
from ops.wall.metrics import metric
from ops.wall.problem import Problem

SESSION_COOKIE, WALL_COOKIE = "gridwhistle_session", "gridwhistle_wall"
SESSION_SECONDS = 8 * 3600  # a shift
WALL_SECONDS = 400 * 86_400  # the longest a browser keeps a cookie
GUARD_HEADER = "x-gridwhistle"  # a page of another origin cannot send it without our consent
FREE_FAILURES = 5
LONGEST_WAIT = 900.0


@dataclass(frozen=True)
class Viewer:
    """Whoever asks. ``area`` is a parameter of every query made for them."""

    kind: Literal["account", "wall"]
    id: str
    role: str = ""
    unit: str = ""
    area: str = ""

    @property
    def own_unit(self) -> str:
        """The only unit this viewer may see cases of; '' = all."""
        return self.unit if self.role == "unit" else ""


class Throttle:
    """Failures by key. After five, each further one doubles the wait, up to 15 minutes."""

    def __init__(self, clock: Callable[[], float], size: int = 10_000) -> None:
        self._clock, self._size = clock, size
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """Seconds until this key may try again."""
        count, last = self._failures.get(key, (0, 0.0))
        if count < FREE_FAILURES:
            return 0.0
        pause = min(LONGEST_WAIT, 2.0 ** (count - FREE_FAILURES + 1))
        return max(0.0, last + pause - self._clock())

    def failed(self, key: str) -> None:
        count, last = self._failures.pop(key, (0, 0.0))
        if self._clock() - last > LONGEST_WAIT:
            count = 0
        self._failures[key] = (count + 1, self._clock())
        while len(self._failures) > self._size:
            self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        self._failures.pop(key, None)


class Sessions:
    """Signs in, signs out and recognises viewers. ``clock`` gives epoch seconds."""

    def __init__(self, secrets: Secrets, clock: Callable[[], float]) -> None:
        self._secrets, self._clock = secrets, clock
        self._key = secrets.session_key()
        self._throttle = Throttle(clock)
        self._checks = asyncio.Semaphore(2)  # a hash costs 64 MB and a core

    async def sign_in(self, id_: str, password: str, address: str) -> Account:
        """The account. Problem 401 for a wrong pair, 429 while guessing is slowed down."""
        keys = (f"account:{id_}", f"address:{address}")
        if (wait := max(self._throttle.wait(k) for k in keys)) > 0:
            metric("gridwhistle_wall_logins_total").labels("throttled").inc()
            seconds = int(wait) + 1
            raise Problem(
                429,
                "too_many_attempts",
                f"登录失败次数过多，请 {seconds} 秒后再试",
                {"Retry-After": str(seconds)},
            )
        account = self._secrets.accounts().get(id_)
        async with self._checks:
            if account is None:
                await asyncio.to_thread(check_nobody, password)
            elif await asyncio.to_thread(account.verify, password):
                for key in keys:
                    self._throttle.succeeded(key)
                metric("gridwhistle_wall_logins_total").labels("ok").inc()
                return account
        for key in keys:
            self._throttle.failed(key)
        metric("gridwhistle_wall_logins_total").labels("wrong").inc()
        raise Problem(401, "wrong_password", "账号或口令不正确")

    def open(self, response: Response, account: Account, secure: bool) -> None:
        claims = {"sub": account.id, "ver": account.version}
        self._set(response, SESSION_COOKIE, claims, SESSION_SECONDS, secure)

    def close(self, response: Response) -> None:
        response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")

    def open_wall(self, response: Response, token: str, secure: bool) -> bool:
        """Exchange a wall token for a cookie; False when the token is not known."""
        if token not in self._secrets.wall_tokens():
            return False
        self._set(response, WALL_COOKIE, {"wall": _digest(token)}, WALL_SECONDS, secure)
        return True

    def account(self, request: Request) -> Viewer | None:
        """The signed-in account; None when there is none, or it was changed since."""
        claims = self._claims(request, SESSION_COOKIE)
        account = self._secrets.accounts().get(claims.get("sub", ""))
        if account is None or account.version != claims.get("ver"):
            return None
        return Viewer("account", account.id, account.role, account.unit, account.area)

    def wall(self, request: Request) -> Viewer | None:
        """The wall whose cookie or bearer token this is; None when its token was revoked."""
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        shown = _digest(sent) if scheme.lower() == "bearer" else None
        shown = shown or self._claims(request, WALL_COOKIE).get("wall")
        for token, area in self._secrets.wall_tokens().items():
            if shown == _digest(token):
                return Viewer("wall", _digest(token), area=area)
        return None

    def _claims(self, request: Request, cookie: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                request.cookies.get(cookie, ""),
                self._key,
                algorithms=["HS256"],
                audience=cookie,
                options={"verify_exp": False, "verify_iat": False, "require": ["exp"]},
            )
        except jwt.InvalidTokenError:
            return {}
        return claims if claims["exp"] > self._clock() else {}

    def _set(
        self, response: Response, cookie: str, claims: dict[str, Any], seconds: int, secure: bool
    ) -> None:
        whole = claims | {"aud": cookie, "exp": int(self._clock()) + seconds}
        response.set_cookie(
            cookie,
            jwt.encode(whole, self._key, algorithm="HS256"),
            max_age=seconds,
            path="/",
            httponly=True,
            samesite="strict",
            secure=secure,
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:32]
