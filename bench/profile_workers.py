"""Where the time of Gatepost's workers goes while messages come in: by perf, and by strace where it is
installed."""

import os
import shutil
import signal
import subprocess
import time

from kit.process import run_tool
from kit.report import Failed
from measure import send, source_command


def profile(server, folder, count, mail):
    data = os.path.join(folder, "perf.data")
    pids = ",".join(map(str, server.workers()))
    command = source_command(server.port, count, mail)
    status, output = run_tool(["perf", "record", "-q", "-F", "1999", "-p", pids, "-o", data, "--", *command],
                              seconds=300)
    if status != 0:
        raise Failed(f"perf record: {output[-400:]}")
    for keys, lines in (("dso", 10), ("dso,symbol", 40)):
        _, output = run_tool(["perf", "report", "-q", "--stdio", "--no-children", "-i", data,
                              "--sort", keys], seconds=300)
        print(f"\nwhere the time of the workers goes, by {keys}:")
        print("\n".join([line.rstrip() for line in output.splitlines() if line.strip()][:lines]))
    _, output = run_tool(["perf", "stat", "-e", "context-switches,page-faults,task-clock", "-x", ",", "-p", pids,
                          "--", *command], seconds=300)
    for line in output.splitlines():
        words = line.split(",")
        if len(words) > 2 and words[0].replace(".", "").isdigit():
            each = float(words[0]) / count
            print(f"{words[2]} a message: {each:.3f} {words[1]}".rstrip())
    system_calls(server, folder, count // 10, mail)


def system_calls(server, folder, count, mail):
    """Counts the workers' system calls, where strace is installed."""
    if not shutil.which("strace"):
        return
    file = os.path.join(folder, "strace.txt")
    attach = [word for pid in server.workers() for word in ("-p", str(pid))]
    with subprocess.Popen(["strace", "-f", "-q", "-c", "-o", file, *attach], stderr=subprocess.DEVNULL) as tracer:
        time.sleep(0.5)
        send(server.port, count, mail)
        tracer.send_signal(signal.SIGINT)
    print("\nsystem calls a message:")
    with open(file, encoding="utf-8") as f:
        rows = [line.split() for line in f if line[:6].strip().replace(".", "").isdigit()]
    for row in rows:
        if row[-1] != "total" and int(row[3]) * 10 >= count:
            print(f"{int(row[3]) / count:>8.1f}  {row[-1]}")
