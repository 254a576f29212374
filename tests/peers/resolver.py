"""Next hops by name, with a real name server behind: addresses of both families, aliases, names that
do not exist, a zone that cannot be served, a server that says nothing, and records that change.
"""

import shutil
import socket
import time

from clients import SENDER
from kit.nsd import Nsd
from kit.process import free_port
from kit.report import Skip, check
from kit.smtp_client import Session

PATH = SENDER.encode()


def nsd(lab, records, ttl=60):
    if not shutil.which("nsd"):
        raise Skip("nsd is not installed")
    server = Nsd(lab.new_folder("nsd"), "hops.test", records, ttl)
    lab.keep(("nsd", server.port), lambda: server)
    server.start()
    return server


def ask(g, recipient=b"one@via.test"):
    """The reply to RCPT."""
    with Session(g.port) as session:
        replies = session.envelope(PATH, [recipient])
        session.quit()
    return replies[1]


def gatepost(lab, host, port, server_port, **limits):
    return lab.gatepost({"via.test": f"smtp://{host}:{port}"}, workers=1, limits=limits,
                        policy=f"resolver 127.0.0.1:{server_port}\n")


def names(lab):
    """A, A behind a dead AAAA, an alias: found. No such name, no address, SERVFAIL: later."""
    hop = lab.hop()
    server = nsd(lab, ["four A 127.0.0.1", "both A 127.0.0.1", "both AAAA ::1",
                       "second A 127.0.0.77", "second A 127.0.0.1", "alias CNAME both",
                       "far CNAME alias", "empty TXT nothing"])
    for name in ("four", "both", "second", "alias", "far"):
        reply = ask(gatepost(lab, f"{name}.hops.test", hop.port, server.port))
        check(reply.code == 250, f"{name}: {reply}")
    for name in ("nobody.hops.test", "empty.hops.test", "a.b.hops.test"):
        reply = ask(gatepost(lab, name, hop.port, server.port))
        check(reply.code == 451 and reply.enhanced == "4.4.4", f"{name}: {reply}")
    reply = ask(gatepost(lab, "mail.broken.test", hop.port, server.port))
    check(reply.code == 451 and reply.enhanced == "4.4.3", f"a zone that cannot be served: {reply}")
    return f"5 found, 3 not there, 1 not to be had: {reply}"


def hosts_file(lab):
    """A name of /etc/hosts is found though no name server is there to ask."""
    hop = lab.hop()
    reply = ask(gatepost(lab, "localhost", hop.port, free_port()))
    check(reply.code == 250, f"localhost: {reply}")


def silent(lab):
    """A name server that says nothing: 451 in good time, and other mail is not held up meanwhile."""
    hop = lab.hop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        port = mute.getsockname()[1]
        g = lab.gatepost({"via.test": f"smtp://four.hops.test:{hop.port}",
                          "direct.test": f"smtp://127.0.0.1:{hop.port}"}, workers=1,
                         limits={"connect_time": "3s"}, policy=f"resolver 127.0.0.1:{port}\n")
        with Session(g.port) as waiting:
            waiting.send(b"EHLO client.test\r\n")
            waiting.reply()
            waiting.send(b"MAIL FROM:<" + PATH + b">\r\nRCPT TO:<one@via.test>\r\n")
            began = time.monotonic()
            reply = ask(g, b"one@direct.test")
            took = time.monotonic() - began
            check(reply.code == 250 and took < 2, f"another domain: {reply} after {took:.1f} s")
            check(waiting.reply().code == 250, "MAIL")
            late = waiting.reply()
            took = time.monotonic() - began
        check(late.code == 451 and late.enhanced.startswith("4.4."), f"the name: {late}")
        check(took < 10, f"answered after {took:.1f} s")
    return f"{late} after {took:.1f} s"


def changes(lab):
    """A record that changes is noticed when its TTL is over, and not before."""
    hop = lab.hop()
    server = nsd(lab, ["moving 3 A 127.0.0.1"], ttl=3)
    g = gatepost(lab, "moving.hops.test", hop.port, server.port, hop_idle_time="0")
    check(ask(g).code == 250, "before the change")
    asked = time.monotonic()
    server.change(["moving 3 A 127.0.0.78"])
    if time.monotonic() - asked < 2:
        reply = ask(g)
        check(reply.code == 250, f"within the TTL: {reply}")
    time.sleep(max(0, asked + 4 - time.monotonic()))
    reply = ask(g)
    check(reply.code == 451 and reply.enhanced == "4.4.1", f"nobody is at the new address: {reply}")
    server.change(["moving 3 A 127.0.0.1"])
    time.sleep(4)
    reply = ask(g)
    check(reply.code == 250, f"and back again: {reply}")


def server_returns(lab):
    """A name server that was down is used again within seconds."""
    hop = lab.hop()
    server = nsd(lab, ["four 1 A 127.0.0.1"], ttl=1)
    server.close()
    g = gatepost(lab, "four.hops.test", hop.port, server.port, connect_time="2s")
    for _ in range(3):
        reply = ask(g)
        check(reply.code == 451, f"while it is down: {reply}")
    server.start()
    began = time.monotonic()
    while ask(g).code != 250:
        check(time.monotonic() - began < 70, "the name server is not used again")
        time.sleep(0.5)
    return f"after {time.monotonic() - began:.1f} s"


TESTS = [
    ("resolver.names", names),
    ("resolver.hosts-file", hosts_file),
    ("resolver.silent", silent),
    ("resolver.changes", changes),
    ("resolver.server-returns", server_returns),
]
