"""How passwords are hashed: Argon2id, two at a time in a process, whoever asks.

A hash is meant to be dear. Without a bound, every thread that signs somebody in takes the memory
of one at the same moment, and strangers choose how many do.
"""

from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import Argon2PasswordHasher

AT_ONCE = 2
# In threads of their own: freed memory stays with the thread's arena, and there are two of them.
_pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="passwords")


class BoundedArgon2Hasher(Argon2PasswordHasher):
    """OWASP's second row for Argon2id; older hashes are made anew when their owner signs in."""

    memory_cost, time_cost, parallelism = 19 * 1024, 2, 1

    def encode(self, password: str, salt: str) -> str:
        return _pool.submit(super().encode, password, salt).result()

    def verify(self, password: str, encoded: str) -> bool:
        return _pool.submit(super().verify, password, encoded).result()
