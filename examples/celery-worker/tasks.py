"""A Celery task under load: the task as an application has it. Nothing is added for the load.

REDIS_URL is the Redis (default redis://localhost:6379/0), WORK_MS how long a task takes in
milliseconds (default 0). ACKS_LATE=yes acknowledges a task when it is over and not before it
begins, and VISIBILITY is after how many seconds a task that nobody acknowledged is given to
another worker.
"""

import os
import time

from celery import Celery

URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")

app = Celery("tasks", broker=URL, backend=URL)
app.conf.update(
    task_track_started=True,  # without it there are no stages pickup and running
    task_acks_late=os.environ.get("ACKS_LATE") == "yes",
    broker_transport_options={"visibility_timeout": float(os.environ.get("VISIBILITY", "3600"))},
)


@app.task
def work(*args):
    time.sleep(float(os.environ.get("WORK_MS", "0")) / 1000)


@app.task
def fail(*args):
    raise ValueError("this task always fails")
