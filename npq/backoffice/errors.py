"""What is refused about staff accounts."""

from npq.core.errors import Refused


class LastSuperuser(Refused):
    """There is always a superuser who can sign in, once there has been one."""

    title = "account"
    code = "last_superuser"
    detail = "This is the last active superuser. Make another one first."


class LastAccessManager(Refused):
    """There is always an access manager who can sign in, once there has been one."""

    title = "account"
    code = "last_access_manager"
    detail = "This is the last active access manager. Give somebody else that role first."


class OwnPowers(Refused):
    """Nobody takes their own powers away: a slip would be beyond their own repair."""

    title = "account"
    code = "own_powers"
    detail = "You cannot switch off your own account or take away your own roles. Ask another access manager."


class AccountExists(Refused):
    """A username belongs to one account, however it is written and whether that is switched on or off."""

    title = "username"
    code = "account_exists"
    detail = "There is an account with the username {username} already. Open it and switch it on, or choose another."


class EmailTaken(Refused):
    """An email address belongs to one account: by it the department's sign-in finds the account."""

    title = "email"
    code = "staff_email_taken"
    detail = "The account {username} has that email address already. Use it, or give another address."


class AccountSwitchedOff(Refused):
    """What is for signing in is of no use to an account that may not."""

    title = "account"
    code = "account_switched_off"
    detail = "This account is switched off. Switch it on first."


class NoSecondFactor(Refused):
    """There is nothing to reset before an authenticator has been set up."""

    title = "second_factor"
    code = "no_second_factor"
    detail = "No second factor has been set up. It will be asked for at the next sign-in."


class NotLinked(Refused):
    """There is nothing to unlink before somebody has signed in with the department's sign-in."""

    title = "identity"
    code = "staff_identity_not_linked"
    detail = "The account is not linked to the department's sign-in. It will be at their next sign-in there."


class UnknownAccount(Refused):
    """An account is named by its username."""

    title = "username"
    code = "account_unknown"
    detail = "No account has the username {username}. Look it up in the list of staff accounts."
