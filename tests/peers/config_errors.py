"""What Gatepost says about a configuration that it cannot use: one line with the place, that line of
the file with a caret below, and exit status 2."""

import os
import re
import socket

from kit.gatepost import config_text
from kit.process import free_port, run_tool
from kit.report import Failed, check

GOOD_ROUTE = {"example.test": "smtp://127.0.0.1:2525"}


def refused(lab, text, line=None, name="gatepost.conf"):
    """Runs Gatepost with this configuration. Returns what it said, after checking its form."""
    file = os.path.join(lab.new_folder("conf"), name)
    if text is not None:
        with open(file, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
    status, said = run_tool([lab.binary, "run", "-c", file], seconds=10)
    shown = said.strip()[:300]
    check(status == 2, f"exit status {status} instead of 2, said {shown!r}")
    lines = said.split("\n")
    check(lines[-1] == "" and len(lines) in (2, 4), f"neither one line nor three: {said[:900]!r}")
    check(all(each.isprintable() for each in lines), f"unprintable characters: {said!r}")
    check(len(lines) == 2 or re.fullmatch(r" {4,}\^", lines[2]), f"no caret: {said[:900]!r}")
    place = re.search(re.escape(file) + r":(\d+):(\d+): (.+)", said)
    if text is not None or line is not None:
        check(place, f"no FILE:LINE:COLUMN: cause in {shown!r}")
        check(line is None or int(place.group(1)) == line, f"line {line} expected: {shown!r}")
        check(int(place.group(2)) >= 1, f"column in {shown!r}")
    return said


def busy_port(lab):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        said = refused(lab, config_text(port, lab.new_folder("state"), GOOD_ROUTE), line=2)
    check("in use" in said, f"cause not told: {said!r}")
    return said.split("\n")[0].rpartition("/")[2]


def missing_file(lab):
    said = refused(lab, None)
    check("gatepost.conf" in said and "No such file" in said, f"file or cause not told: {said!r}")
    return said.strip().rpartition("/")[2]


def parse_errors(lab):
    """Each of these lines, put behind a good configuration, is found where it stands."""
    good = config_text(free_port(), lab.new_folder("state"), GOOD_ROUTE)
    wrong = ["nonsense", "limit", "limit recipients", "limit recipients many", "limit recipients 5",
             "limit no_such_limit 5", "limit message_size 12X", "workers -1", "workers many",
             "route example.org", "route example.org to", "route example.org to ftp://127.0.0.1:25",
             "route example.org to smtp://127.0.0.1:99999", "route to smtp://127.0.0.1:25",
             "route example.org to smtp://mail.example.org:0", "listen nowhere", "listen 127.0.0.1:0x",
             "tls cert", "tls cert /nonexistent/c key /nonexistent/k", "decisions", "hostname",
             'hostname "unterminated', "user no-such-user-here", "state lmdb:",
             "resolver recursive", "resolver ::1", "dnssec on", "root_hints /etc/hosts",
             "trust_anchor /etc/hosts"]
    complaints = []
    for each in wrong:
        try:
            refused(lab, good + each + "\n", line=good.count("\n") + 1)
        except Failed as failed:
            complaints.append(f"{each!r}: {failed}")
    check(not complaints, "; ".join(complaints))
    return f"{len(wrong)} wrong lines"


def broken_files(lab):
    """Files that are no configuration at all."""
    good = config_text(free_port(), lab.new_folder("state"), GOOD_ROUTE)
    files = [b"", b"\n\n", b"\0" * 100, bytes(range(256)), b"\xff\xfe" + good.encode("utf-16-le"),
             good.partition("\n")[2].encode(), good.replace("listen", "# listen").encode(),
             b"a" * 1_000_000, b"{" * 10_000, b"limit " * 10_000, good.encode() + b"\0"]
    for octets in files:
        refused(lab, octets)
    return f"{len(files)} files"


def root_files(lab):
    """Files about the root of the DNS that are not there, or no such files."""
    config = config_text(free_port(), lab.new_folder("state"), GOOD_ROUTE, user="root",
                         policy="resolver recursive\n")
    line = config.count("\n") + 1
    for statement, what in (("root_hints /nonexistent", "/nonexistent: No such file or directory\n"),
                            ("trust_anchor /nonexistent", "/nonexistent: No such file or directory\n"),
                            ("root_hints /etc/passwd", "names no server of the root"),
                            ("trust_anchor /etc/passwd", "holds no key")):
        said = refused(lab, f"{config}{statement}\n", line=line)
        check(what in said, f"{statement}: {said!r}")


def wrong_usage(lab):
    calls = [["nonsense"], ["run", "--nonsense"], ["run", "-c"], ["run", "-c", "a", "b"]]
    for arguments in calls:
        status, said = run_tool([lab.binary] + arguments, seconds=10)
        check(status == 2, f"{arguments}: exit status {status}, said {said[:200]!r}")
        check(said.strip(), f"{arguments}: said nothing")
    return f"{len(calls)} calls"


TESTS = [
    ("config.busy-port", busy_port),
    ("config.missing-file", missing_file),
    ("config.parse-errors", parse_errors),
    ("config.broken-files", broken_files),
    ("config.root-files", root_files),
    ("config.wrong-usage", wrong_usage),
]
