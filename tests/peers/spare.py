"""Memory that a rush has needed is given back when it is over, by the worker itself and unasked."""

from drain import begin_data
from kit.process import memory_kib, wait_until
from kit.report import Skip, check
from kit.smtp_client import Session

NO_WAIT = "table trusted { 127.0.0.0/8 }\npolicy standard\n"
CLIENTS = 200
HALF_A_MESSAGE = b"Subject: half\r\n\r\n" + b"x" * 70 + b"\r\n" * 20_000
GIVEN_BACK_KIB = 1024  # of the 2 MiB of blocks that are kept at first
PATIENCE = 200         # s: two looks, a minute apart and more


def given_back(lab):
    """Clients go away in the middle of their messages."""
    if not lab.everything:
        raise Skip("takes two minutes: with --all")
    if lab.sanitized():
        raise Skip("AddressSanitizer keeps freed memory")
    hop = lab.hop()
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hop.port}"}, workers=1, policy=NO_WAIT,
                     limits={"client_sessions": str(CLIENTS)})
    worker, = g.all_workers()
    held = []
    for _ in range(CLIENTS):
        session = Session(g.port)
        begin_data(session)
        session.send(HALF_A_MESSAGE)
        held.append(session)
    beside = memory_kib(worker)
    for session in held:
        session.close()
    wait_until(lambda: sum(d.get("phase") == "data" for d in g.decisions()) == CLIENTS, 10,
               "all clients are gone")
    after = memory_kib(worker)
    wait_until(lambda: memory_kib(worker) <= after - GIVEN_BACK_KIB, PATIENCE, "memory is given back")
    with Session(g.port) as session:
        reply = session.deliver(b"a@client.test", [b"box@via.test"], b"Subject: x\r\n\r\nx\r\n")
    check(reply.code == 250, f"afterwards: {reply}")
    return f"{beside} KiB beside {CLIENTS} messages, {after} behind them, {memory_kib(worker)} later"


TESTS = [
    ("spare.memory", given_back),
]
