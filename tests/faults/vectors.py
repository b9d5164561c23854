"""Addresses that no crawl may ever dial, in every spelling that some parser or resolver understands."""

from __future__ import annotations

from ipaddress import IPv4Address

# one of each kind that is not public: loopback, this host, private, link-local, carrier's, benchmarking, protocol,
# documentation, relay, multicast, reserved, broadcast
PRIVATE = (
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1",
    "169.254.169.254", "100.64.0.1", "100.100.100.200", "198.18.0.1", "192.0.0.8", "192.0.2.1", "198.51.100.1",
    "203.0.113.1", "192.88.99.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
)  # fmt: skip
IPV6 = (
    "::1", "::", "0:0:0:0:0:0:0:1", "0000:0000:0000:0000:0000:0000:0000:0001", "::0001", "0::1", "::127.0.0.1",
    "fe80::1", "fe80::1%25eth0", "fe80::1%eth0", "::1%25lo", "fc00::1", "fd00:ec2::254", "fdff::1", "fec0::1",
    "ff02::1", "ff0e::1", "2001:db8::1", "3fff::1", "2001::1", "2001:0:7f00:1::", "2001:0:53aa:64c:0:0:80ff:fffe",
    "2001:2::1", "2001:10::1", "2001:20::1", "100::1", "5f00::1", "4000::1", "::ffff:0:7f00:1", "::ffff:0:127.0.0.1",
    "64:ff9b:1::7f00:1", "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:10.0.0.1", "fe80::5efe:127.0.0.1",
)  # fmt: skip
NAMES = (
    "localhost", "LOCALHOST", "localhost.", "localhost..", "a.localhost", "localhost.localdomain", "printer.local",
    "metadata.google.internal", "metadata", "router", "nas.lan", "wiki.corp", "db.intranet", "box.home.arpa", "x.home",
    "secrets.private", "kubernetes.default.svc.cluster.local", "ip6-localhost",
)  # fmt: skip
# digits, letters and dots of other scripts that IDNA reads as ours
FOREIGN = (
    "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "127\uff0e0\uff0e0\uff0e1", "127\uff610\uff610\uff611",
    "\u2460\u2461\u2466.0.0.1", "\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3",
    "\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54", "lo\u00adcalhost", "localhost\u3002",
    "\U0001d7cf\U0001d7d0\U0001d7d5.0.0.1", "\u00b9\u00b2\u2077.\u2070.\u2070.\u00b9", "0\u00d77f.1", "127.0.0.\u0661",
)  # fmt: skip
# what looks like another host to whoever reads only half of it; LOOPBACK is 127.0.0.1 with the port
TRICKS = (
    "http://user@LOOPBACK/", "http://user:word@LOOPBACK/", "http://public.test@LOOPBACK/", "http://public.test:80@LOOPBACK/",
    "http://public.test%20@LOOPBACK/", "http://public.test%2f@LOOPBACK/", "http://a@b@LOOPBACK/", "http://LOOPBACK\\@public.test/",
    "http://LOOPBACK%2f@LOOPBACK/", "http:\\\\LOOPBACK\\", "http:/\\LOOPBACK/", "http:///LOOPBACK/", "http:LOOPBACK/",
    "//LOOPBACK/", "\\\\LOOPBACK\\", "///LOOPBACK/", "http://LOOPBACK#@public.test/", "http://LOOPBACK?@public.test/",
    "http://LOOPBACK;@public.test/", " http://LOOPBACK/", "\thttp://LOOPBACK/", "ht\ntp://LOOPBACK/", "HTTP://LOOPBACK/",
    "http://%31%32%37.0.0.1:PORT/", "http://%6c%6f%63%61%6c%68%6f%73%74:PORT/", "http://127.0.0.1%00.public.test:PORT/",
    "http://127.0.0.1%0d%0aHost:public.test:PORT/", "http://127.0.0.1%2eexample:PORT/", "http://[127.0.0.1]:PORT/",
    "http://[::1]:PORT/", "http://[::1:PORT/", "http://[[::1]]:PORT/", "http://[::1].:PORT/", "http://[v1.127.0.0.1]:PORT/",
    "http://127.0.0.1:0PORT/", "http://127.0.0.1:00000PORT/", "https://LOOPBACK/", "http://\u202e1.0.0.721:PORT/",
    "http://127.0.0.1\u200b:PORT/", "http://\ufeff127.0.0.1:PORT/", "http://127.0.0.1\uff1aPORT/", "http://127.0.0.1\uff0f@public.test/",
)  # fmt: skip
SCHEMES = (
    "file:///etc/hostname", "file://127.0.0.1/etc/hostname", "FILE:///etc/hostname", "ftp://LOOPBACK/", "gopher://LOOPBACK/_x",
    "dict://LOOPBACK/x", "ldap://LOOPBACK/", "tftp://LOOPBACK/x", "ws://LOOPBACK/", "wss://LOOPBACK/", "s3://bucket/key",
    "data:text/html,hi", "javascript:fetch('http://LOOPBACK/')", "view-source:http://LOOPBACK/", "jar:http://LOOPBACK/!/",
    "blob:http://LOOPBACK/1", "unix:///run/redis.sock", "redis://LOOPBACK/", "netdoc:///etc/hostname", "feed:http://LOOPBACK/",
    "http+unix://%2frun%2fx/", "about:blank", "mailto:root@localhost", "php://filter/x",
)  # fmt: skip


def notations(address: str) -> list[str]:
    """The spellings of an IPv4 address that inet_aton, browsers or IPv6 stacks read."""
    number, parts = int(IPv4Address(address)), [int(part) for part in address.split(".")]
    a, b, c, d = parts
    high, low = number >> 16, number & 0xFFFF
    return [
        address, f"{address}.", str(number), f"0x{number:08x}", f"0X{number:X}", f"0{number:o}",
        f"{a}.{number & 0xFFFFFF}", f"{a}.{b}.{low}", ".".join(f"0x{part:x}" for part in parts),
        ".".join(f"0{part:o}" for part in parts), f"0x{a:x}.{b}.0{c:o}.{d}", f"[::ffff:{address}]",
        f"[::ffff:{high:x}:{low:x}]", f"[0:0:0:0:0:ffff:{high:x}:{low:x}]", f"[64:ff9b::{high:x}:{low:x}]",
        f"[64:ff9b::{address}]", f"[2002:{high:x}:{low:x}::1]", f"[::{address}]",
    ]  # fmt: skip


def vectors(port: int, mark: str = "") -> list[str]:
    """All of them as URLs with this port, and a path where the spelling leaves one free. None twice."""
    hosts = [spelt for address in PRIVATE[:8] for spelt in notations(address)]
    hosts += [*PRIVATE[8:], *(f"[::ffff:{address}]" for address in PRIVATE[8:])]
    hosts += [f"[{address}]" for address in IPV6] + [*NAMES, *FOREIGN]
    urls = [f"http://{host}:{port}/{mark}" for host in hosts] + [f"https://{host}:{port}/{mark}" for host in hosts[:4]]
    for trick in (*TRICKS, *SCHEMES):
        urls.append(trick.replace("LOOPBACK", f"127.0.0.1:{port}").replace("PORT", str(port)))
    return list(dict.fromkeys(urls))
