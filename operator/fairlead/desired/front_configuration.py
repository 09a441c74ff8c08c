"""The configuration of a front: one HAProxy that holds one queue before all replicas of a service.

A pure function from numbers and three DNS names to text. Nothing that a user writes as text is in
it: ``FrontParameters`` refuses a name that is none.
"""

import re
from dataclasses import dataclass

from fairlead.desired.front_answers import (
    NOT_FOUND,
    REASON_HEADER,
    REASONS,
    answer,
    busy,
    counted,
    counter,
    gives_up,
    none_ready,
)
from fairlead.desired.request_limits import MS_PER_S, RequestLimits

PORT, METRICS_PORT = 8080, 8405
ANYONE_PORT = 80  # of the Service that leads to any replica
MAX_CONNECTIONS = 1000
QUEUED_PER_SLOT = 10  # as the runtime's own queue
END_MARGIN_S = 3  # for the last answers
SERVER_MARGIN_MS = 2000  # a replica that answers its time-out itself comes first
KEEP_ALIVE_S = 125
"""Longer than proxies before it keep an idle connection (ingress-nginx 60 s, Traefik 90 s, Caddy
120 s): closed from here it may be just as a request arrives, which a proxy answers with 502."""
MEGABYTE = 1024**2
TEXT = 'content-type "text/plain; version=0.0.4"'
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
MAX_HOST_CHARS = 253


@dataclass(frozen=True)
class FrontParameters:
    """``service`` is the Webservice's name; ``pods`` the DNS name with the address of each replica,
    which listens on ``port``; ``anyone`` that of a Service that leads to one that is ready; ``few``
    one that has an address while no node takes a replica; ``servers`` the most addresses at a time;
    ``fronts`` how many fronts there are; ``at_most`` how many replicas the autoscaler may make,
    None without one. Raises ``ValueError`` for a name that is no DNS name."""

    service: str
    pods: str
    port: int
    servers: int
    limits: RequestLimits
    anyone: str
    few: str
    fronts: int = 1
    at_most: int | None = None

    def __post_init__(self) -> None:
        for host in (self.service, self.pods, self.anyone, self.few):
            if len(host) > MAX_HOST_CHARS or not all(map(LABEL.fullmatch, host.split("."))):
                raise ValueError(f"not a DNS name: {host!r}")
        if "." in self.service:
            raise ValueError(f"not a DNS name: {self.service!r}")

    @property
    def longest_s(self) -> int:
        """Until the last request that a front has taken is answered, at the most."""
        return self.limits.longest_s + SERVER_MARGIN_MS // MS_PER_S + END_MARGIN_S


def front_configuration(front: FrontParameters) -> str:
    """Return ``haproxy.cfg``, for HAProxy 2.6 and later."""
    before = (_global(front), _defaults(front), _resolvers())
    return "\n".join((*before, _frontend(front), _backend(front), _few(front), _metrics()))


def _global(front: FrontParameters) -> str:
    counters = "\n".join(f"    set-var {counter(one)} int(0)" for one in REASONS)
    return f"""\
global
    log stdout len 8192 format raw local0 info
    maxconn {MAX_CONNECTIONS + 50}
    nbthread 1
    hard-stop-after {front.longest_s}s
{counters}
"""


def _defaults(front: FrontParameters) -> str:
    """A head that does not come, or a body of up to 16 kB, ends with 408, and holds no slot.

    What a replica does not run (425) another one is asked for.
    """
    limits = front.limits
    queue_ms = max(limits.queue_wait_ms, 1)  # 0 would be without a limit
    server_ms = limits.scoring_timeout_ms + limits.queue_wait_ms + SERVER_MARGIN_MS
    return f"""\
defaults
    mode http
    log global
    option dontlognull
    option http-buffer-request
    option redispatch 1
    retries 10
    retry-on conn-failure 425
    timeout http-request 10s
    timeout http-keep-alive {KEEP_ALIVE_S}s
    timeout client 30s
    timeout connect 2s
    timeout check 2s
    timeout queue {queue_ms}ms
    timeout server {server_ms}ms
"""


def _resolvers() -> str:
    """Addresses follow the cluster's DNS within seconds, and outlive five minutes without it. What
    causes are told by is asked for less often, and gone once there is no such name."""
    return """\
resolvers cluster
    parse-resolv-conf
    accepted_payload_size 8192
    resolve_retries 3
    timeout resolve 1s
    timeout retry 1s
    hold valid 1s
    hold obsolete 0s
    hold nx 5s
    hold timeout 5m
    hold refused 5m
    hold other 5m

resolvers cluster_slowly
    parse-resolv-conf
    accepted_payload_size 8192
    resolve_retries 3
    timeout resolve 10s
    timeout retry 1s
    hold valid 10s
    hold obsolete 0s
    hold nx 0s
    hold timeout 5m
    hold refused 5m
    hold other 5m
"""


FRONT_HEADER = "x-fairlead-front"  # asks a replica to say 425 where it cannot run a request now
LOG_FIELDS = (
    ("time", '"%[date,utime(%Y-%m-%dT%H:%M:%SZ)]"'),
    ("client", '"%ci"'),
    ("request_id", '"%[capture.req.hdr(0),json(utf8s)]"'),
    ("method", '"%[var(txn.method),json(utf8s)]"'),
    ("path", '"%[var(txn.path),json(utf8s)]"'),
    ("status", "%ST"),
    ("reason", '"%[var(txn.reason),json(utf8s)]"'),
    ("bytes_in", "%U"),
    ("bytes_out", "%B"),
    ("queue_ms", "%Tw"),
    ("connect_ms", "%Tc"),
    ("response_ms", "%Tr"),
    ("total_ms", "%Ta"),
    ("pod", '"%si"'),
    ("retries", '"%rc"'),
    ("queued_before", "%bq"),
    ("connections", "%ac"),
    ("end", '"%tsc"'),
)
"""Path, method and request id are the client's: cut, and escaped. A query, which may hold a key,
and headers are never in it."""


def _log_format() -> str:
    return "{" + ",".join(f'"{name}":{value}' for name, value in LOG_FIELDS) + "}"


def _frontend(front: FrontParameters) -> str:
    """The routes of the runtime that clients use, under the path of Azure ML v1, too.

    What waits for nothing is answered here; the rest goes to the queue.
    """
    queued, bytes_ = QUEUED_PER_SLOT * front.limits.slots, front.limits.body_mb * MEGABYTE
    too_large = (
        f"The request body is larger than {front.limits.body_mb} MB, the most that this service "
        "takes (FAIRLEAD_MAX_BODY_MB). Send less at a time."
    )
    return f"""\
frontend front
    bind *:{PORT}
    maxconn {MAX_CONNECTIONS}
    log-format '{_log_format()}'
    capture request header x-ms-request-id len 100
    http-request set-var(txn.path) path,bytes(0,512)
    http-request set-var(txn.method) method,bytes(0,32)
    http-request replace-path ^/api/v1/service/{front.service}(/.*)$ \\1
    acl starting nbsrv(scoring) eq 0
    acl unplaced nbsrv(unschedulable) gt 0
    acl health path /
    acl served path /score /swagger.json /-/reload
    {answer(404, NOT_FOUND)} if !health !served
{none_ready(front.service)}
    http-request return status 200 content-type "text/html; charset=utf-8" string Healthy if health
    {answer(413, too_large)} if {{ req.body_size gt {bytes_} }}
    acl full avg_queue(scoring) ge {queued}
{busy(front.service, front.at_most)}
{gives_up(front.service)}
    http-after-response set-var(txn.reason) res.hdr({REASON_HEADER}) if {{ status 503 }}
{counted()}
    default_backend scoring
"""


def _backend(front: FrontParameters) -> str:
    """One server for each replica, with as many requests at a time as it has slots.

    A replica that was just found gets nothing before its first check has said that it is ready.
    HAProxys before 3.1 cannot do that: there, what it does not run (425) goes to another.

    Where none of them is ready requests go to whichever one the cluster's own Service knows: it
    knows of a new replica at once, and the DNS after as long as it answers from a cache, which may
    be half a minute.

    The statuses are those of Azure ML v1's router: 502 where run() raised or its process ended, 504
    where it took too long. What a script answers on purpose, but for 500, keeps its status.
    """
    slots = front.limits.slots
    together = min(slots * (front.at_most or front.servers), MAX_CONNECTIONS)
    return f"""\
backend scoring
    balance leastconn
    http-request set-header {FRONT_HEADER} {"several" if front.fronts > 1 else "one"}
    acl failed res.hdr(x-ms-run-function-failed) -m str True
    acl timed_out res.hdr(x-fairlead-outcome) -m str timeout
    acl not_run res.hdr({REASON_HEADER}) -m found
    http-response set-status 504 reason "Gateway Timeout" if failed timed_out
    http-response set-status 502 reason "Bad Gateway" if {{ status 500 }} failed !timed_out
    http-response set-status 503 reason "Service Unavailable" if {{ status 425 }} not_run
    option httpchk
    http-check send meth GET uri /ready ver HTTP/1.1 hdr host {front.service}
    http-check expect status 200
    default-server check inter 2s fastinter 500ms downinter 1s fall 2 rise 1
    default-server observe layer4 error-limit 2 on-error mark-down maxconn {slots}
    default-server resolvers cluster init-addr none resolve-prefer ipv4
    server anyone {front.anyone}:{ANYONE_PORT} backup inter 5s maxconn {together}
    .if version_atleast(3.1)
    default-server init-state down
    .endif
    server-template pod 1-{front.servers} {front.pods}:{front.port}
"""


def _few(front: FrontParameters) -> str:
    """Never gone to: its server is there while its name resolves, and nothing else is known of it.

    So the front is told something while it runs: by a Service that comes and goes.
    """
    return f"""\
backend unschedulable
    server some {front.few}:{PORT} resolvers cluster_slowly init-addr none resolve-prefer ipv4
"""


def _metrics() -> str:
    """HAProxy's own numbers, and on a page of ours how many 503 had which cause."""
    lines = "".join(
        rf"fairlead_front_unavailable_total{{reason=\"{one}\"}} %[var({counter(one)})]\n"
        for one in REASONS
    )
    return f"""\
frontend metrics
    bind *:{METRICS_PORT}
    maxconn 50
    no log
    monitor-uri /healthz
    http-request use-service prometheus-exporter if {{ path /metrics }}
    http-request return status 200 {TEXT} lf-string "{lines}" if {{ path /unavailable }}
    http-request return status 404
"""
