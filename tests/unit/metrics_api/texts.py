"""What a front and a replica say, for tests."""


def front_text(
    *, sessions: float, queued: float, balanced: float, ended: float, failed: float, answered: float
) -> str:
    """``failed``: 5xx of the backend; ``answered``: further ones of the frontend itself."""
    return f"""\
# HELP haproxy_backend_current_queue Number of current queued requests.
# TYPE haproxy_backend_current_queue gauge
haproxy_backend_current_queue{{proxy="scoring"}} {queued}
haproxy_backend_current_sessions{{proxy="scoring"}} {sessions}
haproxy_backend_loadbalanced_total{{proxy="scoring"}} {balanced}
haproxy_backend_http_requests_total{{proxy="scoring"}} {ended}
haproxy_backend_http_responses_total{{proxy="scoring",code="5xx"}} {failed}
haproxy_frontend_http_responses_total{{proxy="front",code="5xx"}} {failed + answered}
haproxy_frontend_http_responses_total{{proxy="metrics",code="5xx"}} 7
"""


def pod_text(  # noqa: PLR0913  (by name)
    *,
    busy: str = "1.0",
    queued: str = "0.0",
    slots: str = "1.0",
    answered: int = 0,
    rejected: int = 0,
    draining: int = 0,
    handed_back: int = 0,
    fast: int = 0,
    slow: int = 0,
) -> str:
    return f"""\
fairlead_slots {slots}
fairlead_slots_busy {busy}
fairlead_queue_length {queued}
fairlead_requests_total{{code="200"}} {answered - rejected - draining - handed_back}
fairlead_requests_total{{code="425"}} {handed_back}
fairlead_requests_total{{code="503"}} {rejected + draining}
fairlead_rejected_total{{reason="queue_timeout"}} {rejected}
fairlead_rejected_total{{reason="draining"}} {draining}
fairlead_handed_back_total{{reason="busy"}} {handed_back}
fairlead_run_seconds_bucket{{le="0.5"}} {fast}
fairlead_run_seconds_bucket{{le="1.0"}} {fast + slow}
fairlead_run_seconds_bucket{{le="+Inf"}} {fast + slow}
"""
