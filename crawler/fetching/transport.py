"""The one door to the network: Scrapy's download handler, on aiohttp, with bounds on all that an answer may cost.

Headers, time and body are bounded (`benchmarks/fetching.py` attacks each), the guard judges every address that is
dialled, no redirect is followed, no cookie kept, no proxy taken from the environment. Runs under Scrapy's own asyncio
reactor.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

import aiohttp
from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.crawler import Crawler
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes

from crawler.fetching import proxy
from crawler.fetching.addresses import AddressRefused, Guard
from crawler.fetching.resolver import Resolver
from pipelines import urls as identity
from pipelines.certificates import recorded_certificates

MAX_HEADERS = 256
MAX_HEADER_BYTES = 16 * 1024
CHUNK_BYTES = 64 * 1024
# each coding may unpack to as much as a body may be, one after the other
MAX_CODINGS = 3
# what comes in more and smaller pieces than any server's is a flood: each piece costs more than its bytes
MAX_INTERIM = 16
MAX_CHUNKS, LEAST_OF_A_CHUNK = 20_000, 16
# probed at the start of a crawl: nobody may answer there, and with the guard nobody is asked
FORBIDDEN = "http://127.0.0.1:1/"


class FetchError(Exception):
    """No answer that can be used.

    `reason`: timeout, dns, connection, certificate, too-large, unreadable or proxy-away.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Transport(BaseDownloadHandler):
    """Fetches for http and https. Raises FetchError or AddressRefused."""

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        settings = crawler.settings
        self._proxy = settings.get("SUCHLIKE_PROXY") or None
        self._guards = not settings.getbool("SUCHLIKE_ALLOW_PRIVATE")
        self._guard = Guard(allow_private=not self._guards, proxy=self._proxy or "")
        self._most_bytes = settings.getint("DOWNLOAD_MAXSIZE")
        self._timeout_s = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._dns_s = settings.getfloat("DNS_TIMEOUT")
        self._tls = ssl.create_default_context()
        if not settings.getbool("DOWNLOAD_VERIFY_CERTIFICATES"):
            self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE
        self._recorded = {
            host: aiohttp.Fingerprint(digest)
            for host, digest in recorded_certificates(settings.getlist("SUCHLIKE_TRUST_CERTIFICATES")).items()
        }
        self._opening = asyncio.Lock()
        self._held: aiohttp.ClientSession | None = None

    async def _session(self) -> aiohttp.ClientSession:
        # a session belongs to the loop, which does not run yet when Scrapy makes its handlers
        async with self._opening:
            if self._held is None:
                resolver = Resolver(self._guard, self._dns_s)
                connector = aiohttp.TCPConnector(
                    limit=0, resolver=resolver, socket_factory=self._guard.socket, ssl=self._tls, ttl_dns_cache=300
                )
                session = aiohttp.ClientSession(
                    connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False,
                    read_bufsize=CHUNK_BYTES, max_line_size=MAX_HEADER_BYTES, max_field_size=MAX_HEADER_BYTES,
                    max_headers=MAX_HEADERS, response_class=_Answer,
                    skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
                )  # fmt: skip
                try:
                    if self._guards:
                        await _prove(session, resolver)
                except BaseException:
                    await session.close()
                    raise
                self._held = session
        return self._held

    async def download_request(self, request: Request) -> Response:
        """One answer, whatever its status; its body as it came, still encoded.

        Of the request's meta: `download_maxsize`, and `beginning`: of a longer body this much is enough.
        """
        session = await self._session()
        self._guard.spelling(request.url)
        seconds = request.meta.get("download_timeout") or self._timeout_s
        # as aiohttp will write them again
        headers = [(name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
                   for name, values in request.headers.items() for value in values]  # fmt: skip
        try:
            with _reasons(seconds):
                async with session.request(
                    request.method, request.url, data=request.body or None, headers=headers, allow_redirects=False,
                    proxy=self._proxy, timeout=aiohttp.ClientTimeout(total=seconds), ssl=self._verified(request.url),
                ) as answer:  # fmt: skip
                    return await self._read(request, answer)
        except _Unverified as error:
            shown = await self._shown(session, request.url, seconds)
            raise FetchError("certificate", f"{error}{shown}"[:500]) from None

    def _verified(self, url: str) -> aiohttp.Fingerprint | bool:
        """What the certificate of a URL's server must be: True for one that the authorities vouch for."""
        return self._recorded.get(identity.host_of(url), True)

    async def _shown(self, session: aiohttp.ClientSession, url: str, seconds: float) -> str:
        """The line that would record the certificate a server shows; empty when it shows none this time."""
        nobodys = aiohttp.Fingerprint(bytes(32))
        try:
            async with session.head(
                url, proxy=self._proxy, ssl=nobodys, timeout=aiohttp.ClientTimeout(total=seconds), allow_redirects=False
            ):
                return ""
        except aiohttp.ServerFingerprintMismatch as error:
            # raised before anything is asked
            return f'; trust_certificates = ["{identity.host_of(url)} sha256:{error.got.hex()}"] would accept it'
        except (aiohttp.ClientError, OSError, ValueError):
            return ""

    async def _read(self, request: Request, answer: aiohttp.ClientResponse) -> Response:
        most = request.meta.get("download_maxsize") or self._most_bytes
        codings = [one for value in answer.headers.getall("Content-Encoding", []) for one in value.split(",")]
        if len(codings) > MAX_CODINGS:
            raise FetchError("unreadable", f"packed {len(codings)} times; at most {MAX_CODINGS} are unpacked")
        # what is packed is of no use without its end
        beginning = request.meta.get("beginning") is True and not codings
        if (answer.content_length or 0) > most and not beginning:
            raise FetchError("too-large", f"{answer.content_length} bytes are more than {most}")
        body, chunks = bytearray(), 0
        # of an answer without a body, such as 304, `iter_chunks` would never end
        while not answer.content.at_eof():
            chunk, ended = await answer.content.readchunk()
            body += chunk
            chunks += ended
            if chunks > MAX_CHUNKS and len(body) < chunks * LEAST_OF_A_CHUNK:
                raise FetchError("unreadable", f"{chunks} chunks of {len(body) // chunks} bytes each")
            if len(body) > most:
                if beginning:
                    answer.close()
                    break
                raise FetchError("too-large", f"more than {most} bytes")
        # as they came: not every server writes UTF-8
        headers = Headers([(name, value) for name, value in answer.raw_headers])
        kind = responsetypes.from_args(headers=headers, url=request.url, body=bytes(body[:512]))
        return kind(request.url, status=answer.status, headers=headers, body=bytes(body), request=request)

    async def close(self) -> None:
        """Closes every connection."""
        if self._held is not None:
            await self._held.close()


class _Answer(aiohttp.ClientResponse):
    """An answer before which only so many interim ones (1xx) may come."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Reads up to the end of the headers."""
        protocol, number = connection.protocol, 0
        read = protocol.read

        async def counted() -> Any:
            nonlocal number
            number += 1
            if number > MAX_INTERIM:
                raise aiohttp.ClientPayloadError(f"more than {MAX_INTERIM} interim answers")
            return await read()

        protocol.read = counted
        try:
            return await super().start(connection)
        finally:
            protocol.read = read


async def _prove(session: aiohttp.ClientSession, resolver: Resolver) -> None:
    """Raises RuntimeError unless both places refuse by themselves that come after the look at how a URL is spelt."""
    with contextlib.suppress(AddressRefused):
        # no proxy can be there, which would be exempt
        await resolver.resolve("0.0.0.0", 1)
        raise RuntimeError("names may lead to private addresses")
    try:
        await session.get(FORBIDDEN)
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, AddressRefused):
            return
    raise RuntimeError("sockets may lead to private addresses")


class _Unverified(Exception):
    """The server's certificate is none that the authorities vouch for, or not the recorded one."""


@contextlib.contextmanager
def _reasons(seconds: float) -> Iterator[None]:
    """aiohttp's errors as ours."""
    try:
        yield
    except TimeoutError:
        raise FetchError("timeout", f"no whole answer within {seconds:g} seconds") from None
    except aiohttp.ClientConnectorDNSError as error:
        if isinstance(error.os_error, AddressRefused):
            raise error.os_error from None
        raise FetchError("dns", f"the name could not be resolved: {error.os_error}") from None
    except aiohttp.ClientConnectorCertificateError as error:
        said = getattr(error.certificate_error, "verify_message", "") or "it does not fit the host"
        raise _Unverified(f"its certificate cannot be verified: {said}") from None
    except aiohttp.ServerFingerprintMismatch:
        raise _Unverified("its certificate is not the one that was recorded") from None
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, AddressRefused):
            raise error.os_error from None
        # then nobody was asked
        away = isinstance(error, aiohttp.ClientProxyConnectionError)
        raise FetchError(proxy.AWAY if away else "connection", str(error)) from None
    except (aiohttp.ClientResponseError, aiohttp.InvalidURL, ValueError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise FetchError("unreadable", detail[:500]) from None
    except (aiohttp.ClientError, OSError) as error:
        raise FetchError("connection", f"{type(error).__name__}: {error}"[:500]) from None


async def prove_guarded(crawler: Crawler) -> None:
    """Raises RuntimeError unless this very crawl refuses to fetch from an address that no crawl may ever dial."""
    assert crawler.engine is not None
    for url in (FORBIDDEN, "http://0x7f.1:1/", "http://[::ffff:127.0.0.1]:1/"):
        try:
            await crawler.engine.download_async(Request(url))
        except AddressRefused:
            continue
        except Exception as error:
            raise RuntimeError(f"The guard against private addresses is not live: {error!r}.") from error
        raise RuntimeError("The guard against private addresses is not live; nothing is fetched without it.")
