"""Authentication errors, one class for each reason.

AuthenticationError
├── UnknownKey        1001   nobody has this API Id (or none was sent)
├── KeyRevoked        1002   the owner revoked this key
├── AccountSuspended  1003   staff suspended the account
└── WrongSecret       1004   the API Id exists, but the secret does not match
"""


class AuthenticationError(Exception):
    """Credentials were refused; `code` is stable, `message` says what to change."""

    status = 401
    code: int
    message: str

    def __init__(self, message: str = "") -> None:
        if message:
            self.message = message
        super().__init__(self.message)


class UnknownKey(AuthenticationError):
    code = 1001
    message = "The API Id is unknown. Check it against the list on your API keys page."


class KeyRevoked(AuthenticationError):
    code = 1002
    message = "This API key has been revoked. Create a new one on your API keys page."


class AccountSuspended(AuthenticationError):
    code = 1003
    message = "This account is suspended. Write to support to have it reinstated."


class WrongSecret(AuthenticationError):
    code = 1004
    message = (
        "The API Secret is wrong. It was shown once, when the key was created; "
        "if it is lost, create a new key."
    )
