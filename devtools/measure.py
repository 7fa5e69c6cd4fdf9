"""What the benches share: sessions, costs of a block, and words of a report."""

import contextlib
import os
import platform
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg2

from odoo import release

# === SESSIONS === #


def connect(database):
    """Return a session with the planner settings of the big jobs."""
    connection = psycopg2.connect(dbname=database)
    connection.autocommit = True
    execute(
        connection,
        """
        SET work_mem = '256MB';
        SET random_page_cost = 1.1;
        SET jit = off;
        SET max_parallel_workers_per_gather = 0;
        SET timezone = 'UTC'
        """,
    )
    return connection


def execute(connection, query, **values):
    """Run a query; return its rows, if it has any."""
    with connection.cursor() as cr:
        cr.execute(query, values)
        return cr.fetchall() if cr.description else []


def start_filling(connection):
    """Let a session fill tables fast: no triggers, no checks of foreign keys."""
    execute(connection, "SET session_replication_role = replica")
    # What inventory requires of an order.
    execute(
        connection,
        "ALTER TABLE sale_order ALTER COLUMN picking_policy SET DEFAULT 'direct'",
    )


@contextlib.contextmanager
def without_indexes(connection, tables):
    """Drop the indexes that no constraint needs and make them again at the end."""
    indexes = execute(
        connection,
        """
        SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
          FROM pg_index i
         WHERE i.indrelid = ANY (%(tables)s::regclass[])
           AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
        """,
        tables=list(tables),
    )
    for name, _ in indexes:
        execute(connection, f"DROP INDEX {name}")
    yield
    execute(connection, "SET maintenance_work_mem = '512MB'")
    for _, definition in indexes:
        execute(connection, definition)


def copy_row(connection, table, template, count, **columns):
    """Copy a row of a table many times: `i` counts from 1; columns are SQL."""
    names = [
        name
        for (name,) in execute(
            connection,
            "SELECT attname FROM pg_attribute WHERE attrelid = %(table)s::regclass"
            " AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
            table=table,
        )
        if name != "id" or "id" in columns
    ]
    execute(
        connection,
        f"INSERT INTO {table} ({', '.join(names)})"
        f" SELECT {', '.join(columns.get(name, f't.{name}') for name in names)}"
        f"   FROM {table} t, generate_series(1, {count}) i WHERE t.id = {template}",
    )


# === COSTS === #


@dataclass
class Cost:
    """What a step took: seconds, CPU seconds of Python and the backend, peaks, WAL."""

    wall: float
    cpu: float
    backend: float
    python: float
    wal: float


def get_cpu(pid):
    """Return the CPU seconds of Python and of a backend on this machine."""
    # Nanoseconds on a processor come first; /proc/PID/stat counts in 10 ms.
    backend = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return time.process_time() + backend


def _get_memory(pid):
    """Return the MB that a process has for itself, without shared buffers."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if "RssAnon" in line), 0)


def _get_wal(cr, pid):
    """Return the MB of WAL that a backend has written, or the server before 18."""
    if cr.connection.server_version < 180000:
        cr.execute("SELECT (pg_current_wal_insert_lsn() - '0/0') / 1e6")
        return float(cr.fetchone()[0])
    cr.execute("SELECT pg_stat_force_next_flush()")
    cr.connection.commit()
    cr.execute("SELECT wal_bytes / 1e6 FROM pg_stat_get_backend_wal(%s)", [pid])
    return float(cr.fetchone()[0])


def _watch(pids, peaks, stop):
    """Note the peak memory of processes until told to stop."""
    while not stop.wait(0.02):
        for pid in pids:
            peaks[pid] = max(peaks[pid], _get_memory(pid))


@contextlib.contextmanager
def measured(costs, cr):
    """Append the cost of the block, in which the cursor's backend works."""
    cr.execute("SELECT pg_backend_pid()")
    pid, own = cr.fetchone()[0], os.getpid()
    peaks, stop = Counter(), threading.Event()
    watcher = threading.Thread(target=_watch, args=((pid, own), peaks, stop))
    wal = _get_wal(cr, pid)
    watcher.start()
    cpu, began = get_cpu(pid), time.perf_counter()
    try:
        yield
    finally:
        wall, cpu = time.perf_counter() - began, get_cpu(pid) - cpu
        stop.set()
        watcher.join()
    costs.append(Cost(wall, cpu, peaks[pid], peaks[own], _get_wal(cr, pid) - wal))


# === REPORTS === #


def reached(value, bound):
    """Tell whether a value keeps a bound like "≤ 1.5"."""
    sign, limit = bound.split()
    return value <= float(limit) if sign == "≤" else value >= float(limit)


def get_verdicts(targets):
    """Return the table of what is to be reached, of (text, value, bound)."""
    lines = ["| what | value | target | |", "| --- | ---: | --- | --- |"]
    for text, value, bound in targets:
        verdict = "PASS" if reached(value, bound) else "FAIL"
        lines.append(f"| {text} | {value:,.2f} | {bound} | {verdict} |")
    return lines


def describe_machine():
    """Return when and where the measuring was done, and with what."""
    with contextlib.closing(psycopg2.connect(dbname="postgres")) as connection:
        [[server]] = execute(connection, "SHOW server_version")
        [[images]] = execute(connection, "SHOW full_page_writes")
    return (
        f"{date.today()}, {os.cpu_count()} cores {_get_processor()}, "
        f"PostgreSQL {server} with full_page_writes {images}, Odoo {release.version}, "
        f"Python {platform.python_version()}."
    )


def _get_processor():
    """Return the processor's name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
