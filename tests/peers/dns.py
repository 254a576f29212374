"""Gatepost that recurses: from a root of its own through a delegation into zones on real NSDs, signed
rightly, wrongly and not at all, and to servers that are broken, silent or lie (kit/dns_tree.py).

What must come out is the right value or the right unknown in the decision, and the right reply.
"""

import sqlite3
import time

from kit.dns_liar import A, TXT
from kit.dns_tree import Tree
from kit.process import wait_until
from kit.report import check
from kit.smtp_client import Session

PATH = b"author@signed.example"


def tree(lab):
    return lab.keep("dns tree", lambda: Tree(lab))


def ask(g, recipient, source=None, sender=PATH):
    """The reply to RCPT, and how long it took."""
    with Session(g.port, source=source) as session:
        began = time.monotonic()
        replies = session.envelope(sender, [recipient])
        took = time.monotonic() - began
        session.quit()
    return replies[1], took


HOPS = [
    # host, reply code, enhanced code
    ("mail.signed.example", 250, None),      # signed, through two delegations
    ("www.signed.example", 250, None),       # an alias
    ("mail.unsigned.example", 250, None),    # a delegation without keys
    ("alias.unsigned.example", 250, None),   # from the one zone into the other
    ("far.signed.example", 250, None),
    ("nobody.signed.example", 451, "4.4.4"),  # proven not to be there
    ("text.signed.example", 451, "4.4.4"),
    ("mail.bogus.example", 451, "4.4.3"),    # altered after it was signed
    ("lost.signed.example", 451, "4.4.3"),   # which an alias leads to
    ("mail.expired.example", 451, "4.4.3"),
    ("mail.stripped.example", 451, "4.4.3"),  # ought to be signed
    ("mail.servfail.example", 451, "4.4.3"),
    ("loop.hostile.example", 451, "4.4.3"),
    ("c0.hostile.example", 451, "4.4.3"),
    ("other.hostile.example", 451, "4.4.3"),
    ("garbage.hostile.example", 451, "4.4.3"),
    ("wrongid.hostile.example", 250, None),
    ("truncated.hostile.example", 250, None),
]


def hops(lab):
    """Names of next hops: found, proven not to be there, or not to be had, and never guessed."""
    hop = lab.hop()
    t = tree(lab)
    g = lab.gatepost({f"h{i}.test": f"smtp://{host}:{hop.port}" for i, (host, _, _) in enumerate(HOPS)},
                     workers=1, policy=t.statements())
    slowest = 0
    for i, (host, code, enhanced) in enumerate(HOPS):
        reply, took = ask(g, b"one@h%d.test" % i)
        check(reply.code == code and (enhanced is None or reply.enhanced == enhanced),
              f"{host}: {reply} after {took:.1f} s")
        slowest = max(slowest, took)
    check(t.liar.over_tcp["truncated.hostile.example", A] > 0, "TCP was not used")
    worst = max(t.liar.asked.values())
    check(worst < 40, f"one question was asked {worst} times")
    return f"{len(HOPS)} names; the slowest took {slowest:.1f} s; no question went out more than {worst} times"


# What is asked, and what follows from it: a value, or "unknown" with the kind of trouble.
POLICY = """
policy {
    at rcpt {
        reject 550 5.7.27 "%{sender.domain} takes no mail"  when sender.null_mx
        reject 550 5.1.8  "there is no %{sender.domain}"    when not sender.exists
        defer  451 4.4.3  "cannot look up %{sender.domain}" when unknown(sender.exists)
        doubt  1 "HELO"   when helo.resolves and helo.matches
        doubt  1 "name"   when client.name != ""
        defer  451 4.7.1  "%{client.ptr}" when doubt > 100
    }
}
"""

FAILS, LATE = "temporary failure", "timeout"  # why a fact is unknown

SENDERS = [
    # domain, sender.exists, reply code, enhanced code
    ("signed.example", True, 250, None),
    ("unsigned.example", True, 250, None),
    ("alias.unsigned.example", True, 250, None),  # an address in another zone, which is signed
    ("null.signed.example", True, 550, "5.7.27"),
    ("nobody.signed.example", False, 550, "5.1.8"),
    ("text.signed.example", False, 550, "5.1.8"),
    ("nobody.unsigned.example", False, 550, "5.1.8"),
    ("bogus.example", FAILS, 451, "4.4.3"),
    ("expired.example", FAILS, 451, "4.4.3"),
    ("stripped.example", FAILS, 451, "4.4.3"),
    ("servfail.example", FAILS, 451, "4.4.3"),
    ("loop.hostile.example", FAILS, 451, "4.4.3"),
    ("c0.hostile.example", FAILS, 451, "4.4.3"),
    ("garbage.hostile.example", FAILS, 451, "4.4.3"),
    ("other.hostile.example", FAILS, 451, "4.4.3"),
    ("wrongid.hostile.example", True, 250, None),
    ("truncated.hostile.example", True, 250, None),
    ("silent.example", LATE, 451, "4.4.3"),
]


def value_of(fact):
    """Of a fact in a decision line."""
    return (fact.get("unknown", fact.get("value")) if isinstance(fact, dict) else fact)


def facts_of(g, sender):
    """The facts of the last transaction with that sender."""
    lines = wait_until(lambda: [line for line in g.decisions() if line.get("sender") == sender], 10,
                       "the decision")
    return {name: value_of(fact) for name, fact in lines[-1]["facts"].items()}


def senders(lab):
    """Senders' domains that exist, do not, or cannot be asked about: the fact, and the reply."""
    t = tree(lab)
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{lab.hop().port}"}, workers=1,
                     policy=t.statements(POLICY), limits={"dns_time": "3s"})
    for domain, exists, code, enhanced in SENDERS:
        reply, took = ask(g, b"one@via.test", sender=b"a@" + domain.encode())
        facts = facts_of(g, "a@" + domain)
        check(facts.get("sender.exists") == exists, f"{domain}: {facts}")
        check(reply.code == code and (enhanced is None or reply.enhanced == enhanced),
              f"{domain}: {reply} after {took:.1f} s")
        check(took < 10, f"{domain}: {took:.1f} s")
    return f"{len(SENDERS)} domains"


SPF_POLICY = """
policy {
    at rcpt {
        reject 550 5.7.23 "%{spf.domain} does not send from here" when spf == fail
        defer  451 4.7.24 "cannot look up %{spf.domain}"          when spf == temperror
    }
}
"""

SPF = [
    # source, domain, spf, reply code
    ("127.0.0.1", "signed.example", "pass", 250),
    ("127.0.0.5", "signed.example", "fail", 550),
    ("127.0.0.5", "unsigned.example", "fail", 550),
    ("127.0.0.1", "text.signed.example", "none", 250),
    ("127.0.0.1", "nobody.signed.example", "none", 250),
    ("127.0.0.1", "bogus.example", "temperror", 451),
    ("127.0.0.9", "bogus.example", "temperror", 451),  # whom the altered record would let pass
    ("127.0.0.1", "expired.example", "temperror", 451),
    ("127.0.0.1", "stripped.example", "temperror", 451),
    ("127.0.0.1", "servfail.example", "temperror", 451),
    ("127.0.0.1", "silent.example", "temperror", 451),
    ("127.0.0.1", "big.hostile.example", "none", 250),  # 64 KB of text, by TCP
    ("127.0.0.1", "loop.hostile.example", "temperror", 451),
]


def spf(lab):
    """What senders' domains authorise: never what somebody altered, and never refused for want of it."""
    t = tree(lab)
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{lab.hop().port}"}, workers=1,
                     policy=t.statements(SPF_POLICY), limits={"dns_time": "3s"})
    for i, (source, domain, expected, code) in enumerate(SPF):
        reply, took = ask(g, b"one@via.test", source=source, sender=b"n%d@%s" % (i, domain.encode()))
        found = facts_of(g, f"n{i}@{domain}").get("spf")
        check(found == expected and reply.code == code, f"{domain} from {source}: {found}, {reply}")
        check(took < 10, f"{domain}: {took:.1f} s")
    check(t.liar.over_tcp["big.hostile.example", TXT] > 0, "64 KB did not come")
    return f"{len(SPF)} senders"


# A client that says who it is: source address, HELO; client.name, helo.resolves, helo.matches.
CLIENTS = [
    ("127.0.0.1", "mail.signed.example", "client.signed.example", True, True),
    ("127.0.0.1", "wide.signed.example", "client.signed.example", True, True),  # 120 addresses: TCP
    ("127.0.0.5", "mail.signed.example", "", True, False),      # an address without a name
    ("127.0.0.1", "nobody.signed.example", "client.signed.example", False, False),
    ("127.0.0.2", "mail.bogus.example", FAILS, FAILS, FAILS),   # named after what cannot be confirmed
    ("127.0.0.1", "mail.servfail.example", "client.signed.example", FAILS, FAILS),
    ("127.0.0.1", "loop.hostile.example", "client.signed.example", FAILS, FAILS),
    ("127.77.0.1", "mail.signed.example", "", True, False),     # five hundred names
]


def clients_names(lab):
    """Clients by reverse DNS and HELO; one with 500 names costs no more than ten of them."""
    t = tree(lab)
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{lab.hop().port}"}, workers=1,
                     policy=t.statements(POLICY))
    for i, (source, helo, *expected) in enumerate(CLIENTS):
        with Session(g.port, source=source, helo=helo.encode()) as session:
            reply = session.envelope(b"n%d@signed.example" % i, [b"one@via.test"])[1]
            session.quit()
        facts = facts_of(g, f"n{i}@signed.example")
        found = [facts.get(name) for name in ("client.name", "helo.resolves", "helo.matches")]
        check(found == expected, f"{source} {helo}: {found} instead of {expected}; {reply}")
        check(reply.code == 250, f"{source} {helo}: {reply}")
    followed = sum(n for (name, kind), n in t.liar.asked.items() if kind == A and name.startswith("p"))
    check(0 < followed <= 10, f"{followed} of 500 names were looked up")
    return f"{len(CLIENTS)} clients; {followed} of 500 names were followed"


def six(lab):
    """A zone that only IPv6 leads to."""
    t = tree(lab)
    t.serve_six()
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{lab.hop().port}"}, workers=1,
                     policy=t.statements(POLICY))
    reply, _ = ask(g, b"one@via.test", sender=b"a@six.example")
    facts = facts_of(g, "a@six.example")
    check(facts["sender.exists"] is True and reply.code == 250, f"{reply} {facts}")


def forwarding(lab):
    """Servers that are asked to find out: believed, or validated all the same."""
    t = tree(lab)
    for dnssec, bogus in (("on", FAILS), ("off", True)):
        anchor = f"trust_anchor {t.anchor}\n" if dnssec == "on" else ""
        g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{lab.hop().port}"}, workers=1,
                         policy=f"resolver {t.all_knowing()}\ndnssec {dnssec}\n{anchor}{POLICY}")
        for domain, exists in (("signed.example", True), ("unsigned.example", True),
                               ("nobody.signed.example", False), ("bogus.example", bogus)):
            reply, _ = ask(g, b"one@via.test", sender=b"a@" + domain.encode())
            found = facts_of(g, "a@" + domain)["sender.exists"]
            check(found == exists, f"dnssec {dnssec}, {domain}: {found}, {reply}")
        dns = wait_until(lambda g=g: g.status()["dns"]["state"] != "unknown" and g.status()["dns"], 10,
                         "it is found out")
        check(dns["state"] == "well" and dns["validates"] == (dnssec == "on"), dns)


def not_validating(lab):
    """With `dnssec off` what was altered is believed; signatures are nobody's business."""
    t = tree(lab)
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{lab.hop().port}"}, workers=1,
                     policy=t.plain_statements("dnssec off\n" + POLICY))
    for domain in ("signed.example", "bogus.example", "expired.example", "stripped.example"):
        reply, _ = ask(g, b"one@via.test", sender=b"a@" + domain.encode())
        check(reply.code == 250, f"{domain}: {reply}")
    check(g.status()["dns"]["validates"] is False, g.status()["dns"])


def wrong_anchor(lab):
    """A trust anchor that is not the root's: nothing validates, and everybody is told."""
    t = tree(lab)
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{lab.hop().port}"}, workers=1,
                     policy=t.plain_statements(f"trust_anchor {t.other_anchor}\n" + POLICY))
    reply, _ = ask(g, b"one@via.test", sender=b"a@unsigned.example")
    check(reply.code == 451 and facts_of(g, "a@unsigned.example")["sender.exists"] == FAILS, str(reply))
    dns = wait_until(lambda: g.status()["dns"]["state"] == "down" and g.status()["dns"], 15, "it is noticed")
    check(dns["trouble"] == "the root does not validate", dns)


def dead_at_start(lab):
    """Nobody answers at the start: nothing is refused for it, it is said once, and again when all is well."""
    t = Tree(lab)
    lab.keep("tree that dies", lambda: t)
    t.servers["root"].close()
    g = lab.gatepost({"via.test": f"smtp://127.0.0.1:{lab.hop().port}"}, workers=1,
                     policy=t.statements(POLICY), limits={"dns_time": "1s"})
    reply, took = ask(g, b"one@via.test", sender=b"a@signed.example")
    facts = facts_of(g, "a@signed.example")
    check(reply.code == 451 and reply.enhanced == "4.4.3" and facts["sender.exists"] in (FAILS, LATE) and
          facts["client.name"] in (FAILS, LATE), f"{reply} {facts}")
    check(took < 8, f"answered after {took:.1f} s")
    dns = wait_until(lambda: g.status()["dns"]["state"] == "down" and g.status()["dns"], 15, "it is noticed")
    check(dns["trouble"].startswith("no server") and dns["validates"], dns)
    t.servers["root"].start()
    began = time.monotonic()
    wait_until(lambda: g.status()["dns"]["state"] == "well", 60, "it is well again")
    took = time.monotonic() - began
    wait_until(lambda: ask(g, b"one@via.test", sender=b"a@unsigned.example")[0].code == 250, 30,
               "it is used again")
    log = g.log()
    check(log.count("the DNS does not work: no server") == 1 and log.count("the DNS works again") == 1,
          log)
    rows = wait_until(lambda: len(health(g)) >= 2 and health(g), 10, "rows in the journal")
    check(rows == ["down", "well"], rows)
    return f"well again {took:.1f} s after the root"


def health(g):
    """The states of the DNS in the journal, in their order."""
    with sqlite3.connect(f"file:{g.journal}?mode=ro", uri=True) as db:
        return [state for state, in db.execute("SELECT state FROM health WHERE name = 'dns' ORDER BY n")]


TESTS = [
    ("dns.spf", spf),
    ("dns.clients", clients_names),
    ("dns.six", six),
    ("dns.forwarding", forwarding),
    ("dns.not-validating", not_validating),
    ("dns.wrong-anchor", wrong_anchor),
    ("dns.dead-at-start", dead_at_start),
    ("dns.senders", senders),
    ("dns.hops", hops),
]
