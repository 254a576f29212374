"""Two real Postfix hops of one route, one of which is stopped or killed in the middle of a stream of
messages and comes back later: nothing is lost, and nothing arrives twice.

What no design can give (the two generals): when a hop is killed after it took the final dot and
before its answer came, nobody can know whether it has the message. The client is told so, and its
retry may bring a second copy. Such a message is told apart by that answer, and counted.
"""

import re
import time

from kit import mailer
from kit.process import wait_until
from kit.report import check
from kit.smtp_client import Gone, Session

MAILERS = 4
SECONDS = 2.0  # of the stream before the hop goes, without it, and after it came back
SECONDS_LONG = 10.0
LIMITS = {"hop_retry_time": "1s"}  # how soon a hop that was down is looked at again
IN_DOUBT = "being delivered already"
QUEUE_ID = re.compile(rb"\(Postfix\) with E?SMTPS? id ([0-9A-F]+)")


class Mail(mailer.Mail):
    def __init__(self, number):
        super().__init__(number)
        self.box = f"box{number % 3}"
        self.later = []  # replies that put it off


class Mailer(mailer.Mailer):
    """Each message in a session of its own."""

    def __init__(self, port, *share):
        super().__init__(*share)
        self.port = port

    def mail(self, number):
        return Mail(number)

    def until_final(self, mail):
        deadline = time.monotonic() + mailer.PATIENCE
        while mail.reply is None and time.monotonic() < deadline:
            with Session(self.port) as session:
                reply = session.deliver(b"sender@client.test", [f"{mail.box}@via.test".encode()],
                                        mail.octets, len(mail.later) % 2 == 0)
                try:
                    session.quit()
                except Gone:
                    pass
            if 400 <= reply.code < 500:
                mail.later.append(reply)
                time.sleep(0.05)
            else:
                mail.reply = reply
        time.sleep(0.02)


def two_hops(lab, name):
    return [lab.postfix(f"{name}-{letter}", domains=["via.test"],
                        mailboxes=[f"box{i}" for i in range(3)]) for letter in ("a", "b")]


def stream(g, events):
    """Messages flow while each of `events` is called after a pause. Returns the messages."""
    def one_by_one():
        for pause, event in events:
            time.sleep(pause)
            event()
    mails, _ = mailer.send_while(lambda *share: Mailer(g.port, *share), MAILERS, one_by_one)
    return mails


def copies(hops):
    """{id: [(hop, its queue id)…]}: a Postfix that was killed while it delivered does that again
    under the same queue id, which is its own affair."""
    found = {}
    for hop in hops:
        for box in range(3):
            for octets in hop.messages(f"box{box}", "via.test"):
                queue_id = QUEUE_ID.search(octets)
                check(queue_id, f"no queue id in {octets[:300]}")
                found.setdefault(mailer.test_id(octets), set()).add((hop.name, queue_id.group(1)))
    return found


def judge(mails, hops):
    found = copies(hops)
    unknown = twice = 0
    for mail in mails:
        check(mail.reply is not None,
              f"{mail.id}: no final answer in {mailer.PATIENCE} s, but {list(map(str, mail.later))[-1:]}")
        check(mail.reply.code == 250, f"{mail.id}: {mail.reply}")
        made = found.pop(mail.id, set())
        doubts = sum(reply.enhanced == "4.4.2" and IN_DOUBT not in reply.text
                     for reply in mail.later)
        check(made, f"{mail.id} was accepted and is nowhere")
        check(len(made) <= 1 + doubts, f"{mail.id} is there {len(made)} times: {made}, after "
              f"{[str(reply) for reply in mail.later]}")
        unknown += doubts
        twice += len(made) - 1
    check(not found, f"copies that nobody sent: {list(found)[:5]}")
    return unknown, twice


def taken(hop):
    """How many messages it has taken since its folder was made."""
    return hop.log().count(": client=")


def goes_and_returns(lab, g, hops, go):
    """The stream with the first hop going in its middle and coming back. Returns the messages, and
    how many each hop had taken before it went, when it came back, and in the end."""
    counts = []

    def leave():
        counts.append([taken(hop) for hop in hops])
        go(hops[0])

    def come_back():
        counts.append([taken(hop) for hop in hops])
        hops[0].start()

    def used_again():
        wait_until(lambda: taken(hops[0]) > counts[1][0], 20, "it is used again")
    pause = SECONDS_LONG if lab.everything else SECONDS
    mails = stream(g, [(pause, leave), (pause, come_back), (0, used_again), (pause, lambda: None)])
    for hop in hops:
        hop.wait_idle()
    counts.append([taken(hop) for hop in hops])
    check(counts[0][0] and counts[1][1] > counts[0][1], f"the hops took {counts}")
    return mails, counts


def summary(mails, counts, hops):
    unknown, twice = judge(mails, hops)
    put_off = sum(len(mail.later) for mail in mails)
    return (f"{len(mails)} messages: {counts[0]} before one went, {counts[1]} when it came back, "
            f"{counts[2]} in the end; {put_off} answers 4xx, {unknown} of them for an unknown "
            f"outcome, {twice} second copies by these; 0 lost")


def one_goes(go):
    def run(lab):
        hops = two_hops(lab, go.__name__)
        g = lab.gatepost({"via.test": ", ".join(f"smtp://127.0.0.1:{h.port}" for h in hops)},
                         limits=LIMITS)
        mails, counts = goes_and_returns(lab, g, hops, go)
        check(counts[0][1], f"with both well only one took messages: {counts[0]}")
        return summary(mails, counts, hops)
    return run


def stopped(hop):
    hop.close()


def killed(hop):
    hop.kill()


def standby(lab):
    """The second hop is used only while the first is not well."""
    hops = two_hops(lab, "standby")
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{hops[0].port}, "
                                  f"smtp://127.0.0.1:{hops[1].port} standby"}, limits=LIMITS)
    mails, counts = goes_and_returns(lab, g, hops, stopped)
    check(not counts[0][1], f"with both well they took {counts[0]}")
    return summary(mails, counts, hops)


TESTS = [
    ("failover.stopped", one_goes(stopped)),
    ("failover.killed", one_goes(killed)),
    ("failover.standby", standby),
]
