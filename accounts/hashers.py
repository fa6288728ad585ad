"""Hashes passwords with Argon2id, at most two at a time in each process.

A hash needs much memory on purpose. Without a limit, strangers could make every thread compute one
at the same moment.
"""

from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import Argon2PasswordHasher

AT_ONCE = 2
# In two dedicated threads: freed memory stays in the arena of the thread that used it.
_pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="passwords")


class BoundedArgon2Hasher(Argon2PasswordHasher):
    """OWASP's second recommendation for Argon2id; older hashes are upgraded at the next log-in."""

    memory_cost, time_cost, parallelism = 19 * 1024, 2, 1

    def encode(self, password: str, salt: str) -> str:
        return _pool.submit(super().encode, password, salt).result()

    def verify(self, password: str, encoded: str) -> bool:
        return _pool.submit(super().verify, password, encoded).result()
