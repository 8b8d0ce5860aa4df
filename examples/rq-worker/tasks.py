"""Jobs of RQ to put under load: work(...) waits as long as WORK_MS says, fail(...) raises."""

import os
import time

SECONDS = float(os.environ.get("WORK_MS", "5")) / 1000


def work(*args):
    time.sleep(SECONDS)


def fail(*args):
    raise RuntimeError("this job always fails")
