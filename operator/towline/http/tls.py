"""TLS between a TCP transport and a protocol: as lean as one request after the other allows.

asyncio and uvloop bring their own, for every use: a buffer of 256 KiB for each connection, flow control, and a wake-up
of the loop for each write. Each request of thousands pays for that (docs/adr/0014). What is cryptography is OpenSSL's,
here as there.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, cast

_RECORD = 16 * 1024
"""What one TLS record holds at most."""


class Tls(asyncio.Transport, asyncio.Protocol):
    """A protocol for the TCP transport below, and a transport for the protocol above.

    `shaken` is done when both sides trust the connection; it raises `ssl.SSLError` where they do not, and `OSError`
    where it was lost before.
    """

    def __init__(self, above: asyncio.Protocol, context: ssl.SSLContext, name: str | None) -> None:
        super().__init__()
        self._above = above
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._below: asyncio.Transport | None = None
        self._is_shaken = False
        self.shaken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.shaken.add_done_callback(_seen)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self._below = cast("asyncio.Transport", transport)
        self._shake()

    def data_received(self, data: bytes) -> None:
        """Go on with the handshake, or hand up what was decrypted.

        Piece by piece, because OpenSSL keeps a buffer as large as it ever had to be, for each connection.
        """
        for start in range(0, len(data), _RECORD):
            self._incoming.write(data[start : start + _RECORD])
            if not self._is_shaken:
                self._shake()
            if self._is_shaken:
                self._hand_up()
            if self._below is None:
                return

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who waits for the handshake, or the protocol above."""
        self._below = None
        if self._is_shaken:
            self._above.connection_lost(error)
        else:
            self._fail(error or ConnectionResetError("the connection was lost in the handshake"))

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Encrypt and send."""
        left = memoryview(data)
        try:
            while left:  # OpenSSL takes one record at a time
                left = left[self._object.write(left) :]
                self._flush()
        except ssl.SSLError:
            self.abort()

    def abort(self) -> None:
        """End the connection at once."""
        below, self._below = self._below, None
        if below is not None:
            below.abort()

    def pause_reading(self) -> None:
        """Let the other side wait."""
        if self._below is not None:
            self._below.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self._below is not None:
            self._below.resume_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand what comes from now on up to another protocol."""
        self._above = cast("asyncio.Protocol", protocol)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport below knows of itself."""
        return default if self._below is None else self._below.get_extra_info(name, default)

    def _shake(self) -> None:
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
        except (ssl.SSLError, ssl.CertificateError) as error:
            self._flush()  # the alert that says why
            self._fail(error)
            self.abort()
        else:
            self._is_shaken = True
            self._flush()
            self._above.connection_made(self)
            if not self.shaken.done():
                self.shaken.set_result(None)

    def _hand_up(self) -> None:
        try:
            while self._incoming.pending or self._object.pending():
                data = self._object.read(_RECORD)
                if not data:  # the other side has said that nothing more comes
                    self.abort()
                    break
                self._above.data_received(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            self.abort()
            return
        self._flush()

    def _flush(self) -> None:
        if self._outgoing.pending and self._below is not None:
            self._below.write(self._outgoing.read())

    def _fail(self, error: Exception) -> None:
        if not self.shaken.done():
            self.shaken.set_exception(error)


def _seen(shaken: asyncio.Future[None]) -> None:
    """Let nobody be told of a failure that came after those who waited had given up."""
    if not shaken.cancelled():
        shaken.exception()
