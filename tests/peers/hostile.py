"""Bad guests: whatever they do, a polite client is served meanwhile and afterwards, no worker dies,
and the workers' memory stays bounded.

Bad guests come from 127.0.0.1, the polite client from 127.0.0.2.
"""

import os
import random
import socket
import struct
import threading
import time

from kit.process import cpu_ticks, memory_kib, peak_memory_kib, run_tool, wait_until
from kit.report import Failed, Skip, check
from kit.smtp_client import Gone, Session, dot_stuffed
import crowd

POLITE_ADDRESS = "127.0.0.2"
MESSAGE = b"Subject: polite\r\n\r\nhello\r\n"
GROWTH_KIB = 64 * 1024  # what all workers together may grow by
GROWTH_SANITIZED_KIB = 16 * GROWTH_KIB  # AddressSanitizer keeps freed memory for a while


NO_WAIT = """
table trusted { 192.0.2.1 }
set greeting_wait = 1ms
set defer_strangers = false
policy standard
"""


class Polite(threading.Thread):
    """Delivers a message every few milliseconds until told to stop; notes what went wrong."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.enough = threading.Event()
        self.slowest = 0.0
        self.count = 0
        self.error = None

    def run(self):
        while not self.enough.wait(0.02) and not self.error:
            self.once()

    def once(self):
        started = time.monotonic()
        try:
            with Session(self.port, source=POLITE_ADDRESS, timeout=20) as session:
                reply = session.deliver(b"p@client.test", [b"box@via.test"], MESSAGE)
                session.quit()
            if reply.code != 250:
                self.error = f"was answered {reply}"
        except (Gone, OSError, Failed) as error:
            self.error = f"{type(error).__name__}: {error}"
        self.count += 1
        self.slowest = max(self.slowest, time.monotonic() - started)


def under_attack(lab, attack, deliveries=0, policy="", **limits):
    """Runs attack(gatepost) beside a polite client, under the standard policy or this one. `deliveries`: messages that the attack itself
    has delivered, which must be all that reach the hop beside the polite client's."""
    hop = lab.hop()
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, policy=policy,
                     limits={"idle_time": "2s", "client_sessions": 9000, **limits})
    workers = g.all_workers()
    before = sum(memory_kib(pid) for pid in workers)
    polite = Polite(g.port)
    polite.start()
    try:
        figures = attack(g)
    finally:
        polite.enough.set()
        polite.join(30)
    polite.once()
    check(not polite.error, f"the polite client, message {polite.count}: {polite.error}")
    check(set(g.workers()) == set(workers), "a worker died")
    grown = sum(peak_memory_kib(pid) for pid in workers) - before
    allowed = GROWTH_SANITIZED_KIB if lab.sanitized() else GROWTH_KIB
    check(grown < allowed, f"the workers grew by {grown} KiB")
    wanted = polite.count + deliveries
    check(len(hop.delivered()) == wanted, f"{len(hop.delivered())} messages at the hop, not {wanted}")
    return (f"{figures}; polite client {polite.count} messages, slowest {polite.slowest:.2f} s; "
            f"memory +{grown} KiB")


def connect(g, octets=b""):
    s = socket.create_connection(("127.0.0.1", g.port), 30)
    if octets:
        s.sendall(octets)
    return s


def read_to_end(s, seconds=30):
    """Everything until the server closes. A reset counts as the end, silence does not."""
    s.settimeout(seconds)
    got = b""
    try:
        while True:
            more = s.recv(65536)
            if not more:
                return got
            got += more
    except ConnectionResetError:
        return got
    except socket.timeout as error:
        raise Failed(f"no end of the session within {seconds} s, got {got[-200:]!r}") from error


def reply_codes(octets):
    """The codes of a stream of replies; fails on anything that is not a reply."""
    codes = []
    for line in octets.split(b"\r\n"):
        if line:
            check(line[:3].isdigit() and line[3:4] in (b" ", b"-"), f"no reply line: {line[:80]!r}")
            if line[3:4] == b" ":
                codes.append(int(line[:3]))
    return codes


def bare_lf(g):
    """In commands one clear 5xx; in data no end of it, and a 5xx when it has ended."""
    with Session(g.port) as session:
        for line in (b"NOOP\nNOOP", b"NOOP\rNOOP", b"MAIL FROM:<a@b.test>\nRCPT TO:<box@via.test>",
                     b"NOOP\0", b"\n", b"RSET\n\nRSET"):
            reply = session.say(line)
            check(500 <= reply.code < 510, f"{line!r} was answered {reply}")
        session.expect(b"NOOP", 250)
    ends = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n.\r", b"\r.\r\n", b"\r\n\0.\r\n"]
    for end in ends:
        with Session(g.port) as session:
            smuggled = (b"Subject: outer\r\n\r\nx" + end + b"MAIL FROM:<evil@b.test>\r\n"
                        b"RCPT TO:<box@via.test>\r\nDATA\r\nSubject: inner\r\n\r\ny\r\n")
            session.envelope(b"a@b.test", [b"box@via.test"])
            session.expect(b"DATA", 354)
            session.send(smuggled + b".\r\n")
            reply = session.reply()
            check(500 <= reply.code < 600, f"a message with {end!r} was answered {reply}")
            session.expect(b"RSET", 250)
    return f"{len(ends)} false ends of data"


def early_talk(g):
    """Commands sent before the greeting are answered in order after it; after the reply to QUIT the
    server closes, without waiting for the client to do so first (RFC 5321 4.1.1.10)."""
    for i in range(20):
        wire = (b"EHLO early.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<box@via.test>\r\nDATA\r\n"
                b"X-Number: %d\r\n" % i + dot_stuffed(MESSAGE) + b"QUIT\r\n")
        with connect(g, wire) as s:
            started = time.monotonic()
            codes = reply_codes(read_to_end(s))
            took = time.monotonic() - started
        check(took < 1.5, f"the connection stays open for {took:.1f} s although QUIT was said")
        check(codes == [220, 250, 250, 250, 354, 250, 221], f"early talk was answered {codes}")
    return "20 sessions"


def half_closed(g):
    """The client closes its sending side at every stage: the server finishes and closes. When the
    message was complete the answer decides whether it was delivered."""
    stages = [b"", b"EHLO x.test\r\n", b"EHL", b"EHLO x.test\r\nMAIL FROM:<a@b.test>\r\n",
              b"EHLO x.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<box@via.test>\r\nDATA\r\n",
              b"EHLO x.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<box@via.test>\r\nDATA\r\nSubj",
              b"EHLO x.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<box@via.test>\r\nDATA\r\nS: x\r\n.\r",
              b"EHLO x.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<box@via.test>\r\nBDAT 10\r\n12345",
              b"EHLO x.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<box@via.test>\r\nBDAT 5 LAST\r\n123"]
    for stage in stages:
        with connect(g, stage) as s:
            s.shutdown(socket.SHUT_WR)
            started = time.monotonic()
            codes = reply_codes(read_to_end(s))
            took = time.monotonic() - started
        check(took < 1.5, f"half-closed after {stage[-30:]!r}: open for {took:.1f} s more")
        check(codes.count(250) <= stage.count(b"\r\n"), f"replies to {stage!r}: {codes}")
    wire = (b"EHLO x.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<box@via.test>\r\nDATA\r\n"
            + dot_stuffed(MESSAGE) + b"QUIT\r\n")
    with connect(g, wire) as s:
        s.shutdown(socket.SHUT_WR)
        codes = reply_codes(read_to_end(s))
    check(codes == [220, 250, 250, 250, 354, 250, 221], f"a whole session, half-closed: {codes}")
    return f"{len(stages) + 1} stages"


class SlowClient:
    """Sends a command at one octet a second, and notices when the server has had enough."""

    TEXT = b"EHLO slow.example.org\r\n"

    def __init__(self, g):
        self.socket = connect(g)
        self.socket.setblocking(False)
        self.sent = 0
        self.got = b""
        self.ended = None  # when the session was ended

    def step(self):
        try:
            while True:
                more = self.socket.recv(4096)
                self.got += more
                if not more:
                    break
        except BlockingIOError:
            self.socket.send(self.TEXT[self.sent:self.sent + 1])
            self.sent += 1
            return
        except OSError:
            pass
        self.ended = time.monotonic()
        self.socket.close()


def slow_commands(g):
    """One octet a second: a command has to be whole within idle_time (2 s)."""
    clients = [SlowClient(g) for _ in range(200)]
    started = time.monotonic()
    for second in range(1, 10):
        for client in clients:
            if not client.ended:
                client.step()
        if all(client.ended for client in clients):
            break
        time.sleep(max(0, started + second - time.monotonic()))
    left = [client for client in clients if not client.ended]
    check(not left, f"{len(left)} slow sessions are still open")
    last = {reply_codes(client.got)[-1] for client in clients}
    check(last == {421}, f"slow sessions ended with {last}")
    times = [client.ended - started for client in clients]
    check(min(times) >= 1.5, f"a slow session was ended after {min(times):.1f} s already")
    return f"{len(clients)} sessions told 421 after at most {max(times):.0f} s"


def slow_data(g):
    """One octet a second of a message: the lowest data rate ends it after its first minute."""
    with Session(g.port, timeout=30) as session:
        session.envelope(b"a@b.test", [b"box@via.test"])
        session.expect(b"DATA", 354)
        started = time.monotonic()
        session.socket.settimeout(0.01)
        while time.monotonic() < started + 90:
            try:
                session.send(b"x")
                reply = session.reply()
                break
            except socket.timeout:
                time.sleep(1)
        else:
            raise Failed("still open after 90 s of one octet a second")
        took = time.monotonic() - started
    check(reply.code == 421 and took > 55, f"after {took:.0f} s: {reply}")
    return f"421 after {took:.0f} s"


def endless_line(megabytes):
    """Megabytes without a newline, as a command and as a line of a message."""
    def attack(g):
        block = b"x" * (1 << 20)
        with Session(g.port) as session:
            for _ in range(megabytes):
                session.send(block)
            reply = session.say(b"")
            check(reply.code == 500 and reply.enhanced == "5.5.2", f"the long command: {reply}")
            session.expect(b"NOOP", 250)
            session.envelope(b"a@b.test", [b"box@via.test"])
            session.expect(b"DATA", 354)
            for _ in range(megabytes):
                session.send(block)
            session.send(b"\r\n.\r\n")
            check(session.reply().code == 250, "the long line of a message")
            session.quit()
        with connect(g) as s:  # and one that never ends it
            for _ in range(megabytes):
                s.sendall(block)
            started = time.monotonic()
            read_to_end(s)
            took = time.monotonic() - started
        check(took < 6, f"a line without an end held its session for {took:.1f} s")
        return f"{megabytes} MB each"
    return attack


def garbage(g):
    """Random octets: nothing but replies comes back, and the sessions end."""
    seed = int(os.environ.get("GATEPOST_TEST_SEED") or time.time())
    rng = random.Random(seed)
    for i in range(40):
        octets = rng.randbytes(rng.choice([1, 10, 1000, 100_000]))
        if i % 2:
            octets = octets.replace(b"\n", b"\r\n")
        with connect(g) as s:
            try:
                s.sendall(octets)
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            codes = reply_codes(read_to_end(s))
        check(all(code in (220, 421) or 500 <= code < 510 for code in codes),
              f"garbage was answered {set(codes)} (seed {seed})")
    return f"40 sessions, seed {seed}"


def other_protocols(g):
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(range(190))
    requests = [b"GET / HTTP/1.1\r\nHost: mx.test\r\nUser-Agent: x\r\n\r\n",
                b"POST / HTTP/1.1\r\nHost: mx.test\r\nContent-Length: 60\r\n\r\nMAIL FROM:<a@b.test>\r\n"
                b"RCPT TO:<box@via.test>\r\nDATA\r\nx\r\n.\r\n",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", hello, hello + b"\r\n", b"\x05\x01\x00",
                b"SSH-2.0-x\r\n", b"\x00\x00\x00\x85\xffSMBr"]
    for request in requests:
        with connect(g, request) as s:
            codes = reply_codes(read_to_end(s, 10))
        check(codes[:1] == [220] and codes[1:] and all(code >= 400 for code in codes[1:]),
              f"{request[:20]!r} was answered {codes}")
    return f"{len(requests)} protocols, none let in"


def pipelined_flood(g):
    """100,000 commands in one piece by clients that read, and by clients that never do."""
    with connect(g) as s:
        sender = threading.Thread(target=_send_quietly, args=(s, b"NOOP\r\n" * 100_000), daemon=True)
        sender.start()
        codes = reply_codes(read_to_end(s))
        sender.join(10)
    check(codes[-1] == 421 and codes.count(250) <= 501, f"{len(codes)} replies, then {codes[-1]}")
    silent = [connect(g) for _ in range(20)]
    for s in silent:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        threading.Thread(target=_send_quietly, args=(s, b"EHLO x.test\r\n" * 20_000),
                         daemon=True).start()
    time.sleep(3)  # let them press; their sessions may take idle_time to end
    for s in silent:
        s.close()
    transactions = [b"MAIL FROM:<a@b.test>\r\nRCPT TO:<box@via.test>\r\nBDAT 8 LAST\r\nX: %03d\r\n" % i
                    for i in range(500)]
    with connect(g) as s:
        wire = b"EHLO x.test\r\n" + b"".join(transactions) + b"QUIT\r\n"
        sender = threading.Thread(target=_send_quietly, args=(s, wire), daemon=True)
        sender.start()
        codes = reply_codes(read_to_end(s))
    check(codes == [220, 250] + [250] * 1500 + [221], f"500 pipelined messages: {set(codes)}")
    return "100,000 commands, 20 clients that never read, 500 messages in one piece"


def _send_quietly(s, octets):
    try:
        s.sendall(octets)
    except OSError:
        pass


def resets(count):
    def attack(g):
        with Session(g.port) as session:
            for begin in range(0, count, 100):
                session.send(b"RSET\r\n" * 100)
                for i in range(100):
                    reply = session.reply()
                    if reply.code == 421:
                        return f"{begin + i} RSETs until {reply}"
                    check(reply.code == 250, f"RSET was answered {reply}")
            session.expect(b"NOOP", 250)
        return f"{count} RSETs answered"
    return attack


def many_resets(lab):
    figures = under_attack(lab, resets(10_000), commands=20_000)
    limited = under_attack(lab, resets(10_000))
    check("421" in limited, f"no limit of commands: {limited}")
    return f"{figures}; with the standard limit {limited.partition(';')[0]}"


def open_and_drop(count):
    """Connections that are dropped at once, one half of them with a reset."""
    def attack(g):
        started = time.monotonic()
        for i in range(count):
            s = connect(g, b"EHLO x\r\n" if i % 3 == 0 else b"")
            if i % 2:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        return f"{count} connections in {time.monotonic() - started:.1f} s"
    return attack


def held_open(lab):
    """Sessions that do nothing: what each costs."""
    def attack(g):
        workers = g.all_workers()
        before = sum(memory_kib(pid) for pid in workers)
        held = []
        for i in range(1000):
            held.append(Session(g.port, source=f"127.0.1.{i % 200 + 1}"))
        after = sum(memory_kib(pid) for pid in workers)
        for session in held:
            session.close()
        return f"1000 idle sessions, {(after - before) / 1000:.1f} KiB each"
    return under_attack(lab, attack, idle_time="60s")


def session_limits(lab):
    """Sessions at a time of one address and of all, counted over all workers."""
    def attack(g):
        held, codes = [], []
        for _ in range(60):
            session = Session(g.port, source="127.0.0.3", greet=False)
            reply = session.reply()
            codes.append((reply.code, reply.enhanced))
            held.append(session)
        check(codes.count((220, "")) == 20 and codes.count((421, "4.7.0")) == 40,
              f"20 sessions allowed, 60 tried: {sorted(set(codes))} {codes.count((220, ''))} greeted")
        more = []
        for i in range(100):
            session = Session(g.port, source=f"127.{i + 100}.0.1", greet=False)
            more.append(session.reply())
            held.append(session)
        refused = [r for r in more if r.code == 421 and r.enhanced == "4.3.2"]
        greeted = [r for r in more if r.code == 220]
        for session in held:
            session.close()
        check(len(refused) + len(greeted) == 100 and len(greeted) == 27,
              f"47 sessions in all for strangers: {len(greeted)} more greeted beside 20, "
              f"{len(refused)} told 421 4.3.2")
        return "20 of 60 from one address, 47 of 120 in all"

    hop = lab.hop()
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"},
                     policy=NO_WAIT, limits={"client_sessions": 20, "sessions": 50, "shed_time": 0})
    g.all_workers()
    figures = attack(g)
    polite = Polite(g.port)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        polite.error = None
        polite.once()
        if not polite.error:
            return figures
    raise Failed(f"after all were closed the polite client {polite.error}")


def long_data(lab):
    if not lab.everything:
        raise Skip("in the long version only")
    return under_attack(lab, slow_data)


SLOW_DOOR = """
policy {
    at connect { wait 20s unless client.ip == 127.0.0.2 }
    at helo    { doubt 1 "you are %{helo}" }
    at rcpt    { defer "%{doubt}: %{why}" when sender.null and rcpt.count >= 1 }
}
"""


def lobby_crowd(g):
    """Clients that come, talk too early or not, and go in every way: nothing of them stays."""
    rude = struct.pack("ii", 1, 0)
    began = time.monotonic()
    for i in range(1200):
        s = connect(g, b"EHLO x.test\r\nMAIL FROM:<a@b.test>\r\n" if i % 3 else b"")
        if i % 4 == 0:
            s.shutdown(socket.SHUT_WR)
        if i % 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, rude)
        s.close()
    check(time.monotonic() - began < 20, "the wait is over before the clients are")
    gone = 400 + 400  # who said nothing; and of the others those that reset the connection
    wait_until(lambda: sum(d.get("note") == "client went away" for d in g.decisions()) >= gone,
               10, f"records of {gone} clients that went away while they waited")
    return "1,200 clients"


def memory_of_one_session(g):
    """Whatever one client repeats, its session does not grow by it."""
    flood = [b"EHLO host%d.test\r\n" % i for i in range(400)]
    flood += [b"MAIL FROM:<>\r\nRCPT TO:<box@via.test>\r\n"]
    flood += [b"RCPT TO:<box%d@via.test>\r\n" % i for i in range(200_000)]
    with Session(g.port, source=POLITE_ADDRESS) as session:
        threading.Thread(target=_send_quietly, args=(session.socket, b"".join(flood) + b"QUIT\r\n"),
                         daemon=True).start()
        codes = [session.reply().code for _ in range(400 + 2 + 200_000 + 1)]
    check(codes.count(250) == 402 and codes[-1] == 221, f"{codes.count(250)} yes, then {codes[-1]}")
    check(set(codes[402:-1]) <= {451, 452}, f"recipients were answered {set(codes[402:-1])}")
    return "400 EHLO, 200,000 RCPT put off"


def crowd_of_all_kinds(lab):
    """Mail at a fixed rate beside 1,000 bad guests from 100 networks, who could have every session twice.
    The large one is `./dev bench hostile`."""
    load = str(lab.root / "build" / "release" / "tests" / "proc" / "bench_hostile")
    count, addresses = (20_000, 2_000) if lab.everything and not lab.sanitized() else (1000, 100)
    hop = lab.hop()
    g = lab.gatepost({"bench.test": f"smtp://127.0.0.1:{hop.port}"}, policy=NO_WAIT,
                     limits={"sessions": count // 2})
    workers = g.all_workers()
    alone = crowd.mail(load, g.port, 10, 20, 3)
    harm = crowd.Crowd(load, g.port, addresses, count)
    harm.await_all()
    beside = crowd.mail(load, g.port, 10, 20, 4)
    told = harm.tell()
    harm.close()
    for done in (alone, beside):
        check(done["accepted"] == done["messages"], f"not all mail was accepted: {done}")
    check(set(g.workers()) == set(workers), "a worker died")
    wanted = alone["messages"] + beside["messages"]
    check(len(hop.delivered()) == wanted, f"{len(hop.delivered())} of {wanted} at the hop")
    return (f"{told['connected']} bad guests; {beside['messages']} messages beside them, median "
            f"{beside['all'][1] * 1e3:.0f} ms, {beside['all'][1] / alone['all'][1]:.1f} times as long as alone")


def out_of_descriptors(lab):
    """Far more connections than two workers have descriptors for: those that are too many are told
    421, nothing spins, who is there is served, and afterwards all is as before."""
    hop = lab.hop()
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, descriptors=160, policy=NO_WAIT,
                     limits={"idle_time": "20s", "full_idle_time": "15s", "client_sessions": 1000})
    workers = g.all_workers()
    with Session(g.port, source=POLITE_ADDRESS) as session:
        held = [socket.create_connection(("127.0.0.1", g.port), 30, source_address=(f"127.5.{i % 250}.1", 0))
                for i in range(500)]
        wait_until(lambda: sum(d.get("code") == 421 for d in g.decisions()) > 200, 20,
                   "those that are too many are told so")
        before = [cpu_ticks(pid) for pid in workers]
        time.sleep(2)
        ticks = max(cpu_ticks(pid) - b for pid, b in zip(workers, before))
        check(ticks < 100, f"a worker took {ticks} ticks of processor time in 2 s, in which nothing happened")
        reply = session.deliver(b"p@client.test", [b"box@via.test"], MESSAGE)
        check(reply.code == 250, f"a session that was there before was answered {reply}")
        for s in held:
            s.close()
    polite = Polite(g.port)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        polite.error = None
        polite.once()
        if not polite.error:
            break
    check(not polite.error, f"when all were gone a client {polite.error}")
    check(set(g.workers()) == set(workers), "a worker died")
    refused = [d for d in g.decisions() if d.get("code") == 421]
    check({d["enhanced"] for d in refused} == {"4.3.2"}, f"{ {d['enhanced'] for d in refused} }")
    return f"500 connections, 2 workers of 160 descriptors: {len(refused)} told 421 4.3.2"


def full_disk(lab):
    """A real full disk under the spool: 452 4.3.1, and the session goes on."""
    def mount(g):
        status, said = run_tool(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0777", "tmpfs",
                                 f"{g.folder}/spool"])
        if status != 0:
            raise Skip(f"nothing can be mounted here: {said.strip()}")
        mounted.append(f"{g.folder}/spool")

    if os.geteuid() != 0:
        raise Skip("only root can mount a small disk")
    mounted = []
    hop = lab.hop()
    large = MESSAGE + (b"x" * 78 + b"\r\n") * 20_000
    try:
        g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, before=mount, workers=1,
                         limits={"message_memory": "16K"})
        with Session(g.port) as session:
            for by_bdat in (False, True):
                reply = session.deliver(b"a@b.test", [b"box@via.test"], large, by_bdat=by_bdat)
                check((reply.code, reply.enhanced) == (452, "4.3.1"), f"the large message: {reply}")
                session.say(b"RSET")
            reply = session.deliver(b"a@b.test", [b"box@via.test"], MESSAGE)
            check(reply.code == 250, f"a small one behind it: {reply}")
            status, said = run_tool(["mount", "-o", "remount,size=16m", f"{g.folder}/spool"])
            check(status == 0, said)
            reply = session.deliver(b"a@b.test", [b"box@via.test"], large)
            check(reply.code == 250, f"the large one when there was room again: {reply}")
            session.quit()
        check(len(hop.delivered()) == 2, f"{len(hop.delivered())} messages at the hop")
        complaints = g.stop()
        check(not complaints, "; ".join(complaints))
    finally:
        for path in mounted:
            run_tool(["umount", "-l", path])
    return "1.6 MB into 256 KiB, by DATA and by BDAT; then into 16 MiB"


def crowded_out(lab):
    """One network with more connections than there are sessions; a stranger gets in at once."""
    hop = lab.hop()
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, policy=NO_WAIT,
                     limits={"sessions": 40, "shed_time": "3s"})
    g.all_workers()
    held = [socket.create_connection(("127.0.0.1", g.port), 30, source_address=(f"127.6.6.{i + 1}", 0))
            for i in range(100)]
    wait_until(lambda: sum(d.get("code") == 421 for d in g.decisions()) > 70, 10, "the crowd is shed")
    greeted = 0
    for s in held:
        s.settimeout(5)
        greeted += s.recv(4) == b"220 "
        s.close()
    check(18 <= greeted <= 20, f"{greeted} of one network were greeted, where 38 places are for strangers")
    held = [socket.create_connection(("127.0.0.1", g.port), 30, source_address=(f"127.6.6.{i + 1}", 0))
            for i in range(100)]
    began = time.monotonic()
    polite = Polite(g.port)
    polite.once()
    took = time.monotonic() - began
    for s in held:
        s.close()
    check(not polite.error and took < 2, f"after {took:.1f} s the stranger {polite.error}")
    return f"100 connections of one network, {greeted} greeted; a stranger beside them {took * 1e3:.0f} ms"


TESTS = [
    ("hostile.bare-lf", lambda lab: under_attack(lab, bare_lf)),
    ("hostile.early-talk", lambda lab: under_attack(lab, early_talk, deliveries=20)),
    ("hostile.half-closed", lambda lab: under_attack(lab, half_closed, deliveries=1)),
    ("hostile.slow-commands", lambda lab: under_attack(lab, slow_commands)),
    ("hostile.slow-data", long_data),
    ("hostile.no-newline", lambda lab: under_attack(
        lab, endless_line(100 if lab.everything else 10), deliveries=1, message_size="200M")),
    ("hostile.garbage", lambda lab: under_attack(lab, garbage)),
    ("hostile.other-protocols", lambda lab: under_attack(lab, other_protocols, idle_time="1s")),
    ("hostile.pipelined-flood", lambda lab: under_attack(lab, pipelined_flood, deliveries=500)),
    ("hostile.resets", many_resets),
    ("hostile.open-and-drop", lambda lab: under_attack(
        lab, open_and_drop(20_000 if lab.everything else 3000))),
    ("hostile.lobby", lambda lab: under_attack(lab, lobby_crowd, policy=SLOW_DOOR)),
    ("hostile.one-session", lambda lab: under_attack(lab, memory_of_one_session, policy=SLOW_DOOR)),
    ("hostile.held-open", held_open),
    ("hostile.session-limits", session_limits),
    ("hostile.crowd", crowd_of_all_kinds),
    ("hostile.crowded-out", crowded_out),
    ("hostile.full-disk", full_disk),
    ("hostile.descriptors", out_of_descriptors),
]
