"""HTTP to processes of this machine."""


def get(url: str, timeout_seconds: float) -> tuple[int, str]:
    """Ask a process, directly: a proxy has no business on this machine.

    Args:
        url: On the loopback address, without TLS.
        timeout_seconds: > 0; to connect, and for each part of the answer.

    Returns:
        Status and text.

    Raises:
        OSError: Nobody answers in time.
    """
    import httpx2  # takes 0.1 s, and most commands ask nobody

    try:
        answer = httpx2.get(url, timeout=timeout_seconds, trust_env=False, verify=False)
    except httpx2.TransportError as error:
        raise ConnectionError(f"{url}: {error}") from None
    return answer.status_code, answer.text
