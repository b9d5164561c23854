"""Certificates are verified; one that is not fails with its reason, and can be recorded for its host alone."""

from __future__ import annotations

import asyncio
import gc
import http.server
import re
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from crawling import Crawled, begin, finished, settings, worker
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from scrapy import Request
from scrapy.utils.test import get_crawler
from scripted_site import story

from crawler import settings as scrapy_settings
from crawler.fetching.transport import FetchError, Transport
from pipelines.certificates import recorded_certificates
from pipelines.config import Config
from pipelines.errors import ConfigError
from pipelines.sections import Crawl
from pipelines.stores import failures


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = story(3).body
        self.send_response(404 if self.path != "/story" else 200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server whose certificate nobody vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "own")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "certificate").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that hang up are the point
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def crawl_again(folder: Path, url: str, **crawl: object) -> Crawled:
    store, run = begin(folder, settings(allow_private_addresses=True, **crawl), sites=[url])
    with worker(folder, run) as begun:
        process = finished(begun)
    assert process.returncode == 0, process.stderr
    return Crawled(store, run, process)


def test_what_cannot_be_verified_ends_with_its_reason_and_comes_once_it_is_recorded(tmp_path: Path, port: int) -> None:
    url = f"https://127.0.0.1:{port}/story"
    done = crawl_again(tmp_path, url)
    assert done.fate(url) == ("refused", "certificate")
    said = done.told(url)["detail"]
    line = re.search(r'trust_certificates = \["(127\.0\.0\.1:\d+ sha256:[0-9a-f]{64})"\]', said)
    assert "self-signed certificate" in said and line, said
    with done.store.write() as connection:
        assert failures.retry(connection, failures.Choice(reason="certificate")) == 1
    assert crawl_again(tmp_path, url, trust_certificates=[line[1]]).fate(url) == ("stored", None)


# what failed is still saying goodbye to its server when the loop ends
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_another_certificate_than_the_recorded_one_is_refused(port: int) -> None:
    async def ask(line: str) -> str:
        wanted = scrapy_settings.settings(Config(crawl=Crawl(allow_private_addresses=True, trust_certificates=[line])))
        transport = Transport(get_crawler(settings_dict=wanted))
        try:
            with pytest.raises(FetchError) as raised:
                await transport.download_request(Request(f"https://127.0.0.1:{port}/story"))
        finally:
            await transport.close()
        return f"{raised.value.reason}: {raised.value}"

    for host, said in (("127.0.0.1", "not the one that was recorded"), ("other.test", "cannot be verified")):
        assert asyncio.run(ask(f"{host}:{port} sha256:{'ab' * 32}")).startswith("certificate: its certificate")
        assert said in asyncio.run(ask(f"{host}:{port} sha256:{'ab' * 32}"))
    gc.collect()  # here and not in another test


def test_a_line_names_a_host_and_a_digest() -> None:
    assert recorded_certificates(["News.Example:443  sha256:" + ":".join(["0A"] * 32)]) == {"news.example": b"\n" * 32}


@pytest.mark.parametrize(
    "lines",
    [["news.example"], ["news.example sha256:ab"], ["news.example sha1:" + "ab" * 32],
     ["https://a.test/ sha256:" + "ab" * 32], ["a.test sha256:" + "ab" * 32] * 2],
)  # fmt: skip
def test_any_other_line_is_an_error_that_says_how(lines: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"write news\.example sha256:HEX"):
        recorded_certificates(lines)
