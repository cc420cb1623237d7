"""Who owns the studies: whoever knows the owner's secret, or is named in FIQA_OWNERS and signed in with Hugging Face.

The owner signs in with the secret of FIQA_OWNER_SECRET, or with one made at the start and printed on the terminal,
and goes on with a pass: an expiry time signed with the secret, which a restarted or second process with the same
secret takes as well.

    guesses = GuessLimit()
    with guesses.counted(client_address, now):     # refuses those who were wrong too often
        owner.check_pass(cookie, now)              # or any function of annotate.rating.sitting

Members of single studies sign in with a secret of their own, which the app made; their pass says whose it is. What is
done is logged under the name of who does it:

    with acting_as("Ada"):
        queries.lifecycle.change_state(…)

Where the app is a Space, Gradio says who somebody is (`gr.OAuthProfile.username`, from a signed cookie), and
FIQA_OWNERS who may.
"""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from itsdangerous import BadSignature, Signer

from annotate.errors import AccessError, TooManyGuessesError

_ACTOR: ContextVar[str] = ContextVar("actor", default="")


def actor() -> str:
    """Return in whose name something is being done; blank for participants and for the app itself."""
    return _ACTOR.get()


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """Do what is in the block in somebody's name, for the log."""
    token = _ACTOR.set(name)
    try:
        yield
    finally:
        _ACTOR.reset(token)


GUESSES = 10


GUESS_WINDOW = timedelta(minutes=5)


REMEMBERED_CLIENTS = 10_000


PASS_HOURS = 12


class OwnerAccess:
    """Lets the owner of studies in. Without a secret one is made: `made` is it, to be printed once.

    `link_token`, made with it, signs in once until the process ends.
    """

    def __init__(self, secret: str | None) -> None:
        self.made = None if secret else secrets.token_urlsafe(16)
        self.link_token = None if secret else secrets.token_urlsafe(32)
        self._unused_token = self.link_token
        self._taking = threading.Lock()
        self._secret = (secret or self.made or "").encode()
        self._signer = Signer(self._secret, salt="owner's pass", digest_method=hashlib.sha256)

    def sign_in(self, secret: str, now: datetime) -> str:
        """Return a pass for PASS_HOURS; raise AccessError when the secret is wrong."""
        if not hmac.compare_digest(secret.encode("utf-8", "surrogatepass"), self._secret):
            raise AccessError("This is not the owner's secret; it is in FIQA_OWNER_SECRET or on the app's terminal.")
        return self._new_pass(now)

    def sign_in_by_link(self, token: str, now: datetime) -> str:
        """Return a pass for the link's token, the first time only; raise AccessError otherwise."""
        with self._taking:
            expected = (self._unused_token or "").encode()
            if not expected or not hmac.compare_digest(token.encode("utf-8", "surrogatepass"), expected):
                raise AccessError("This link signs in once, until the app ends; the secret is beside it.")
            self._unused_token = None
        return self._new_pass(now)

    def member_pass(self, secret_hash: str, now: datetime) -> str:
        """Return a pass for a member whose secret has that hash; whether there is one is the caller's to find out."""
        return self._new_pass(now, f":{secret_hash}")

    def _new_pass(self, now: datetime, member: str = "") -> str:
        expiry = int((now + timedelta(hours=PASS_HOURS)).timestamp())
        return self._signer.sign(f"{expiry}{member}").decode("ascii")

    def check_pass(self, given: str | None, now: datetime) -> str:
        """Return the hash of the member's secret that a pass is for, "" for the owner's.

        Raises AccessError unless it was given here and has not expired.
        """
        try:
            signed = self._signer.unsign((given or "").encode("utf-8", "surrogatepass")).decode("ascii")
        except BadSignature:
            signed = "0"
        expiry, _, member = signed.partition(":")
        if datetime.fromtimestamp(int(expiry), UTC) <= now:
            raise AccessError("Sign in as the owner of the studies first.")
        return member


def make_secret() -> str:
    """Return a new secret of a member: 192 random bits, to be shown once."""
    return secrets.token_urlsafe(24)


def hash_secret(secret: str) -> str:
    """Return what the database keeps of a member's secret, which is random enough to need no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class GuessLimit:
    """Refuses a client that was wrong GUESSES times within GUESS_WINDOW, until the first of them is that old."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def counted(self, client: str, now: datetime) -> Iterator[None]:
        """Run the block for a client; an AccessError in it counts as a guess. Raises TooManyGuessesError."""
        if self._recent(client, now) >= GUESSES:
            minutes = GUESS_WINDOW // timedelta(minutes=1)
            raise TooManyGuessesError(f"Too many wrong links or secrets; try again in {minutes} minutes.")
        try:
            yield
        except AccessError:
            self._count(client, now)
            raise

    def _recent(self, client: str, now: datetime) -> int:
        with self._lock:
            wrong = self._wrong.get(client)
            while wrong and wrong[0] <= now - GUESS_WINDOW:
                wrong.popleft()
            return len(wrong or ())

    def _count(self, client: str, now: datetime) -> None:
        with self._lock:
            self._wrong.setdefault(client, deque(maxlen=GUESSES)).append(now)
            self._wrong.move_to_end(client)
            if len(self._wrong) > REMEMBERED_CLIENTS:  # the oldest; many addresses must not fill the memory
                self._wrong.popitem(last=False)


def owner_names(value: str) -> frozenset[str]:
    """Read a list of names with commas between; the Hub's names have no case."""
    return frozenset(name.strip().lower() for name in value.split(",") if name.strip())


def check_owner(username: str | None, owners: Collection[str]) -> None:
    """Raise AccessError unless somebody is signed in who is one of `owners`, in every handler anew."""
    if not owners:
        raise AccessError("Nobody may sign in here with Hugging Face; FIQA_OWNERS would name who may.")
    if username is None:
        raise AccessError("Sign in with Hugging Face first.")
    if username.lower() not in owners:
        raise AccessError(f"{username} is not among the owners of the studies here.")
