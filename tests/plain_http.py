"""HTTP without TLS to addresses of this machine and of the cluster.

``httpx.post`` and its kin read the certificates of all authorities anew at each call: 40 ms of a
processor, where tests ask many times a second. This reads them once. Like them it opens another
connection for each request, as most clients do. Safe for threads.
"""

import httpx

CLIENT = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0), trust_env=False)
