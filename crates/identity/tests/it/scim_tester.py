"""Runs scim2-tester against a server: scim_tester.py BASE_URL TOKEN. Prints every check that failed."""

import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

base, token = sys.argv[1:3]
http = Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=60)
results = check_server(SyncSCIMClient(http))
counts = {}
for result in results:
    counts[result.status.name] = counts.get(result.status.name, 0) + 1
    if result.status in (Status.ERROR, Status.CRITICAL):
        print(f"{result.status.name} {result.resource_type} {result.title}: {result.reason}")
        print(f"    {result.data}")
    if result.status == Status.SKIPPED:
        print(f"SKIPPED {result.resource_type} {result.title}: {result.reason}")
print(counts)
failed = counts.get("ERROR", 0) + counts.get("CRITICAL", 0)
sys.exit(1 if failed or counts.get("SUCCESS", 0) < 50 else 0)
