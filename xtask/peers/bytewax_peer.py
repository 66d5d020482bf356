"""The reference query of `cargo xtask bench detect`, judged by Bytewax.

`bytewax_peer.py EVENTS ALARMS`: reads `second,device,bytes` lines, writes `device,second` of each device's first alarm,
prints one JSON object. The file is read before the clock starts.
"""

import json
import sys
import time
from collections import deque

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main

HOUR, LIMIT = 3600, 50_000_000


def judge(state, event):
    second, size = event
    window, total = state or (deque(), 0)
    window.append((second, size))
    total += size
    while window[0][0] < second - HOUR:
        total -= window.popleft()[1]
    return (window, total), (second if total > LIMIT else None)


def main(events_file, alarms_file):
    with open(events_file) as lines:
        events = [tuple(map(int, line.split(","))) for line in lines]
    found = []
    flow = Dataflow("reference")
    stream = op.input("events", flow, TestingSource([(str(device), (second, size)) for second, device, size in events], 1000))
    judged = op.stateful_map("judge", stream, judge)
    hits = op.filter("hits", judged, lambda pair: pair[1] is not None)
    op.output("found", hits, TestingSink(found))
    before = time.process_time()
    run_main(flow)
    cpu_s = time.process_time() - before
    first = {}
    for device, second in found:
        first.setdefault(int(device), second)
    with open(alarms_file, "w") as out:
        out.writelines(f"{device},{second}\n" for device, second in sorted(first.items()))
    print(json.dumps({"events": len(events), "cpu_s": cpu_s, "hits": len(found), "devices": len(first)}))


main(*sys.argv[1:])
