"""SHA-256 whose state can be stored and taken up again, by another process and after a crash. `hashlib` shows none.

OpenSSL documents the struct of its SHA256_CTX and has kept it since 1.0; Python's `hashlib` brings the library along.
Whether both are what they seem is tried once against `hashlib`; where they are not, nothing is hashed ahead of time.
"""

from __future__ import annotations

import ctypes
import hashlib
import struct
from functools import lru_cache

_BLOCK_BYTES = 64
_STATE = struct.Struct(">8IQ")  # the words of the hash, and how many bytes went in; what fills no block follows


class _Context(ctypes.Structure):
    """SHA256_CTX of <openssl/sha.h>."""

    _fields_ = (
        ("words", ctypes.c_uint32 * 8),
        ("bits_low", ctypes.c_uint32),
        ("bits_high", ctypes.c_uint32),
        ("block", ctypes.c_ubyte * _BLOCK_BYTES),
        ("filled", ctypes.c_uint),
        ("digest_bytes", ctypes.c_uint),
    )


class RunningSha256:
    """Ask `is_available` first."""

    def __init__(self, state: bytes | None = None) -> None:
        """Empty, or where `state` was taken. Raises ValueError for what is no state."""
        self._context = _Context()
        _openssl().SHA256_Init(ctypes.byref(self._context))
        if state is not None:
            self._restore(state)

    def update(self, content: bytes) -> None:
        """Leaves other threads running meanwhile."""
        _openssl().SHA256_Update(ctypes.byref(self._context), content, ctypes.c_size_t(len(content)))

    def hexdigest(self) -> str:
        """Of all so far; more may follow."""
        context, digest = _Context.from_buffer_copy(self._context), ctypes.create_string_buffer(32)
        _openssl().SHA256_Final(digest, ctypes.byref(context))
        return digest.raw.hex()

    @property
    def state(self) -> bytes:
        context = self._context
        count = (context.bits_high << 32 | context.bits_low) // 8
        return _STATE.pack(*context.words, count) + bytes(context.block[: context.filled])

    def _restore(self, state: bytes) -> None:
        if len(state) < _STATE.size:
            raise ValueError("a state of SHA-256 is longer")
        *words, count = _STATE.unpack_from(state)
        rest = state[_STATE.size :]
        if len(rest) != count % _BLOCK_BYTES:
            raise ValueError("a state of SHA-256 ends with what fills no block")
        context = self._context
        context.words[:] = words
        context.bits_high, context.bits_low = divmod(count * 8, 2**32)
        context.block[: len(rest)] = rest
        context.filled = len(rest)


@lru_cache
def is_available() -> bool:
    """Whether this process has an OpenSSL that does as described above."""
    first, second = bytes(range(100)), bytes(1000)
    try:
        running = RunningSha256()
        running.update(first)
        running = RunningSha256(running.state)
        running.update(second)
    except (ImportError, OSError, AttributeError, ValueError):  # another library, or one without these names
        return False
    return running.hexdigest() == hashlib.sha256(first + second).hexdigest()


@lru_cache
def _openssl() -> ctypes.CDLL:
    """The one that `hashlib` uses: names are looked up in its module and in what that is linked to."""
    import _hashlib  # noqa: PLC0415 - a Python may be built without it

    return ctypes.CDLL(getattr(_hashlib, "__file__", None))
