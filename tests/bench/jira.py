"""The sandbox as a bench needs it: room for 96 calls at a time, and nothing held against Atlassian's schemas.

With the usual 32 threads it would be what limits 64 calls in flight, and to check one long HTML mail's document takes it seconds.
"""

from pathlib import Path

from sandbox import __main__, contract, http_server

if __name__ == "__main__":
    http_server._THREADS = 96
    contract.FOLDER = Path("nowhere")
    raise SystemExit(__main__.main())
