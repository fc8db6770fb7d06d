"""What went wrong, in one line for the person at the terminal, and the exit code that belongs to it."""

from __future__ import annotations

import errno

from leukolens.finding.errors import LeukolensError

_OUTPUT_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS} if hasattr(errno, "EDQUOT") else {errno.ENOSPC, errno.EROFS}


def describe_failure(error: Exception, *, debug: bool = False) -> tuple[str, int]:
    """Put an exception into words.

    Parameters
    ----------
    error
        What a verb raised.
    debug
        True where the traceback has been shown already, so that the hint to ask for it is left out.

    Returns
    -------
    message : str
        One line (two for usage), without a line end.
    code : int
        1 to 4 by the contract; 130 where a prompt was aborted.
    """
    if isinstance(error, LeukolensError):
        return f"Error: {error}", error.exit_code
    if type(error).__name__ == "Abort":
        return "Interrupted.", 130
    usage = _usage_message(error)
    if usage is not None:
        return usage, 2
    if isinstance(error, OSError) and error.errno in _OUTPUT_ERRNOS:
        return f"Error: {error.filename or 'the output'} could not be written: {error.strerror}.", 2
    hint = "" if debug else " Run it again with --debug for the traceback."
    return f"Internal error: {type(error).__name__}: {_first_line(error)}{hint}", 3


def _usage_message(error: Exception) -> str | None:
    """Reword an error of typer's parser; None for any other exception.

    Typer leaned on click's classes first and carries its own copies since; both have ``format_message``.
    """
    format_message = getattr(error, "format_message", None)
    if format_message is None:
        return None
    possibilities = getattr(error, "possibilities", None)
    if possibilities:
        message = f"{getattr(error, 'message', '').rstrip('.')}. Did you mean {', '.join(map(repr, possibilities))}?"
    else:
        message = str(format_message())
    if type(error).__name__ == "NoArgsIsHelpError":
        return message
    path = getattr(getattr(error, "ctx", None), "command_path", "leukolens")
    return f"Error: {message}\nSee '{path} --help'."


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else "no message"
