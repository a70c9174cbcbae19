"""Passwords of seeded users."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class SeedHasher(PBKDF2PasswordHasher):
    """PBKDF2 with few rounds: for users whose passwords stand in a file anyway.

    A log-in with Django's own number of rounds costs half a second of CPU, which is what a load
    test would then measure.  Nobody's real password is ever hashed with it.
    """

    algorithm = "pbkdf2_seed"
    iterations = 1000
