"""One file from the network, or the reason why it did not come."""

import threading
from pathlib import Path

PAGE = (b"<!doctype", b"<html", b"<?xml", b"<head")


def fetch(url: str, target: Path, seconds: float) -> None:
    """Write what an address holds to a file.

    Args:
        url: the address.
        target: the file; after an error it may hold a part.
        seconds: how long to wait for a first answer, and then for each further piece.

    Raises:
        OSError: it did not come; the message is the reason.
    """
    import pooch

    _wait_for_answer(url, seconds)
    try:
        pooch.HTTPDownloader(timeout=seconds)(url, str(target), None)
    # Also what a server sends may be at fault in any way.
    except Exception as error:
        raise OSError(reason(error)) from error
    with target.open("rb") as stream:
        start = stream.read(64).lstrip().lower()
    if start.startswith(PAGE):
        raise OSError(
            "a web page came instead of the file. Open a browser: perhaps this network "
            "asks for a login"
        )


def _wait_for_answer(url: str, seconds: float) -> None:
    """Return when a server answers at all; raise OSError after a hard deadline.

    Time-outs of sockets do not cover the look-up of the name, which may hang for
    half a minute; a thread that is left behind does.
    """
    import requests

    errors: list[Exception] = []

    def ask() -> None:
        try:
            requests.head(url, timeout=seconds)
        # Also settings of proxies and certificates may be at fault, in any way.
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive() or any(isinstance(e, requests.Timeout) for e in errors):
        raise OSError(f"no answer within {seconds:g} seconds")
    if errors:
        raise OSError(reason(errors[0])) from errors[0]


def reason(error: Exception) -> str:
    """Why a request failed, in words, with what to do where that is known."""
    import requests

    inner = _innermost(error)
    if isinstance(error, requests.HTTPError):
        return str(error)
    if isinstance(error, requests.exceptions.SSLError):
        return (
            f"the server's certificate was not accepted ({inner}). Check the clock; "
            "behind a firewall that opens connections, set REQUESTS_CA_BUNDLE to its "
            "certificate"
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy let nothing through ({inner}). Check HTTPS_PROXY"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"the connection broke off ({inner}). Try again"
    return f"{inner} ({type(error).__name__})"


def _innermost(error: Exception) -> str:
    """The last of the errors that requests and urllib3 wrap in each other."""
    reasons = [getattr(error, "reason", None), *error.args]
    for candidate in reasons:
        if isinstance(candidate, Exception):
            return _innermost(candidate)
    return str(error) or type(error).__name__
