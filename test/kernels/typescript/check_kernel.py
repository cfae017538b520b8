"""Drives the kernel as Jupyter does and prints what it measures, beside ipykernel where that is installed.

usage: npm run check:kernel -- [NAME ...]

Every row says what was asked, what came out and whether that is within the limit; with names, or parts of them, only
those checks run; the last is Jupyter's own suite for kernels. Exits with 1 where the TypeScript kernel missed one. The
limits are for a machine that does nothing else.
"""

import re
import statistics
import sys
import time
from queue import Empty

import zmq
from jupyter_client.kernelspec import NoSuchKernel
from kernel_cells import PYTHON, TYPESCRIPT
from kernel_driver import Kernel, cpu_seconds
from kernel_suite import suite


def start(code, _):
    began = time.time()
    kernel = Kernel(code)
    kernel.run("trivial")
    took = time.time() - began
    kernel.close()
    return f"{took:.2f} s", took <= 3


def trivial(_, kernel):
    kernel.run("import")
    times = []
    for _ in range(40):
        began = time.time()
        kernel.run("trivial")
        times.append(time.time() - began)
    median = statistics.median(times) * 1000
    return f"{median:.0f} ms, slowest {max(times) * 1000:.0f}", median <= 50


def blocked(_, kernel):
    """Heartbeat, control, kernel_info on shell and a line just printed, while a native call of 5 s runs."""
    kernel.run("trivial")
    context = zmq.Context.instance()
    heart = context.socket(zmq.REQ)
    info = kernel.manager.get_connection_info()
    heart.connect(f"tcp://{info['ip']}:{info['hb_port']}")
    began = time.time()
    cell = kernel.send("blocked", s=5)
    seen = None
    for parent, kind, _ in kernel.published(cell):
        if kind == "stream":
            seen = time.time() - began
            break
    slowest = {}

    def probe(what, ask):
        at = time.time()
        answered = ask()
        slowest[what] = max(slowest.get(what, 0), time.time() - at if answered else 99)

    def beat():
        heart.send(b"x")
        return heart.poll(6000) and heart.recv()

    def ask(channel):
        message = kernel.client.session.msg("kernel_info_request", {})
        channel.send(message)
        try:
            while channel.get_msg(timeout=6)["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                pass
            return True
        except Empty:
            return False

    while time.time() - began < 4:
        probe("heartbeat", beat)
        probe("control", lambda: ask(kernel.client.control_channel))
        probe("kernel_info", lambda: ask(kernel.client.shell_channel))
        time.sleep(0.1)
    for _ in kernel.published(cell):
        pass
    heart.close(0)
    figures = ", ".join(f"{name} {worst * 1000:.0f}" for name, worst in slowest.items())
    return f"ms: line {seen * 1000:.0f}, {figures}", seen < 2 and max(slowest.values()) < 1


def flood(_, kernel, lines=500_000):
    began, cpu, before = time.time(), cpu_seconds(kernel.pid), kernel.memory("VmRSS")
    cell = kernel.send("flood", n=lines)
    behind = kernel.send("trivial")
    parts = [c["text"] for parent, t, c in kernel.published(cell) if t == "stream" and parent == cell]
    took = time.time() - began
    complete = "".join(parts) == "".join(f"line {i}\n" for i in range(lines))
    goes_on = kernel.reply(behind)["status"] == "ok"
    for _ in kernel.published(behind):
        pass
    grown = kernel.memory() - before
    used = cpu_seconds(kernel.pid) - cpu
    figure = f"{took:.1f} s ({used:.1f} s of CPU), {len(parts)} messages, +{grown:.0f} MB, {'complete' if complete else 'LOST LINES'}"
    return figure, complete and goes_on and took <= 3 and grown < 300


def slow_reader(_, kernel, lines=3_000_000):
    """Nothing is read for 8 s: the kernel waits instead of keeping it all or dropping some."""
    before = kernel.memory("VmRSS")
    cell = kernel.send("flood", n=lines)
    time.sleep(8)
    count, last, lost = 0, "", False
    for parent, kind, content in kernel.published(cell):
        if kind != "stream" or parent != cell:
            continue
        last += content["text"]
        whole = last.split("\n")
        last = whole.pop()
        lost = lost or whole != [f"line {count + i}" for i in range(len(whole))]
        count += len(whole)
    grown = kernel.memory() - before
    lost = lost or count != lines
    return f"{count} of {lines} lines, +{grown:.0f} MB{', LOST' if lost else ''}", not lost and grown < 400


def stop(name):
    def check(code, kernel):
        kernel.run("state")
        cell = kernel.send(name, step=code["step"])
        for parent, kind, content in kernel.published(cell):
            if kind == "stream" and "go" in content["text"]:
                break
        time.sleep(0.3)
        began = time.time()
        kernel.manager.interrupt_kernel()
        try:
            reply = kernel.reply(cell, timeout=20)
        except Empty:
            return "not stopped in 20 s", False
        took = time.time() - began
        first = kernel.text("turns")
        time.sleep(1)
        really = kernel.text("turns") == first
        kept = kernel.text("kept") == "42"
        figure = f"{took * 1000:.0f} ms, {reply.get('ename')}, {'over' if really else 'GOES ON'}, names {'kept' if kept else 'LOST'}"
        return figure, reply["status"] == "error" and really and kept and took < 2

    return check


def background(_, kernel):
    kernel.run("state")
    first = kernel.send("background")
    second = kernel.send("wait")
    owner = next(p for p, t, c in kernel.published(second) if t == "stream" and "behind" in c["text"])
    return ("its own cell", True) if owner == first else ("another cell", owner is None)


def error(code, kernel):
    reply, messages = kernel.run("error")
    content = next(c for t, c in messages if t == "error")
    trace = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(content["traceback"]))
    same = all(content[k] == reply[k] for k in ("ename", "evalue", "traceback"))
    ok = same and re.search(code["error line"], trace) and "too large" in content["evalue"]
    foreign = re.findall(r"node:|node_modules|site-packages", trace)
    return f"{content['ename']}, {len(content['traceback'])} lines, {len(foreign)} of others", bool(ok) and not foreign


def display(_, kernel):
    kernel.run("state")
    _, messages = kernel.run("display")
    shown = [(t, c) for t, c in messages if t not in ("status", "execute_input")]
    kinds = [t for t, _ in shown]
    ok = kinds == ["display_data", "update_display_data", "clear_output"] and shown[0][1]["metadata"] == {"a": 1}
    return ", ".join(kinds), ok


def aborted(_, kernel):
    failing, behind = kernel.send("fail"), kernel.send("trivial")
    replies = [kernel.reply(failing)["status"], kernel.reply(behind)["status"]]
    replies.append(kernel.run("trivial")[0]["status"])
    return ", ".join(replies), replies == ["error", "aborted", "ok"]


def shutdown(restart, busy=None):
    def check(code, _):
        kernel = Kernel(code)
        kernel.run("trivial")
        if busy:
            kernel.send(busy, s=20)
            time.sleep(0.5)
        began = time.time()
        kernel.manager.request_shutdown(restart=restart)
        while kernel.manager.is_alive() and time.time() - began < 10:
            time.sleep(0.01)
        took = time.time() - began
        kernel.close()
        return f"{took * 1000:.0f} ms", took <= 2

    return check


# name: (check, limit, whether it needs a running kernel)
CHECKS = {
    "start to first result": (start, "3 s", False),
    "trivial cell, median": (trivial, "50 ms", True),
    "answers in a native call": (blocked, "1 s each", True),
    "500,000 lines": (flood, "3 s, all, 300 MB", True),
    "reader asleep": (slow_reader, "all, 400 MB", True),
    "stop: async loop": (stop("async loop"), "ends", True),
    "stop: polling loop": (stop("polling loop"), "ends", True),
    "stop: plain loop": (stop("plain loop"), "ends", True),
    "stop: timer": (stop("timer"), "ends", True),
    "stop: fetch": (stop("fetch"), "ends", True),
    "background output": (background, "its own cell", True),
    "error": (error, "line, none of others", True),
    "display": (display, "bundle, update, clear", True),
    "error, behind, next": (aborted, "error, aborted, ok", True),
    "shutdown": (shutdown(restart=False), "2 s", False),
    "shutdown to restart": (shutdown(restart=True), "2 s", False),
    "shutdown in a native call": (shutdown(restart=False, busy="blocked"), "2 s", False),
    "jupyter_kernel_test": (suite, "all", False),
}


def column(code, names):
    try:
        kernel = Kernel(code)
    except NoSuchKernel:
        return None
    kernel.run("trivial")
    results = {}
    for name in names:
        check, _, needs = CHECKS[name]
        try:
            results[name] = check(code, kernel if needs else None)
        except Exception as failure:  # a check that cannot be made is a check that failed
            results[name] = (f"{type(failure).__name__}: {failure}", False)
            kernel.close()
            kernel = Kernel(code)
        print(f"{code['name']}: {name}: {results[name][0]}", file=sys.stderr)
    kernel.close()
    return results


def main():
    if {"-h", "--help"} & set(sys.argv):
        print(f"{__doc__}\nchecks:\n  " + "\n  ".join(CHECKS))
        return
    names = [name for name in CHECKS if not sys.argv[1:] or any(arg in name for arg in sys.argv[1:])]
    ours, theirs = column(TYPESCRIPT, names), column(PYTHON, names)
    print(f"| check | limit | TypeScript | | {'ipykernel |' if theirs else ''}")
    print(f"|---|---|---|---|{'---|' if theirs else ''}")
    for name in names:
        figure, ok = ours[name]
        other = f" {theirs[name][0]} |" if theirs else ""
        print(f"| {name} | {CHECKS[name][1]} | {figure} | {'ok' if ok else 'MISSED'} |{other}")
    sys.exit(0 if all(ok for _, ok in ours.values()) else 1)


if __name__ == "__main__":
    main()
