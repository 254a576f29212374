"""Gatepost that recurses: from a root of its own through a delegation into zones on real NSDs, signed
rightly, wrongly and not at all, and to servers that are broken, silent or lie (kit/dns_tree.py).

What must come out is the right value or the right unknown in the decision, and the right reply.
"""

import time

from kit.dns_liar import A
from kit.dns_tree import Tree
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


TESTS = [
    ("dns.hops", hops),
]
