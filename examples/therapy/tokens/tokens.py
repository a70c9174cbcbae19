"""Tokens in links that are sent to people."""

from django.contrib.auth.tokens import PasswordResetTokenGenerator


class LoginTokenGenerator(PasswordResetTokenGenerator):
    """Valid until the next log-in, a change of password or address, or three days have passed."""

    key_salt = "tokens.LoginTokenGenerator"


token_generator = LoginTokenGenerator()
