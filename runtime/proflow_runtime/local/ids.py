"""Makes ids in Inngest's formats from a seed, so that the same inputs give the same ids."""

import base64
import hashlib
import uuid
from datetime import datetime
from functools import lru_cache

_RFC4648 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CROCKFORD = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TO_CROCKFORD = bytes.maketrans(_RFC4648, _CROCKFORD)


def milliseconds(at: datetime) -> int:
    """Return the Unix time in milliseconds, rounded down."""
    return int(at.timestamp()) * 1000 + at.microsecond // 1000


def hash_step_id(step_id: str) -> str:
    """Return the id of a step in the wire protocol: its SHA-1 in hex."""
    return hashlib.sha1(step_id.encode(), usedforsecurity=False).hexdigest()


@lru_cache(maxsize=1024)
def _time_half(ms: int) -> str:
    """The first ten characters of a ULID: 48 bits of time, most significant first."""
    return "".join(chr(_CROCKFORD[ms >> shift & 31]) for shift in range(45, -1, -5))


class IdFactory:
    """Makes ULIDs (26 characters, time first) and UUIDs from a seed and a label."""

    def __init__(self, seed: int) -> None:
        self._seed = str(seed)
        self._count = 0

    def ulid(self, at: datetime, label: str) -> str:
        """Return the ULID of a label at a time; the same label gives the same 80 low bits."""
        low = hashlib.blake2b(f"{self._seed}/{label}".encode(), digest_size=10).digest()
        return (
            _time_half(milliseconds(at)) + base64.b32encode(low).translate(_TO_CROCKFORD).decode()
        )

    def next(self, at: datetime, kind: str) -> str:
        """Return a new ULID."""
        self._count += 1
        return self.ulid(at, f"{kind}/{self._count}")

    def uuid(self, label: str) -> str:
        """Return the UUID of a label."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._seed}/{label}"))
